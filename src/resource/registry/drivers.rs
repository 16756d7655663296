//! The drivers of this crate whose features are on, by the types of connections that they serve.
//!
//! | type | a host | `protocol` | `timeout`, `sqlTimeout` | `sockHost` |
//! |---|---|---|---|---|
//! | `postgres` | `host`, `host:port`, URL | `tls` is `sslmode=verify-full`, `tls-loose` is `require`; with `plain` a URL's own word counts | the server's `statement_timeout`: `sqlTimeout`, or else `timeout` | yes |
//! | `mysql` | the same | as above, by `require_ssl`; `tls` trusts Mozilla's authorities | refused | refused: `mysql_async` opens its sockets itself |
//! | `redis` | the same | `tls` and `tls-loose` are `rediss`; with `plain` a URL's own word counts | refused | yes |
//! | `sqlite` | a file | `plain` | refused | refused |
//!
//! With `tls` and `tls-loose`, texts in PEM are read: the authorities of `ca` take the place of those that are trusted otherwise; `cert`, with what
//! has signed it, and `key` are what the client shows. A key is PKCS#8, PKCS#1 or SEC1; if it is encrypted PKCS#8, `passphrase` opens it. `tls-loose`
//! verifies nobody, also with a `ca`. With `plain` none of them is read. What is wrong with one is said when the connection is defined.
//!
//! A SOCKS5 proxy looks up the names of hosts itself. `sockUsername` and `sockPassword` go together, and mean nothing without `sockHost`.
//!
//! A URL's options that name files (`sslrootcert`, `ssl_ca`, `ca_file` and the like) are refused: whoever may write a connection
//! shall not read this machine. What a driver cannot do is refused too, with the reason. `title`, `version` and the decorator are kept,
//! and mean nothing to them.

use super::super::models::DatabaseDefinition;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
use super::super::models::Engine;
use super::builder::RegistryBuilder;

