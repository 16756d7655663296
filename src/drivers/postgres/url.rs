//! Reads a connection URL as libpq writes them. An error names the part, and quotes nothing that could be a secret.

use super::error::Error;
use super::tls::{SslMode, Wishes};
use std::fmt::Display;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, TargetSessionAttrs};

/// `postgresql://user:password@host:port,host:port/database?option=value&…`
pub(super) fn parse(url: &str) -> Result<(Config, Wishes), Error> {
    let rest = ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .ok_or_else(|| wrong("scheme", "a URL begins with postgresql://"))?;
    let mut config = Config::new();
    let mut wishes = Wishes::default();
    let mut peers = Peers::default();
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Then the password ended too early, and its rest would pass for a name that errors show.
    if path.contains('@') || (authority.contains(':') && !authority.contains('@') && query.contains('@')) {
        return Err(wrong(
            "password",
            "a / or ? in it is written %2F or %3F, and an @ after it %40",
        ));
    }
    // Options that would pass for a part of the name, `sslmode` among them.
    if path.contains('&') {
        return Err(wrong(
            "database",
            "an & stands in it (options begin with ?, and an & in a name is %26)",
        ));
    }
    // A password may hold an @ that nobody escaped; a host cannot.
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match user.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (user, None),
    };
    if !user.is_empty() {
        config.user(decode("user", user)?);
    }
    if let Some(password) = password {
        config.password(percent("password", password)?);
    }
    if !hosts.is_empty() {
        for host in hosts.split(',') {
            peers.add(host)?;
        }
    }
    if let Some(database) = path.strip_prefix('/').filter(|database| !database.is_empty()) {
        config.dbname(decode("database", database)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| wrong("query", "an option without a value"))?;
        let key = decode("query", key)?;
        let value = decode(&key, value)?;
        match &*key {
            "host" => peers.replace_hosts(&value)?,
            "port" => peers.replace_ports(&value)?,
            _ => option(&mut config, &mut wishes, &key, &value)?,
        }
    }
    peers.give_to(&mut config);
    Ok((config, wishes))
}

/// The hosts and their ports: those of the query take the place of the URL's own.
#[derive(Default)]
struct Peers {
    hosts: Vec<String>,
    ports: Vec<Option<u16>>,
}

impl Peers {
    /// One of the URL's own.
    fn add(&mut self, text: &str) -> Result<(), Error> {
        let (host, port) = parse_host(text)?;
        self.hosts.push(host);
        self.ports.push(port);
        Ok(())
    }

    fn replace_hosts(&mut self, list: &str) -> Result<(), Error> {
        self.hosts = list
            .split(',')
            .map(|host| host_of(host.to_owned()))
            .collect::<Result<_, _>>()?;
        // Ports that nobody wrote go with the hosts that they stood for.
        if self.ports.iter().all(Option::is_none) {
            self.ports.clear();
        }
        Ok(())
    }

