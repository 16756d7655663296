//! Where nobody need show a credential: what a browser sends for another site changes nothing, and a site that calls itself this machine
//! learns nothing.

use crate::kit::{KEY, POOLS, get, keys, registry, send};
use axum::body::Body;
use axum::http::Request;
use fairpool::server::auth::Insecure;
use fairpool::server::{Readiness, RouterOptions, connection_pools, connections, health};
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
        let mut asked = Request::post(path).header("host", "localhost:80");
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
            ("origin", "http://localhost:81"),
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
            ("origin", "http://LocalHost:80"),
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
    // A browser may show one that it keeps.
    let kept = [json, ("origin", "http://evil.example"), ("authorization", "Basic YTpi")];
    assert_eq!(ask(&pools, &clear, &kept, "").await, 403);
    // Whoever has a key to show is no visitor's browser.
    let keyed = connection_pools(&registry, keys(), options());
    let shown = [json, ("origin", "http://evil.example"), ("authorization", KEY)];
    assert_eq!(ask(&keyed, &clear, &shown, "").await, 200);
}

#[tokio::test]
async fn a_site_whose_name_leads_here_is_told_nothing() {
    let registry = registry().await;
    let open = connection_pools(&registry, Arc::new(Insecure), RouterOptions::new());
    let proxied = RouterOptions::new().public_url("https://pools.example/admin");
    let proxied = connection_pools(&registry, Arc::new(Insecure), proxied);
    let ask = async |router, method: &str, path: &str, hosts: &[&str], key: Option<&str>| {
        let mut asked = Request::builder().method(method).uri(path);
        for host in hosts {
            asked = asked.header("host", *host);
        }
        if let Some(key) = key {
            asked = asked.header("authorization", key);
        }
        send(router, asked.body(Body::empty()).expect("a request")).await.status
    };
    let here = [
        "localhost",
        "LocalHost:8080",
        "127.0.0.1:8080",
        "127.8.9.1",
        "[::1]",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
    ];
    let elsewhere = [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:80@localhost:80:80",
        "128.0.0.1",
        "[::2]:8080",
        "::1",
        "",
        "localhost/evil",
    ];
    for (method, path) in [
        ("GET", POOLS),
        ("HEAD", POOLS),
        ("POST", "/api/v1/connection-pools/7/clear"),
    ] {
        let well = if method == "POST" { 404 } else { 200 };
        for host in here {
            assert_eq!(ask(&open, method, path, &[host], None).await, well, "{method} {host}");
        }
        for host in elsewhere {
            for key in [None, Some(KEY), Some("Basic YTpi")] {
                let status = ask(&open, method, path, &[host], key).await;
                assert_eq!(status, 403, "{method} {host:?} {key:?}");
            }
        }
        assert_eq!(
            ask(&open, method, path, &["localhost", "evil.example"], None).await,
            403
        );
        assert_eq!(
            ask(&open, method, path, &[], None).await,
            well,
            "no browser leaves it out"
        );
        let absolute = format!("http://evil.example{path}");
        assert_eq!(ask(&open, method, &absolute, &["localhost"], None).await, 403);
        assert_eq!(ask(&proxied, method, path, &["pools.example"], None).await, well);
        assert_eq!(ask(&proxied, method, path, &["evil.example"], None).await, 403);
    }
    // Whoever has a key to show may call the server as he likes, and its health is no secret.
    let keyed = connection_pools(&registry, keys(), RouterOptions::new());
    assert_eq!(get(&keyed, POOLS).await.status, 200);
    let health = health(&Readiness::new(true), RouterOptions::new());
    assert_eq!(ask(&health, "GET", "/readyz", &["10.0.0.7:8080"], None).await, 200);
}
