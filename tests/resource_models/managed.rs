//! Managed databases: what a file may say of them, and that no answer shows a password.

use crate::{read, refusal};
use fairpool::resource::models::*;
use serde_json::{Value, json};

const URL: &str = "postgresql://doadmin:hunter2@db.example:25060/defaultdb?sslmode=require";

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"id": "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", "name": "orders", "engine": "pg", "url": URL});
    body[field] = value;
    body
}

#[test]
fn every_rule_about_a_database_names_its_field() {
    let engines = "engine must be one of pg, mysql, redis, kafka";
    for (field, value, reason) in [
        ("id", json!(null), "id is required"),
        ("id", json!(""), "id must be at least 1 characters"),
        (
            "id",
            json!("i".repeat(256)),
            "id must not be greater than 255 characters",
        ),
        ("id", json!("a\nb"), "id must be free of control characters"),
        ("engine", json!("oracle"), engines),
        ("engine", json!("PG"), engines),
        ("engine", json!("mysql"), "url must be a URL of mysql or mariadb"),
        ("url", json!("db.example:5432"), "url must be a URL"),
        (
            "url",
            json!("http://db.example"),
            "url must be a URL of postgres or postgresql",
        ),
        ("url", json!(7), "url must be a string"),
        ("version", json!("sixteen"), "version must be digits and dots"),
        ("server", json!({}), "server must be an array"),
        ("server", json!([7]), "server.0 must be an object"),
        ("server", json!([{"url": URL}]), "server.0.version is required"),
        (
            "server",
            json!([{"version": "16", "url": URL}, {"version": "17", "url": "redis://db"}]),
            "server.1.url must be a URL of postgres or postgresql",
        ),
        ("user", json!([{"name": "app"}]), "user.0.password is required"),
        (
            "user",
            json!([{"password": "x"}, {"name": ""}]),
            "user.0.name is required; user.1.name must be at least 1 characters; user.1.password is required",
        ),
    ] {
        assert_eq!(refusal::<DatabaseDefinition>(with(field, value)), reason);
    }
    let all = "id is required; engine is required; url is required";
    assert_eq!(refusal::<DatabaseDefinition>(json!({})), all);
}

#[test]
fn engines_go_by_the_names_that_operators_write() {
    for (names, engine, url) in [
        (&["pg", "postgres", "postgresql"][..], Engine::Postgres, URL),
        (&["mysql", "mariadb"], Engine::Mysql, "mariadb://root@db/app"),
        (&["redis", "valkey"], Engine::Redis, "rediss://cache"),
        (&["kafka"], Engine::Kafka, "kafka://log:9092"),
    ] {
        for name in names {
            let mut body = with("engine", json!(name));
            body["url"] = json!(url);
            let database = Database::from(read::<DatabaseDefinition>(body));
            assert_eq!(database.engine(), engine);
            assert_eq!(json!(database)["engine"], engine.as_str());
        }
    }
}

#[test]
fn a_file_says_the_same_as_json_and_as_rust() {
    let file = format!(
        "[[database]]\nid = \"orders\"\nengine = \"postgres\"\nurl = \"{URL}\"\nversion = \"15\"\n\
         [[database.server]]\nversion = \"16\"\nurl = \"postgres://db16.example/defaultdb\"\n\
         [[database.user]]\nname = \"app\"\npassword = \"sesame\"\n"
    );
    #[derive(serde::Deserialize)]
    struct File {
        database: Vec<DatabaseDefinition>,
    }
    let from_file = toml::from_str::<File>(&file).unwrap().database.remove(0);
    let id = DatabaseId::new("orders").unwrap();
    let by_hand = DatabaseDefinition::new(id, Engine::Postgres, URL.parse().unwrap()).unwrap();
    let by_hand = by_hand
        .version("15".parse().unwrap())
        .server(
            "16".parse().unwrap(),
            "postgres://db16.example/defaultdb".parse().unwrap(),
        )
        .unwrap()
        .user("app".parse().unwrap(), Secret::new("sesame"));
    assert_eq!(from_file, by_hand);
    let shown = json!(Database::from(from_file));
    assert_eq!(
        shown,
        json!({
            "id": "orders", "name": "orders", "engine": "pg", "version": "15",
            "url": "postgresql://***@db.example:25060/defaultdb?sslmode=require",
            "servers": [{"version": "16", "url": "postgres://db16.example/defaultdb"}],
        })
    );
}

