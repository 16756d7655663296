//! Where nobody need show a credential: what a browser sends for another site changes nothing.

use crate::kit::{KEY, POOLS, keys, registry, send};
use axum::body::Body;
use axum::http::Request;
use fairpool::server::auth::Insecure;
use fairpool::server::{RouterOptions, connection_pools, connections};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn without_a_credential_no_other_site_changes_anything() {
    let registry = registry().await;
    let body =
        json!({"name": "a", "limit": 1, "connection": {"name": "a", "type": "http", "queryHosts": ["a"]}}).to_string();
    let options = RouterOptions::new;
    let pools = connection_pools(&registry, Arc::new(Insecure), options());
    let systems = connections(&registry, Arc::new(Insecure), options());
    let ask = async |router, path: &str, headers: &[(&'static str, &'static str)], body: &str| {
        let mut asked = Request::post(path).header("host", "pools.example:80");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        let asked = asked.body(Body::from(body.to_owned())).expect("a request");
        send(router, asked).await.status
    };
    let json = ("content-type", "application/json");
    for (router, path, wrong_type) in [(&pools, POOLS, 422), (&systems, "/api/v1/connections", 400)] {
        for elsewhere in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://evil.example"),
            ("origin", "http://pools.example:81"),
            ("origin", "null"),
        ] {
            assert_eq!(
                ask(router, path, &[json, elsewhere], &body).await,
                403,
                "{path} {elsewhere:?}"
            );
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let status = ask(router, path, &[("content-type", kind)], &body).await;
            assert_eq!(status, wrong_type, "{path} {kind}");
        }
        assert_eq!(ask(router, path, &[], &body).await, wrong_type, "{path}");
        let own = [
            json,
            ("origin", "http://Pools.example:80"),
            ("sec-fetch-site", "same-origin"),
        ];
        for headers in [&own[..1], &own[..2], &own[..]] {
            let status = ask(router, path, headers, &body).await;
            assert!(
                matches!((status, wrong_type), (200, _) | (422, 422)),
                "{path} {headers:?}: {status}"
            );
        }
    }
    let clear = format!("{POOLS}/1/clear");
    assert_eq!(ask(&pools, &clear, &[("origin", "http://evil.example")], "").await, 403);
    assert_eq!(ask(&pools, &clear, &[], "").await, 200);
    // Whoever has a key to show is no visitor's browser.
    let keyed = connection_pools(&registry, keys(), options());
    let shown = [json, ("origin", "http://evil.example"), ("authorization", KEY)];
    assert_eq!(ask(&keyed, &clear, &shown, "").await, 200);
}