/// Registers them.
pub(super) fn register(builder: RegistryBuilder) -> RegistryBuilder {
    #[cfg(feature = "postgres")]
    let builder = builder.whole_driver(kinds::ConnectionType::Postgres, kinds::postgres);
    #[cfg(feature = "mysql")]
    let builder = builder.whole_driver(kinds::ConnectionType::Mysql, kinds::mysql);
    #[cfg(feature = "redis")]
    let builder = builder.whole_driver(kinds::ConnectionType::Redis, kinds::redis);
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
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
    use super::super::tls::Texts;
    #[cfg(feature = "mysql")]
    use crate::drivers::mysql::{
        Mysql,
        mysql_async::{ClientIdentity, SslOpts},
    };
    #[cfg(feature = "postgres")]
    use crate::drivers::postgres::Postgres;
    #[cfg(feature = "redis")]
    use crate::drivers::redis::Redis;
    #[cfg(feature = "sqlite")]
    use crate::drivers::sqlite::Sqlite;
    pub(super) use crate::resource::models::ConnectionType;
    use crate::resource::models::{Connection, Protocol, QueryHost};
    #[cfg(feature = "redis")]
    use std::sync::Arc;

    /// A proxy's address, and the user and password that it wants.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    type Proxy<'a> = ((&'a str, u16), Option<(&'a str, &'a str)>);

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(connection: &Connection) -> Result<Vec<Postgres>, String> {
        let texts = Texts::of(connection)?;
        let config = texts.filter(|texts| !texts.are_empty()).map(|texts| texts.config());
        let config = config.transpose()?;
        let proxy = proxy(connection)?;
        each(connection, |host| {
            let word = match (connection.protocol(), host.reveal_url()) {
                (Protocol::Tls, _) => "sslmode=verify-full",
                (Protocol::TlsLoose, _) => "sslmode=require",
                (_, Some(_)) => "",
                (_, None) => "sslmode=disable",
            };
            let url = with_words(&url("postgresql", host), word);
            let mut postgres = Postgres::from_url(&url).map_err(|error| error.to_string())?;
            if let Some(config) = &config {
                postgres = postgres.tls(config.clone());
            }
            if let Some(((host, port), login)) = proxy {
                let through = postgres.socks5(host, port, login);
                postgres = through.map_err(|error| format!("sockHost: {error}"))?;
            }
            Ok(match connection.sql_timeout().or(connection.timeout()) {
                Some(timeout) => postgres.parameter("statement_timeout", &timeout.as_millis().to_string()),
                None => postgres,
            })
        })
    }

    #[cfg(feature = "mysql")]
    pub(super) fn mysql(connection: &Connection) -> Result<Vec<Mysql>, String> {
        bounds_nothing(connection)?;
        if connection.sock_host().is_some() {
            let said = "sockHost: the mysql driver goes through no proxy, as mysql_async opens its sockets itself";
            return Err(said.to_owned());
        }
        let tls = Texts::of(connection)?
            .map(|texts| ssl(connection, &texts))
            .transpose()?;
        each(connection, |host| {
            let mysql = Mysql::from_url(&url("mysql", host)).map_err(|error| error.to_string())?;
            Ok(match &tls {
                Some(tls) => mysql.tls(tls.clone()),
                None => mysql,
            })
        })
    }

    #[cfg(feature = "mysql")]
    fn ssl(connection: &Connection, texts: &Texts) -> Result<SslOpts, String> {
        let is_loose = connection.protocol() == Protocol::TlsLoose;
        let mut tls = SslOpts::default()
            .with_danger_accept_invalid_certs(is_loose)
            .with_danger_skip_domain_validation(is_loose);
        if let Some(ca) = connection.ca().filter(|_| !is_loose) {
            let ca = ca.as_bytes().to_vec();
            tls = tls.with_disable_built_in_roots(true).with_root_certs(vec![ca.into()]);
        }
        if let (Some(cert), Some(key)) = (connection.cert(), texts.key()?) {
            let cert = cert.as_bytes().to_vec();
            let client = ClientIdentity::new(cert.into(), key.into_bytes().into());
            tls = tls.with_client_identity(Some(client));
        }
        Ok(tls)
    }

    #[cfg(feature = "redis")]
    pub(super) fn redis(connection: &Connection) -> Result<Vec<Redis>, String> {
        bounds_nothing(connection)?;
        let config = match Texts::of(connection)? {
            // The driver finds the system's authorities by itself, with its first connection.
            Some(texts) if texts.are_empty() && connection.protocol() == Protocol::Tls => None,
            Some(texts) => Some(Arc::new(texts.config()?)),
            None => None,
        };
        let proxy = proxy(connection)?;
        each(connection, |host| {
            let mut url = url("redis", host);
            if connection.protocol() != Protocol::Plain && !url.starts_with("rediss://") {
                let rest = url.strip_prefix("redis://");
                let rest = rest.ok_or("protocol: TLS goes with a host or a URL of redis: or rediss:")?;
                url = format!("rediss://{rest}");
            }
            let mut redis = Redis::from_url(&url).map_err(|error| error.to_string())?;
            if let Some(config) = &config {
                redis = redis.tls(config.clone());
            }
            if let Some(((host, port), login)) = proxy {
                let through = redis.socks5(host, port, login);
                redis = through.map_err(|error| format!("sockHost: {error}"))?;
            }
            Ok(redis)
        })
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(connection: &Connection, host: &QueryHost) -> Result<Sqlite, String> {
        bounds_nothing(connection)?;
        if connection.sock_host().is_some() {
            return Err("sockHost: a file is opened without a proxy".to_owned());
        }
        if connection.protocol() != Protocol::Plain {
            return Err("protocol: a file is opened without TLS".to_owned());
        }
        let file = host.reveal_file().ok_or("queryHosts: no file")?;
        Ok(Sqlite::file(file))
    }

    /// A manager for each host.
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
    fn each<M>(connection: &Connection, of: impl Fn(&QueryHost) -> Result<M, String>) -> Result<Vec<M>, String> {
        let hosts = connection.query_hosts().iter();
        hosts.map(|host| names_no_file(host).and_then(|()| of(host))).collect()
    }

    /// The proxy, and who we are to it.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    fn proxy(connection: &Connection) -> Result<Option<Proxy<'_>>, String> {
        let Some(address) = connection.sock_host() else {
            return Ok(None);
        };
        let login = match (connection.sock_username(), connection.sock_password()) {
            (Some(user), Some(password)) => Some((user, password.reveal())),
            (None, None) => None,
            (Some(_), None) => return Err("sockPassword: is missing, sockUsername needs it".to_owned()),
            (None, Some(_)) => return Err("sockUsername: is missing, sockPassword needs it".to_owned()),
        };
        Ok(Some((address, login)))
    }

    /// What a driver does not do is refused, not ignored.
    #[cfg(any(feature = "mysql", feature = "redis", feature = "sqlite"))]
    fn bounds_nothing(connection: &Connection) -> Result<(), String> {
        match connection.timeout().or(connection.sql_timeout()) {
            Some(_) => Err(format!(
                "timeout, sqlTimeout: the {} driver bounds no query",
                connection.kind()
            )),
            None => Ok(()),
        }
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
    #[cfg(feature = "postgres")]
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
            let said = match kind {
                "mysql" => mysql(&connection).err(),
                "postgres" => postgres(&connection).err(),
                _ => redis(&connection).err(),
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
