//! The drivers of this crate whose features are on, by the types of connections that they serve.
//!
//! | type | a host | `protocol` | `timeout`, `sqlTimeout` |
//! |---|---|---|---|
//! | `postgres` | `host`, `host:port`, URL | `tls` is `sslmode=verify-full`, `tls-loose` is `require`; with `plain` a URL's own word counts | the server's `statement_timeout`: `sqlTimeout`, or else `timeout` |
//! | `mysql` | the same | `tls` is `require_ssl=true`, `tls-loose` without any verification; as above | refused |
//! | `redis` | the same | `tls` is `rediss`; `tls-loose` is refused | refused |
//! | `sqlite` | a file | `plain` | refused |
//!
//! A URL's options that name files (`sslrootcert`, `ssl_ca`, `ca_file` and the like) are refused: whoever may write a connection
//! shall not read this machine. What would be ignored is refused too, with the reason: certificates and keys as texts, and SOCKS proxies, which none of the
//! drivers goes through yet. `title`, `version` and the decorator are kept, and mean nothing to them.

use super::super::models::DatabaseDefinition;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
use super::super::models::Engine;
use super::builder::RegistryBuilder;

/// Registers them.
pub(super) fn register(builder: RegistryBuilder) -> RegistryBuilder {
    #[cfg(feature = "postgres")]
    let builder = builder.driver(kinds::ConnectionType::Postgres, kinds::postgres);
    #[cfg(feature = "mysql")]
    let builder = builder.driver(kinds::ConnectionType::Mysql, kinds::mysql);
    #[cfg(feature = "redis")]
    let builder = builder.driver(kinds::ConnectionType::Redis, kinds::redis);
    #[cfg(feature = "sqlite")]
    let builder = builder.driver(kinds::ConnectionType::Sqlite, kinds::sqlite);
    builder
}

/// Whether the drivers that are here understand a database's URLs. The file that declares it is the operator's own, so that they
/// may name files.
pub(super) fn judge(definition: &DatabaseDefinition) -> Result<(), String> {
    for (field, url) in definition.urls() {
        let said: Option<String> = match (definition.engine(), url) {
            #[cfg(feature = "postgres")]
            (Engine::Postgres, url) => crate::drivers::postgres::Postgres::from_url(url.reveal())
                .err()
                .map(|error| error.to_string()),
            #[cfg(feature = "mysql")]
            (Engine::Mysql, url) => crate::drivers::mysql::Mysql::from_url(url.reveal())
                .err()
                .map(|error| error.to_string()),
            #[cfg(feature = "redis")]
            (Engine::Redis, url) => crate::drivers::redis::Redis::from_url(url.reveal())
                .err()
                .map(|error| error.to_string()),
            _ => None,
        };
        if let Some(said) = said {
            return Err(format!("database {:?}: {field}: {said}", definition.id().as_str()));
        }
    }
    Ok(())
}

#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis", feature = "sqlite"))]
mod kinds {
    use crate::drivers;
    pub(super) use crate::resource::models::ConnectionType;
    use crate::resource::models::{Connection, Protocol, QueryHost};

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(connection: &Connection, host: &QueryHost) -> Result<drivers::postgres::Postgres, String> {
        supported(connection, true)?;
        names_no_file(host)?;
        let word = match (connection.protocol(), host.reveal_url()) {
            (Protocol::Tls, _) => "sslmode=verify-full",
            (Protocol::TlsLoose, _) => "sslmode=require",
            (_, Some(_)) => "",
            (_, None) => "sslmode=disable",
        };
        let url = with_words(&url("postgresql", host), word);
        let postgres = drivers::postgres::Postgres::from_url(&url).map_err(|error| error.to_string())?;
        Ok(match connection.sql_timeout().or(connection.timeout()) {
            Some(timeout) => postgres.parameter("statement_timeout", &timeout.as_millis().to_string()),
            None => postgres,
        })
    }

    #[cfg(feature = "mysql")]
    pub(super) fn mysql(connection: &Connection, host: &QueryHost) -> Result<drivers::mysql::Mysql, String> {
        supported(connection, false)?;
        names_no_file(host)?;
        let words = match connection.protocol() {
            Protocol::Tls => "require_ssl=true&verify_ca=true&verify_identity=true",
            Protocol::TlsLoose => "require_ssl=true&verify_ca=false&verify_identity=false",
            _ => "",
        };
        let url = with_words(&url("mysql", host), words);
        drivers::mysql::Mysql::from_url(&url).map_err(|error| error.to_string())
    }

