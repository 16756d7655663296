//! Family 3, described.

use super::schema::{got, named_schema, object};
use super::{Described, Description};
use crate::resource::models::ConnectionSettings;
use crate::server::settings::{Call, Settings};
use serde_json::{Value, json};

impl Described for Settings {
    const NAME: &'static str = "connection-settings";
    const TITLE: &'static str = "Connection settings of API proxies";
    const PATHS: &'static [&'static str] =
        &["/apiops/projects/{projectName}/apiProxies/{apiProxyName}/settings/connection/"];

    fn describe(call: Call) -> Description {
        let (summary, body, answer) = match call {
            Call::Show => ("Show connection settings", None, "Settings"),
            Call::Patch => (
                "Change what is given",
                Some((named_schema("Settings"), true)),
                "Success",
            ),
        };
        Description {
            summary,
            query: Vec::new(),
            body,
            answer: (200, named_schema(answer)),
            refusals: &[],
        }
    }

    fn schemas() -> Value {
        type S = ConnectionSettings;
        let mut fields = [
            ("connectionSettingsEnabled", got(S::enabled)),
            ("connectTimeout", got(S::connect_timeout)),
            ("readTimeout", got(S::read_timeout)),
            ("connectionRequestTimeout", got(S::connection_request_timeout)),
            ("redirectsEnabled", got(S::redirects_enabled)),
            ("maxRedirects", got(S::max_redirects)),
            ("relativeRedirectsAllowed", got(S::relative_redirects_allowed)),
            ("disableContentCompression", got(S::content_compression_disabled)),
            ("enableStreaming", got(S::streaming_enabled)),
            ("retryCount", got(S::retry_count)),
            ("failoverRetryCount", got(S::failover_retry_count)),
            ("ignoreRoutingError", got(S::ignore_routing_error)),
            ("connectionPoolManagementType", got(S::management_type)),
            ("customConnectionPoolSize", got(S::custom_size)),
        ];
        let defaults = json!(S::default());
        for (name, schema) in &mut fields {
            if let Some(default) = defaults.get(*name) {
                schema["default"] = default.clone();
            }
        }
        json!({
            "Settings": object(&[], fields),
            "Success": object(&["success"], [("success", json!({"type": "boolean"}))]),
        })
    }
}
