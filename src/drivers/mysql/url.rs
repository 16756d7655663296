//! What a URL says: the options of `mysql_async`, and `ssl_ca`. An error names the option, and shows no value of one.

use super::error::Error;
use super::tls::Authorities;
use mysql_async::{Opts, OptsBuilder, ParseError, UrlError};

/// Options of `mysql_async`'s own pool, and what stands for them here.
const POOL: [(&str, &str); 8] = [
    ("pool_min", "`min_idle` of the pool"),
    ("pool_max", "`limit` of the pool"),
    ("inactive_connection_ttl", "`idle_timeout` of the pool"),
    ("ttl_check_interval", "`idle_timeout` of the pool"),
    ("conn_ttl", "`idle_timeout` of the pool"),
    ("abs_conn_ttl", "`max_lifetime` of the pool"),
    ("abs_conn_ttl_jitter", "`lifetime_jitter` of the pool"),
    ("reset_connection", "`Mysql::reset`"),
];

/// Options that mean nothing on a connection without TLS.
const TLS: [&str; 4] = ["verify_ca", "verify_identity", "built_in_roots", "ssl_ca"];

const MISPLACED: &str = "an & stands in it (options begin with ?, and an & in a name is %26)";

pub(super) fn parse(url: &str) -> Result<Opts, Error> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    // Where a reserved character cuts a password in two, the rest of it must not pass for the name of an option.
    if query.contains('@') {
        return Err(bad(
            "",
            "an @ stands behind the first ? (in a user, a password or a value, ? is %3F and @ is %40)",
        ));
    }
    if url.contains('#') {
        return Err(bad("", "a # stands in it (in a user, a password or a value it is %23)"));
    }
    if has_bad_escape(url) {
        return Err(bad("", "a % stands without two hexadecimal digits (a % itself is %25)"));
    }
    let pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let of = |wanted: &str| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);

    // First, as mysql_async would judge their values.
    if let Some((name, instead)) = POOL.iter().find(|(name, _)| of(name).is_some()) {
        return Err(bad(name, &format!("it is of another pool; use {instead}")));
    }

    let mut kept = String::from("prefer_socket=false");
    for (name, value) in pairs.iter().filter(|(name, _)| *name != "ssl_ca") {
        kept.push_str(&format!("&{name}={value}"));
    }
    let scheme = place.strip_prefix("mariadb://").map(|rest| format!("mysql://{rest}"));
    let opts = Opts::from_url(&format!("{}?{kept}", scheme.as_deref().unwrap_or(place))).map_err(refused)?;

    if let Some((name, _)) = pairs.iter().enumerate().find_map(|(at, pair)| {
        let again = pairs[..at].iter().any(|(name, _)| *name == pair.0);
        again.then_some(*pair)
    }) {
        return Err(bad(name, "it is given twice"));
    }
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest);
    // Options that would pass for a part of a name.
    if rest.rsplit('@').next().is_some_and(|rest| rest.contains('&')) {
        return Err(bad("database", MISPLACED));
    }
    let path = rest.split_once('/');
    if path.is_some_and(|(_, database)| database.contains(['/', '@'])) {
        return Err(bad(
            "database",
            "a / or an @ stands in it (in a name / is %2F and @ is %40)",
        ));
    }
    secured(opts, of)
}

/// Checks the options for TLS against each other, and adds the authorities of `ssl_ca`.
fn secured<'a>(opts: Opts, of: impl Fn(&str) -> Option<&'a str>) -> Result<Opts, Error> {
    let Some(ssl) = opts.ssl_opts().cloned() else {
        return match TLS.iter().find(|name| of(name).is_some()) {
            Some(name) => Err(bad(name, "it means nothing without require_ssl=true")),
            None => Ok(opts),
        };
    };
    let Some(file) = of("ssl_ca") else {
        if ssl.disable_built_in_roots() {
            return Err(bad(
                "built_in_roots",
                "without them and without ssl_ca no server can be trusted",
            ));
        }
        return Ok(opts);
    };
    // As every other value is decoded.
    let decoded = Opts::from_url(&format!("mysql://h/?socket={file}")).map_err(refused)?;
    let ssl = Authorities::read(decoded.socket().unwrap_or_default())?.add_to(ssl);
    let ssl = ssl.with_disable_built_in_roots(of("built_in_roots") != Some("true"));
    Ok(OptsBuilder::from_opts(opts).ssl_opts(ssl).into())
}

fn refused(error: UrlError) -> Error {
    match error {
        UrlError::Parse(ParseError::InvalidPort) => bad(
            "port",
            "not a port number (in a user or a password, : / ? # @ are %3A %2F %3F %23 %40)",
        ),
        UrlError::Parse(ParseError::RelativeUrlWithoutBase) | UrlError::UnsupportedScheme { .. } => {
            bad("scheme", "it must begin with mysql://")
        }
        UrlError::Parse(error) => bad("host", &error.to_string()),
        UrlError::Invalid => bad("host", "there is none"),
        UrlError::UnknownParameter { param } if is_word(&param) => bad(&param, "no such option"),
        UrlError::UnknownParameter { .. } => bad("", "the name of an option is no word"),
        UrlError::InvalidParamValue { param, .. } => bad(&param, values(&param)),
        UrlError::FeatureRequired { feature, param } => {
            bad(&param, &format!("mysql_async lacks its feature {feature}"))
        }
        UrlError::InvalidPoolConstraints { .. } => bad("pool_min", "it is of another pool; use `min_idle` of the pool"),
    }
}