#[test]
fn a_database_is_on_the_server_to_which_it_has_moved_as_long_as_that_is_declared() {
    let mut body = with("version", json!("15.2"));
    body["server"] = json!([
        {"version": "16.1", "url": "postgres://old16"},
        {"version": "16.4", "url": "postgres://new16"},
    ]);
    let definition: DatabaseDefinition = read(body);
    let database = Database::from(definition.clone());
    let at = |version: &str| {
        let found = database.server(&version.parse().unwrap());
        found.map(|(choice, url)| (choice.map(ToString::to_string), url.hosts()))
    };
    let choice = |version: &str, host: &str| Some((Some(version.to_owned()), host.to_owned()));
    assert_eq!(at("16.4"), choice("16.4", "new16"));
    assert_eq!(at("16"), choice("16.1", "old16"));
    assert_eq!(at("16.9"), choice("16.1", "old16"));
    assert_eq!(at("15"), Some((None, "db.example".to_owned())));
    assert_eq!(at("1"), None);

    let record = database.record_of(Some(&"16.4".parse().unwrap()));
    assert_eq!(DatabaseRecord::from_store(&record.to_store()).unwrap(), record);
    let moved = Database::with(definition, &record);
    assert_eq!(
        (moved.url().hosts(), moved.version().unwrap().as_str()),
        ("new16".to_owned(), "16.4")
    );
    let elsewhere = Database::with(read(with("version", json!(null))), &record);
    assert_eq!(
        (elsewhere.url().hosts(), elsewhere.version()),
        ("db.example".to_owned(), None)
    );
}

#[test]
fn the_parts_of_a_url_are_decoded_and_its_password_is_shown_nowhere() {
    for (url, hosts, port, user, database) in [
        (URL, "db.example", Some(25060), Some("doadmin"), Some("defaultdb")),
        ("postgres://db", "db", None, None, None),
        (
            "postgres://a%40b:hunter2@[::1]:7/x%2Fy",
            "::1",
            Some(7),
            Some("a@b"),
            Some("x/y"),
        ),
        (
            "postgres://u:hunter2@one:1,two:2/x",
            "one,two",
            Some(1),
            Some("u"),
            Some("x"),
        ),
        (
            "postgres://u:hunter2@%2Frun%2Fpg/x?port=9",
            "/run/pg",
            Some(9),
            Some("u"),
            Some("x"),
        ),
        ("postgres:///x?host=/run/pg&user=eve", "/run/pg", None, None, Some("x")),
        ("postgres://u:hunter2@h:5/x%zz%", "h", Some(5), Some("u"), Some("x%zz%")),
    ] {
        let read: DatabaseUrl = url.parse().unwrap();
        assert_eq!((&*read.hosts(), read.port()), (hosts, port), "{url}");
        assert_eq!(
            (read.user().as_deref(), read.database().as_deref()),
            (user, database),
            "{url}"
        );
        let shown = format!("{read} {read:?} {}", json!(read));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(read.reveal(), url);
    }
    let mut body = with("user", json!([{"name": "app", "password": "sesame"}]));
    body["server"] = json!([{"version": "16", "url": "postgres://u:pass16@db16"}]);
    let database = Database::from(read::<DatabaseDefinition>(body));
    let shown = format!("{database:?} {} {:?}", json!(database), database.definition());
    for secret in ["hunter2", "sesame", "pass16"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let known = |user| database.password_of(user).map(|secret| secret.reveal().to_owned());
    assert_eq!(known("doadmin").as_deref(), Some("hunter2"));
    assert_eq!(known("app").as_deref(), Some("sesame"));
    assert_eq!(known("eve"), None);
}

#[test]
fn a_pools_connection_is_what_a_client_needs_but_the_password() {
    let pool = |body: Value| DatabasePool::from(read::<DatabasePoolDefinition>(body));
    let of = |url: &str, body: Value| {
        json!(Database::from(read::<DatabaseDefinition>(with("url", json!(url)))).connection_of(&pool(body)))
    };
    let body = json!({"name": "back", "mode": "session", "size": 1, "db": "a b/c", "user": "o'hara@x"});
    assert_eq!(
        of(URL, body.clone()),
        json!({
            "host": "db.example", "port": 25060, "database": "a b/c", "user": "o'hara@x", "ssl": true,
            "uri": "postgresql://o%27hara%40x@db.example:25060/a%20b%2Fc?sslmode=require",
        })
    );
    let sockets = of("postgres:///x?host=/run/pg&sslmode=hunter2", body);
    assert_eq!(sockets["uri"], "postgres://o%27hara%40x@%2Frun%2Fpg/a%20b%2Fc");
    assert_eq!((&sockets["port"], &sockets["ssl"]), (&json!(5432), &json!(false)));
    let nobody = json!({"name": "back", "mode": "session", "size": 1, "db": "x"});
    assert_eq!(
        of("postgres://u:hunter2@[::1]:7/y", nobody)["uri"],
        "postgres://[::1]:7/x"
    );
}