    #[cfg(feature = "redis")]
    pub(super) fn redis(connection: &Connection, host: &QueryHost) -> Result<drivers::redis::Redis, String> {
        supported(connection, false)?;
        names_no_file(host)?;
        let url = url("redis", host);
        let url = match (connection.protocol(), url.strip_prefix("redis://")) {
            (Protocol::TlsLoose, _) => return Err("protocol: the redis driver verifies every certificate".to_owned()),
            (Protocol::Tls, Some(rest)) => format!("rediss://{rest}"),
            (Protocol::Tls, None) if !url.starts_with("rediss://") => {
                return Err("protocol: tls goes with a host or a URL of redis: or rediss:".to_owned());
            }
            _ => url,
        };
        drivers::redis::Redis::from_url(&url).map_err(|error| error.to_string())
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(connection: &Connection, host: &QueryHost) -> Result<drivers::sqlite::Sqlite, String> {
        supported(connection, false)?;
        if connection.protocol() != Protocol::Plain {
            return Err("protocol: a file is opened without TLS".to_owned());
        }
        let file = host.reveal_file().ok_or("queryHosts: no file")?;
        Ok(drivers::sqlite::Sqlite::file(file))
    }

    /// What no driver of this crate does is refused, not ignored.
    fn supported(connection: &Connection, has_timeout: bool) -> Result<(), String> {
        let kind = connection.kind();
        let has_pem = connection.ca().is_some() || connection.cert().is_some();
        if has_pem || connection.key().is_some() || connection.passphrase().is_some() {
            return Err(format!(
                "ca, cert, key, passphrase: the {kind} driver does not take them here yet"
            ));
        }
        if connection.sock_host().is_some() {
            return Err(format!("sockHost: the {kind} driver goes through no SOCKS proxy yet"));
        }
        let asks = connection.timeout().or(connection.sql_timeout()).is_some();
        if asks && !has_timeout {
            return Err(format!("timeout, sqlTimeout: the {kind} driver bounds no query"));
        }
        Ok(())
    }

    /// A URL may come from afar: it must not make this process read files, or tell by an error which there are.
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
    fn names_no_file(host: &QueryHost) -> Result<(), String> {
        const FILES: [&str; 11] = [
            "sslrootcert",
            "sslcert",
            "sslkey",
            "sslcrl",
            "passfile",
            "ssl_ca",
            "ssl_cert",
            "ssl_key",
            "ca_file",
            "cert_file",
            "key_file",
        ];
        let query = host.reveal_url().and_then(|url| url.split_once('?'));
        let options = query.map_or("", |(_, query)| query).split(['&', ';', '?', '#']);
        for (name, value) in options.map(|option| option.split_once('=').unwrap_or((option, ""))) {
            // An escaped name would be another spelling of the same.
            if name.contains('%') || FILES.contains(&name.to_ascii_lowercase().as_str()) && value != "system" {
                let said = "queryHosts: an option that names a file is not taken here";
                return Err(said.to_owned());
            }
        }
        Ok(())
    }

    #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
    fn url(scheme: &str, host: &QueryHost) -> String {
        if let Some(url) = host.reveal_url() {
            return url.to_owned();
        }
        let name = host.host().unwrap_or_default();
        let name = if name.contains(':') {
            format!("[{name}]")
        } else {
            name.to_owned()
        };
        match host.port() {
            Some(port) => format!("{scheme}://{name}:{port}/"),
            None => format!("{scheme}://{name}/"),
        }
    }

    /// The last of a word counts.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    fn with_words(url: &str, words: &str) -> String {
        match words {
            "" => url.to_owned(),
            _ if url.contains('?') => format!("{url}&{words}"),
            _ => format!("{url}?{words}"),
        }
    }
}

#[cfg(all(test, feature = "mysql", feature = "postgres", feature = "redis"))]
mod tests {
    use super::kinds::{mysql, postgres, redis};
    use crate::resource::models::{Connection, ConnectionDefinition};
    use serde_json::json;

    fn connection(kind: &str, url: &str) -> Connection {
        let body = json!({ "name": "x", "type": kind, "queryHosts": [url] });
        let definition = ConnectionDefinition::try_from(body).expect("a definition");
        definition.into_connection(None).expect("a connection")
    }

    /// `/dev/zero` would be read until there is no memory left; what is not there shows as well whether anybody has looked.
    #[test]
    fn a_url_that_names_a_file_is_refused_unread() {
        let refused = |kind: &str, option: &str| {
            let connection = connection(kind, &format!("{kind}://u@h/d?{option}=/no/such/file"));
            let host = &connection.query_hosts()[0];
            let said = match kind {
                "mysql" => mysql(&connection, host).err(),
                "postgres" => postgres(&connection, host).err(),
                _ => redis(&connection, host).err(),
            };
            assert!(
                said.as_deref().is_some_and(|said| said.contains("names a file")),
                "{option}: {said:?}"
            );
        };
        refused("mysql", "require_ssl=true&ssl_ca");
        refused("mysql", "ssl%5Fca");
        refused("postgres", "sslcert");
        refused("postgres", "a=b&SSLROOTCERT");
        refused("redis", "ca_file");
    }
}