/// What the value of an option may be.
fn values(option: &str) -> &'static str {
    match option {
        "require_ssl"
        | "verify_ca"
        | "verify_identity"
        | "built_in_roots"
        | "prefer_socket"
        | "tcp_nodelay"
        | "secure_auth"
        | "client_found_rows"
        | "enable_cleartext_plugin"
        | "reset_connection" => "it must be true or false",
        "compression" => "it must be fast, on, best or a digit",
        _ => "it must be a whole number",
    }
}

/// `mysql_async` takes such a percent sign for itself.
fn has_bad_escape(text: &str) -> bool {
    let mut escapes = text.split('%').skip(1);
    escapes.any(|rest| rest.len() < 2 || !rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

fn is_word(name: &str) -> bool {
    name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn bad(part: &str, reason: &str) -> Error {
    let field = if part.is_empty() {
        "url".to_owned()
    } else {
        format!("url: {part}")
    };
    Error::Config {
        field,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str) -> String {
        let error = parse(url).expect_err(url);
        let both = format!("{error} {error:?}");
        assert!(!both.contains("hush") && !both.contains('\n'), "{both}");
        error.to_string()
    }

    #[test]
    fn a_bad_url_is_told_by_the_name_of_its_part_and_shows_no_secret() {
        for (url, expected) in [
            ("", "url: scheme: it must begin with mysql://"),
            ("hush", "url: scheme: it must begin with mysql://"),
            ("postgres://app:hush@db/app", "url: scheme: it must begin with mysql://"),
            ("mysql://app:hush@db:x/app", "url: port: not a port number"),
            ("mysql://app:hush@db:70000/app", "url: port: not a port number"),
            ("mysql://app:hu/sh@db/app", "url: port: not a port number"),
            ("mysql://app:12/hush@db", "url: database: a / or an @ stands in it"),
            ("mysql://db/app/hush", "url: database: a / or an @ stands in it"),
            ("mysql://app:12?hush@db/app", "url: an @ stands behind the first ?"),
            ("mysql://app:12?hush=hush@db/app", "url: an @ stands behind the first ?"),
            ("mysql://app:12#hush@db/app", "url: a # stands in it"),
            ("mysql:app", "url: host: there is none"),
            (
                "mysql://app:hush%zz@db/app",
                "url: a % stands without two hexadecimal digits",
            ),
            (
                "mysql://db/app&require_ssl=true",
                "url: database: an & stands in it (options begin with ?",
            ),
            (
                "mysql://app:hush@db&require_ssl=true",
                "url: database: an & stands in it (options begin with ?",
            ),
            ("mysql://app:hush@d b/app", "url: host: "),
            ("mysql://db/?sslmode=hush", "url: sslmode: no such option"),
            ("mysql://db/?a%20hush=1", "url: the name of an option is no word"),
            (
                "mysql://db/?require_ssl=hush",
                "url: require_ssl: it must be true or false",
            ),
            (
                "mysql://db/?stmt_cache_size=hush",
                "url: stmt_cache_size: it must be a whole number",
            ),
            (
                "mysql://db/?compression=hush",
                "url: compression: it must be fast, on, best or a digit",
            ),
            (
                "mysql://db/?pool_max=4",
                "url: pool_max: it is of another pool; use `limit` of the pool",
            ),
            (
                "mysql://db/?pool_min=400",
                "url: pool_min: it is of another pool; use `min_idle`",
            ),
            (
                "mysql://db/?reset_connection=false",
                "url: reset_connection: it is of another pool; use `Mysql::reset`",
            ),
            (
                "mysql://db/?tcp_nodelay=true&tcp_nodelay=false",
                "url: tcp_nodelay: it is given twice",
            ),
            (
                "mysql://db/?verify_ca=true",
                "url: verify_ca: it means nothing without require_ssl=true",
            ),
            (
                "mysql://db/?ssl_ca=/x",
                "url: ssl_ca: it means nothing without require_ssl=true",
            ),
            (
                "mysql://db/?require_ssl=true&ssl_ca=/no%2Fca.pem",
                "ssl_ca: no file /no/ca.pem",
            ),
            (
                "mysql://db/?require_ssl=true&built_in_roots=false",
                "url: built_in_roots: without them",
            ),
        ] {
            let said = said(url);
            assert!(said.starts_with(expected), "{url}: {said}");
        }
    }

    #[test]
    fn a_good_url_is_read_as_mysql_async_reads_it() {
        let opts = parse("mariadb://ann:p%40ss@db.example:3307/orders?stmt_cache_size=7").expect("good");
        assert_eq!(opts.ip_or_hostname(), "db.example");
        assert_eq!((opts.tcp_port(), opts.stmt_cache_size()), (3307, 7));
        assert_eq!(
            (opts.user(), opts.pass(), opts.db_name()),
            (Some("ann"), Some("p@ss"), Some("orders"))
        );
        assert!(!opts.prefer_socket());
        assert!(
            parse("mysql://127.0.0.1?prefer_socket=true")
                .expect("good")
                .prefer_socket()
        );
    }
}
