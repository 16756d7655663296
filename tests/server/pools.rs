//! Family 1 over HTTP: every documented answer, in process, over a real registry with a store in memory.

use crate::kit::{KEY, POOLS, delete, get, pools, post, put, request, send};
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::resource::models::{ConnectionDefinition, ConnectorDefinition};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|pool| pool["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_pool_lives_from_post_to_delete() {
    let (_registry, router) = pools().await;
    let made = post(
        &router,
        POOLS,
        json!({"name": "orders", "limit": 5.0, "timeout": 30, "shade": "blue"}),
    )
    .await;
    assert_eq!(made.status, 200);
    let pool = made.json()["data"].clone();
    let keys: Vec<_> = pool.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys.len(), 6, "{pool}");
    assert_eq!(
        (&pool["name"], &pool["limit"], &pool["timeout"]),
        (&json!("orders"), &json!(5), &json!(30))
    );
    let created = pool["created_at"].as_str().expect("a moment");
    assert!(created.len() == 27 && created.ends_with('Z'), "{created}");

    let path = format!("{POOLS}/{}", pool["id"]);
    assert_eq!(get(&router, &path).await.json(), json!({"data": pool}));

    let changed = put(&router, &path, json!({"timeout": null, "limit": 7})).await;
    assert_eq!(changed.status, 200);
    let changed = changed.json()["data"].clone();
    assert_eq!(
        (&changed["name"], &changed["limit"], changed.get("timeout")),
        (&json!("orders"), &json!(7), None)
    );
    assert_eq!(changed["created_at"], pool["created_at"]);

    let unchanged = put(&router, &path, json!({})).await;
    assert_eq!((unchanged.status, &unchanged.json()["data"]["limit"]), (200, &json!(7)));

    let gone = delete(&router, &path).await;
    assert_eq!(gone.status, 200);
    assert!(gone.json()["message"].is_string());
    for call in [
        get(&router, &path).await,
        delete(&router, &path).await,
        put(&router, &path, json!({})).await,
    ] {
        assert_eq!((call.status, call.json()), (404, json!({"message": "Not found."})));
    }
}

#[tokio::test]
async fn a_pool_that_breaks_rules_is_refused_in_the_documents_words() {
    let (_registry, router) = pools().await;
    post(&router, POOLS, json!({"name": "taken", "limit": 1})).await;
    let made = post(&router, POOLS, json!({"name": "other", "limit": 1})).await;
    let other = format!("{POOLS}/{}", made.json()["data"]["id"]);
    let long = "n".repeat(256);
    let rows = [
        (json!({}), "limit", "The limit field is required."),
        (
            json!({"limit": "5", "name": "a"}),
            "limit",
            "The limit field must be an integer.",
        ),
        (
            json!({"limit": 0, "name": "a"}),
            "limit",
            "The limit field must be at least 1.",
        ),
        (
            json!({"limit": 1e300, "name": "a"}),
            "limit",
            "The limit field must not be greater than 4294967295.",
        ),
        (
            json!({"limit": 1, "name": 5}),
            "name",
            "The name field must be a string.",
        ),
        (
            json!({"limit": 1, "name": long}),
            "name",
            "The name field must not be greater than 255 characters.",
        ),
        (
            json!({"limit": 1, "name": "a", "timeout": 0}),
            "timeout",
            "The timeout field must be at least 1.",
        ),
        (
            json!({"limit": 1, "name": "taken"}),
            "name",
            "The name has already been taken.",
        ),
        (json!([]), "body", "The body field must be an object."),
        (json!("text"), "body", "The body field must be an object."),
    ];
    for (body, field, text) in rows {
        let refused = post(&router, POOLS, body.clone()).await;
        assert_eq!(refused.status, 422, "{body}");
        assert_eq!(refused.json()["errors"][field], json!([text]), "{body}");
        assert!(
            refused.json()["message"]
                .as_str()
                .is_some_and(|message| message.starts_with(text)),
            "{body}"
        );
    }
    let two = post(&router, POOLS, json!({})).await.json();
    assert_eq!(two["message"], "The limit field is required. (and 1 more error)");

    for (body, text) in [
        (json!({"name": ""}), "The name field must be at least 1 characters."),
        (json!({"name": "taken"}), "The name has already been taken."),
        (json!({"limit": null}), "The limit field must be an integer."),
    ] {
        let refused = put(&router, &other, body.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["message"]),
            (422, &json!(text)),
            "{body}"
        );
    }
    assert_eq!(put(&router, &other, json!({"name": "other"})).await.status, 200);
    assert_eq!(names(&get(&router, POOLS).await.json()), ["taken", "other"]);
}

