//! Family 3: the connection settings of API proxies over HTTP.

use super::auth::{Authority, Header, Scope};
use super::body::typed_json;
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::{Missing, Refusal};
use super::status::{Answer, Shape};
use crate::resource::models::ConnectionSettingsPatch;
use crate::resource::registry::{Registry, RegistryError, ResourceKind};
use axum::Router;
use axum::http::Method;
use serde_json::json;
use std::sync::Arc;

/// The routes of connection settings, `/apiops/projects/{project}/apiProxies/{proxy}/settings/connection/`, with the last slash or
/// without.
///
/// A credential is looked for in `Authorization`, after the word `Bearer`.
pub fn connection_settings(registry: &Registry, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    let settings = Settings(registry.clone());
    Front::new(settings, auth, options).described(&["/apiops/projects"])
}

pub(crate) struct Settings(Registry);

#[derive(Clone, Copy)]
pub(crate) enum Call {
    Show,
    Patch,
}

static ONE: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Show),
    Offer::new(Method::PATCH, Scope::Write, Call::Patch),
];

impl Family for Settings {
    type Call = Call;
    const SHAPE: Shape = Shape::Description;
    const HEADER: Header = Header::Bearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        // The last slash is part of the documented path, and it goes without.
        let path = path.strip_suffix(&[""]).unwrap_or(path);
        match path {
            [
                "apiops",
                "projects",
                project,
                "apiProxies",
                proxy,
                "settings",
                "connection",
            ] if !project.is_empty() && !proxy.is_empty() => Some(&ONE),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, asked: Asked<'_>) -> Result<Answer, Refusal> {
        let [_, _, project, _, proxy, ..] = asked.path else {
            return Err(Refusal::Path);
        };
        let refused = |error| refused(error, project, proxy);
        let settings = self.0.connection_settings(project, proxy).map_err(refused)?;
        match call {
            Call::Show => Ok(Answer::ok(&settings)),
            Call::Patch => {
                let patch = typed_json(&asked.body, &asked.parts.headers)?;
                let patch = ConnectionSettingsPatch::try_from(patch)?;
                let changed = self.0.change_connection_settings(project, proxy, patch).await;
                changed.map_err(refused)?;
                Ok(Answer::ok(&json!({"success": true})))
            }
        }
    }
}

/// This family names what it does not find.
fn refused(error: RegistryError, project: &str, proxy: &str) -> Refusal {
    match error {
        RegistryError::NotFound {
            kind: ResourceKind::Project,
            ..
        } => Refusal::Missing(Missing::Project(project.to_owned())),
        RegistryError::NotFound { .. } => Refusal::Missing(Missing::Proxy(proxy.to_owned())),
        error => error.into(),
    }
}
