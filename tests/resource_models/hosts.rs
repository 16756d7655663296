//! Where a connection leads: what is a host, what is shown of a URL, and what its image means when it comes back.

use crate::read;
use fairpool::resource::models::*;
use serde_json::json;

fn host(text: &str) -> Result<QueryHost, Violation> {
    QueryHost::new(ConnectionType::Postgres, text)
}

#[test]
fn hosts_ports_and_addresses_are_told_apart() {
    for (text, name, port) in [
        ("db", "db", None),
        ("db.example.com:5432", "db.example.com", Some(5432)),
        ("10.0.0.1:1", "10.0.0.1", Some(1)),
        ("my_db-1:65535", "my_db-1", Some(65_535)),
        ("bücher.example", "bücher.example", None),
        ("::1", "::1", None),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:5432", "2001:db8::1", Some(5432)),
    ] {
        let host = host(text).unwrap();
        assert_eq!((host.host(), host.port()), (Some(name), port));
        assert_eq!((host.to_string(), host.reveal_url()), (text.to_owned(), None));
    }
}

#[test]
fn urls_of_all_backends_are_hosts() {
    for text in [
        "https://druid.example:8888/api?x=1",
        "postgres://db1:5432,db2:5433/orders?target_session_attrs=read-write",
        "postgres://%2Fvar%2Frun%2Fpostgresql/orders",
        "postgresql:///orders?host=/tmp",
        "redis+unix:///run/redis.sock",
        "mysql://[::1]:3306/orders",
    ] {
        assert_eq!(host(text).unwrap().reveal_url(), Some(text));
        assert_eq!(host(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_host_is_refused_without_being_shown() {
    for text in [
        "",
        " ",
        "a b",
        "db:",
        ":5432",
        "db:0",
        "db:65536",
        "db:+1",
        "db:5432:1",
        "db/orders",
        "me@db",
        "[::1",
        "[db]",
        "a\nb",
        "[::1]5432",
        "://db",
        "1http://db",
        "http://",
        "http:///",
        "http://db:x/",
        "http://a b/",
        "http://db\n/",
        "http://me@",
        "http://a,,b/",
        r"http://evil\@db/",
        r"http://db\evil/",
        r"http://db/a\b",
    ] {
        assert_eq!(host(text), Err(Violation::NotA("a host, host:port or URL")), "{text:?}");
    }
    assert_eq!(
        host(&format!("http://{}", "a".repeat(2048))),
        Err(Violation::TooLong(2048))
    );
}

#[test]
fn sqlite_leads_to_a_file() {
    for text in ["/srv/a b/orders.db", ":memory:", "orders.db", "file:orders.db?mode=ro"] {
        let file = QueryHost::new(ConnectionType::Sqlite, text).unwrap();
        assert_eq!((file.reveal_file(), file.host()), (Some(text), None));
    }
    for text in ["", "a\0b"] {
        assert_eq!(
            QueryHost::new(ConnectionType::Sqlite, text),
            Err(Violation::NotA("a file"))
        );
    }
}

#[test]
fn user_and_password_show_in_no_spelling_of_a_url() {
    for (text, shown) in [
        ("postgres://app:n33dl3@db/orders", "postgres://***@db/orders"),
        ("postgres://n33dl3@db", "postgres://***@db"),
        ("postgres://app:@n33dl3@db", "postgres://***@db"),
        ("redis://db/?password=n33dl3&db=1", "redis://db/?password=***&db=1"),
        (
            "postgres://db/orders?sslpassword=n33dl3",
            "postgres://db/orders?sslpassword=***",
        ),
        (
            "postgres://db/orders?PASSWORD=n33dl3",
            "postgres://db/orders?PASSWORD=***",
        ),
        (
            "postgres://db/orders?p%61ssword=n33dl3",
            "postgres://db/orders?p%61ssword=***",
        ),
        ("http://db/?access_token=n33dl3", "http://db/?access_token=***"),
        ("http://db/#n33dl3", "http://db/#***"),
        ("http://db/?a=1#password=n33dl3", "http://db/?a=1#***"),
        ("http://db/?a#b?c#n33dl3", "http://db/?a#***"),
        ("jdbc://db/o;password=n33dl3", "jdbc://db/o;password=***"),
        ("jdbc://db/o;a=1;Pwd=n33;dl3/x?b=2", "jdbc://db/o;a=1;Pwd=***?b=2"),
        ("jdbc://db/o;p%61ss=n33dl3", "jdbc://db/o;p%61ss=***"),
        ("http://db/o%3Bpassword%3Dn33dl3", "http://db/o%3Bpassword%3D***"),
        ("http://db/o%3bpassword%3dn33dl3", "http://db/o%3bpassword%3d***"),
        ("http://db/?a=1;passwd=n33;dl3&b=2", "http://db/?a=1;passwd=***&b=2"),
        ("http://db/?a=b?secret=n33dl3", "http://db/?a=b?secret=***"),
        ("http://db/?a%26pwd%3Dn33dl3", "http://db/?a%26pwd%3D***"),
        ("http://db/?sig=n33dl3", "http://db/?sig=***"),
    ] {
        let host = host(text).unwrap();
        assert_eq!(host.to_string(), shown);
        assert!(!format!("{host:?}").contains("n33dl3"));
        assert_eq!(host.reveal(), text);
    }
}

#[test]
fn an_at_behind_the_host_is_refused_since_it_may_end_a_password() {
    for text in [
        "postgres://app:1/n33dl3@db",
        "postgres://app?n33dl3@db",
        "http://db/#n33dl3@",
        "http://db/a?b=c@d",
    ] {
        assert_eq!(
            host(text),
            Err(Violation::NotA("a URL with %40 for any @ after its host")),
            "{text}"
        );
    }
}

#[test]
fn the_image_of_a_stored_host_means_that_host_in_whatever_order_it_comes_back() {
    let posted = |hosts: &[&str]| {
        let body = json!({"name": "orders", "type": "postgres", "queryHosts": hosts});
        read::<ConnectionDefinition>(body)
    };
    let hosts = ["postgres://a:n33dl3@db1", "postgres://b:n33dl3@db2/?password=x", "db3"];
    let stored = posted(&hosts).into_connection(None).unwrap();
    let kept = |hosts: &[&str]| {
        let made = posted(hosts).into_connection(Some(&stored))?;
        Ok::<Vec<String>, Invalid>(made.query_hosts().iter().map(|host| host.reveal().to_owned()).collect())
    };
    assert_eq!(
        kept(&["postgres://***@db1", "postgres://***@db2/?password=***", "db3"]).unwrap(),
        hosts
    );
    assert_eq!(kept(&["db4", "postgres://***@db1"]).unwrap(), ["db4", hosts[0]]);
    for unknown in [
        "postgres://***@db9",
        "postgres://new:one@db2/?password=***",
        "postgres://***@db1/other",
    ] {
        let refused = kept(&["db3", unknown]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "queryHosts.1 is masked, and nothing is stored for it"
        );
    }
}

#[test]
fn two_hosts_that_look_alike_keep_their_own_passwords() {
    let body = json!({"name": "o", "type": "redis", "queryHosts": ["redis://a:1@db", "redis://b:2@db"]});
    let stored = read::<ConnectionDefinition>(body).into_connection(None).unwrap();
    let again = read::<ConnectionDefinition>(json!(stored))
        .into_connection(Some(&stored))
        .unwrap();
    assert_eq!(again, stored);
}