#[tokio::test]
async fn what_is_no_json_is_refused_as_such() {
    let (_registry, router) = pools().await;
    let deep = "[".repeat(50_000);
    let json_type = Some("application/json; charset=utf-8");
    let rows = [
        ("{\"limit\": 1", json_type, "The body field must be valid JSON."),
        ("", json_type, "The body field must be valid JSON."),
        ("{\"limit\": 1e999}", json_type, "The body field must be valid JSON."),
        (&deep, json_type, "The body field must be valid JSON."),
        (
            "{\"limit\": 1, \"name\": \"\u{0}\"}",
            json_type,
            "The body field must be valid JSON.",
        ),
        (
            "{\"limit\": 1, \"name\": \"a\"}",
            Some("text/plain"),
            "The content type field must be application/json.",
        ),
        (
            "{\"limit\": 1, \"name\": \"a\"}",
            None,
            "The content type field must be application/json.",
        ),
    ];
    for (body, kind, text) in rows {
        let mut request = Request::post(POOLS).header("authorization", KEY);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let refused = send(&router, request.body(Body::from(body.to_owned())).expect("a request")).await;
        assert_eq!(
            (refused.status, &refused.json()["message"]),
            (422, &json!(text)),
            "{kind:?}"
        );
    }
    assert_eq!(get(&router, POOLS).await.json()["meta"]["total"], 0);
}