    fn replace_ports(&mut self, list: &str) -> Result<(), Error> {
        let ports = list.split(',').map(|port| port_of("port", port).map(Some));
        self.ports = ports.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn give_to(&self, config: &mut Config) {
        for host in &self.hosts {
            config.host(host);
        }
        for port in &self.ports {
            config.port(port.unwrap_or(5432));
        }
    }
}

fn parse_host(text: &str) -> Result<(String, Option<u16>), Error> {
    let (host, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']').ok_or_else(|| wrong("host", "a [ without its ]"))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(wrong("host", "something between ] and the port")),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let host = host_of(decode("host", host)?)?;
    if host.is_empty() && !text.is_empty() {
        return Err(wrong("host", "is missing before the port"));
    }
    let port = port.filter(|port| !port.is_empty()).map(|text| port_of("port", text));
    Ok((host, port.transpose()?))
}

/// A name or an address; or the directory of a socket, which may be called anything.
fn host_of(host: String) -> Result<String, Error> {
    let is_name = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"&?#/\\\"".contains(letter);
    match host.starts_with('/') || host.chars().all(is_name) {
        true => Ok(host),
        false => Err(wrong("host", "a character stands in it that no host has")),
    }
}

/// One option of the query.
fn option(config: &mut Config, wishes: &mut Wishes, key: &str, value: &str) -> Result<(), Error> {
    match key {
        "user" => drop(config.user(value)),
        "password" => drop(config.password(value)),
        "dbname" => drop(config.dbname(value)),
        "options" => drop(config.options(value)),
        "application_name" => drop(config.application_name(value)),
        "hostaddr" => {
            for address in value.split(',') {
                config.hostaddr(address.parse().map_err(|_| wrong(key, "not an IP address"))?);
            }
        }
        "connect_timeout" => drop(seconds(key, value)?.map(|time| config.connect_timeout(time).clone())),
        "tcp_user_timeout" => drop(milliseconds(key, value)?.map(|time| config.tcp_user_timeout(time).clone())),
        "keepalives" => drop(config.keepalives(number(key, value)? != 0)),
        "keepalives_idle" => drop(seconds(key, value)?.map(|time| config.keepalives_idle(time).clone())),
        "keepalives_interval" => drop(seconds(key, value)?.map(|time| config.keepalives_interval(time).clone())),
        "keepalives_count" | "keepalives_retries" => drop(config.keepalives_retries(number(key, value)?)),
        "target_session_attrs" => drop(config.target_session_attrs(one_of(
            key,
            value,
            &[
                ("any", TargetSessionAttrs::Any),
                ("read-write", TargetSessionAttrs::ReadWrite),
                ("read-only", TargetSessionAttrs::ReadOnly),
            ],
        )?)),
        "channel_binding" => drop(config.channel_binding(one_of(
            key,
            value,
            &[
                ("disable", ChannelBinding::Disable),
                ("prefer", ChannelBinding::Prefer),
                ("require", ChannelBinding::Require),
            ],
        )?)),
        "load_balance_hosts" => drop(config.load_balance_hosts(one_of(
            key,
            value,
            &[
                ("disable", LoadBalanceHosts::Disable),
                ("random", LoadBalanceHosts::Random),
            ],
        )?)),
        "sslmode" => {
            let known = "use disable, prefer, require, verify-ca or verify-full";
            wishes.mode = Some(SslMode::parse(value).ok_or_else(|| wrong(key, known))?);
        }
        "sslnegotiation" => wishes.direct = one_of(key, value, &[("postgres", false), ("direct", true)])?,
        "sslrootcert" => wishes.root = Some(value.to_owned()),
        "sslcert" => wishes.cert = Some(value.to_owned()),
        "sslkey" => wishes.key = Some(value.to_owned()),
        _ => return Err(Error::option("url", format_args!("unknown option {}", printable(key)))),
    }
    Ok(())
}

/// The error of a part of the URL.
fn wrong(part: &str, reason: impl Display) -> Error {
    Error::option("url", format_args!("{part}: {reason}"))
}

/// An option's name is quoted, as that is what somebody has to correct; not what cannot be one.
fn printable(key: &str) -> &str {
    let is_name = key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { key } else { "(which is no name of one)" }
}

fn port_of(part: &str, text: &str) -> Result<u16, Error> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| wrong(part, "not a number from 1 to 65535"))
}

fn number(key: &str, value: &str) -> Result<u32, Error> {
    value.parse().map_err(|_| wrong(key, "not a whole number"))
}

/// As in libpq, zero means the default.
fn seconds(key: &str, value: &str) -> Result<Option<Duration>, Error> {
    Ok(Some(number(key, value)?)
        .filter(|n| *n != 0)
        .map(|n| Duration::from_secs(n.into())))
}

fn milliseconds(key: &str, value: &str) -> Result<Option<Duration>, Error> {
    Ok(Some(number(key, value)?)
        .filter(|n| *n != 0)
        .map(|n| Duration::from_millis(n.into())))
}

fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T, Error> {
    let found = choices.iter().find(|(name, _)| *name == value);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        wrong(key, format_args!("use one of {}", names.join(", ")))
    })
}

fn decode(part: &str, text: &str) -> Result<String, Error> {
    String::from_utf8(percent(part, text)?).map_err(|_| wrong(part, "not UTF-8"))
}

/// Bytes, of which some are written as a percent sign and two hexadecimal digits.
fn percent(part: &str, text: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit(), digit());
            let two = high
                .zip(low)
                .ok_or_else(|| wrong(part, "a % without two hexadecimal digits"))?;
            (two.0 * 16 + two.1) as u8
        } else {
            byte
        });
    }
    Ok(decoded)
}