#[tokio::test]
async fn a_list_is_paged_sorted_and_filtered() {
    let (_registry, router) = pools().await;
    for at in 0..35 {
        let name = format!("{}-{at:02}", if at % 2 == 0 { "Mail" } else { "order" });
        post(&router, POOLS, json!({"name": name, "limit": 100 - at})).await;
    }
    let list = get(&router, POOLS).await.json();
    assert_eq!(names(&list).len(), 15);
    assert_eq!(names(&list)[..2], ["Mail-00", "order-01"]);
    let base = format!("http://pools.example{POOLS}");
    let links = json!({
        "first": format!("{base}?page=1"), "last": format!("{base}?page=3"),
        "prev": null, "next": format!("{base}?page=2"),
    });
    assert_eq!(list["links"], links);
    let meta = json!({
        "current_page": 1, "from": 1, "last_page": 3, "path": base, "per_page": 15, "to": 15, "total": 35,
    });
    assert_eq!(list["meta"], meta);

    let list = get(
        &router,
        &format!("{POOLS}?filter[name]=mAIl&sort=-name&per_page=10&page=2&shade=blue"),
    )
    .await
    .json();
    assert_eq!(names(&list)[..2], ["Mail-14", "Mail-12"]);
    let query = "filter%5Bname%5D=mAIl&sort=-name&per_page=10";
    assert_eq!(list["links"]["prev"], format!("{base}?{query}&page=1"));
    assert_eq!(
        (&list["meta"]["total"], &list["meta"]["from"]),
        (&json!(18), &json!(11))
    );

    let list = get(&router, &format!("{POOLS}?filter%5Bname%5D=01,02&sort=limit"))
        .await
        .json();
    assert_eq!(names(&list), ["Mail-02", "order-01"]);

    let beyond = get(&router, &format!("{POOLS}?page=9")).await;
    assert_eq!((beyond.status, names(&beyond.json()).len()), (200, 0));
    assert_eq!(
        (&beyond.json()["meta"]["from"], &beyond.json()["meta"]["to"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(beyond.json()["links"]["next"], Value::Null);

    let ignored = get(&router, &format!("{POOLS}?sort=shade&include=shade&colour=blue")).await;
    assert_eq!(
        (ignored.status, names(&ignored.json())[0].to_owned()),
        (200, "Mail-00".to_owned())
    );
    assert!(ignored.json()["data"][0].get("connectors").is_none());
}

#[tokio::test]
async fn a_page_out_of_range_is_422_on_the_reads() {
    let (_registry, router) = pools().await;
    post(&router, POOLS, json!({"name": "one", "limit": 1})).await;
    for path in [POOLS.to_owned(), format!("{POOLS}/1")] {
        for (query, text) in [
            ("page=0", "The page field must be at least 1."),
            ("page=-99999999999999999999", "The page field must be at least 1."),
            ("page=x", "The page field must be an integer."),
            ("per_page=101", "The per page field must not be greater than 100."),
            ("per_page=0", "The per page field must be at least 1."),
        ] {
            let refused = get(&router, &format!("{path}?{query}")).await;
            assert_eq!(
                (refused.status, &refused.json()["message"]),
                (422, &json!(text)),
                "{path} {query}"
            );
        }
        assert_eq!(get(&router, &format!("{path}?page=2&per_page=100")).await.status, 200);
    }
    // The resource is judged first.
    assert_eq!(get(&router, &format!("{POOLS}/9?page=0")).await.status, 404);
}

#[tokio::test]
async fn an_id_that_is_no_positive_integer_is_404() {
    let (_registry, router) = pools().await;
    post(&router, POOLS, json!({"name": "one", "limit": 1})).await;
    for id in [
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "x",
        "1x",
        "%20",
        "18446744073709551616",
        "99999999999999999999999",
        "%31%20",
        "é",
    ] {
        let id = id.replace('é', "%C3%A9");
        for (method, body) in [
            (Method::GET, None),
            (Method::PUT, Some(json!({}))),
            (Method::DELETE, None),
        ] {
            let path = format!("{POOLS}/{id}");
            let refused = send(&router, request(method, &path, Some(KEY), body.as_ref())).await;
            assert_eq!(
                (refused.status, refused.json()),
                (404, json!({"message": "Not found."})),
                "{id}"
            );
        }
        assert_eq!(
            post(&router, &format!("{POOLS}/{id}/clear"), json!({})).await.status,
            404,
            "{id}"
        );
    }
    assert_eq!(get(&router, &format!("{POOLS}/%31")).await.status, 200);
}

#[tokio::test]
async fn clear_removes_those_who_wait_and_says_how_many() {
    let (_registry, router) = pools().await;
    post(&router, POOLS, json!({"name": "one", "limit": 1})).await;
    let path = format!("{POOLS}/1/clear");
    let cleared = send(&router, request(Method::POST, &path, Some(KEY), None)).await;
    assert_eq!((cleared.status, cleared.json()), (200, json!({"cleared": 0})));
}

#[tokio::test]
async fn included_connectors_come_with_their_systems() {
    let (registry, router) = pools().await;
    let id = post(&router, POOLS, json!({"name": "one", "limit": 1})).await.json()["data"]["id"].clone();
    let connection =
        json!({"name": "db", "type": "http", "title": "The orders", "queryHosts": ["http://me:secret@db:80"]});
    let connection = ConnectionDefinition::try_from(&connection).expect("a connection");
    registry.put_connection(connection).await.expect("stored");
    let connector = json!({"name": "c", "connection": "db", "connection_pool_id": id, "mode": "CUSTOM", "size": 3});
    let connector = ConnectorDefinition::try_from(&connector).expect("a connector");
    registry.create_connector(connector).await.expect("stored");

    let one = format!("{POOLS}/{id}");
    let plain = get(&router, &one).await.json();
    assert!(plain["data"].get("connectors").is_none());
    for path in [
        format!("{one}?include=connectors"),
        format!("{POOLS}?include=connectors"),
    ] {
        let shown = get(&router, &path).await.json()["data"].clone();
        let shown = shown.get(0).unwrap_or(&shown);
        let expected = json!([{"id": shown["connectors"][0]["id"], "name": "c", "mode": "CUSTOM", "size": 3}]);
        assert_eq!(shown["connectors"], expected, "{path}");
    }
    let shown = get(&router, &format!("{one}?include=connectors.system")).await.json()["data"].clone();
    let system = json!({"name": "db", "type": "http", "title": "The orders", "queryHosts": ["http://***@db:80"]});
    assert_eq!(shown["connectors"][0]["system"], system);
    assert_eq!(shown["name"], plain["data"]["name"]);
}
