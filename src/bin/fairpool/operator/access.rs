//! Which server, and with which key. A key comes from a file, from the environment or, where others can see it, from an argument.
//!
//! Promises: no text of an error contains a key, or the user and password of a URL.

use super::failure::senseless;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use ureq::http::{HeaderValue, Uri};

/// What every verb takes.
#[derive(clap::Args)]
pub(crate) struct Access {
    /// Where the server is, or FAIRPOOL_SERVER [default: http://127.0.0.1:8080]
    #[arg(long, global = true, help_heading = "Server", value_name = "URL")]
    server: Option<String>,
    /// The key; others on this machine can see it among the arguments, so rather a file or FAIRPOOL_API_KEY
    #[arg(
        long,
        global = true,
        help_heading = "Server",
        value_name = "KEY",
        conflicts_with = "api_key_file"
    )]
    api_key: Option<String>,
    /// A file in whose first line the key is, - for standard input; or FAIRPOOL_API_KEY_FILE
    #[arg(long, global = true, help_heading = "Server", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

/// Where a server is: scheme, host, port, and perhaps a path below which its routes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server(String);

const NEAR: &str = "http://127.0.0.1:8080";
/// No key is as long.
const LONGEST: u64 = 64 * 1024;

impl Access {
    pub(crate) fn server(&self) -> Result<Server> {
        let given = self.server.clone().or_else(|| variable("FAIRPOOL_SERVER"));
        Server::new(given.as_deref().unwrap_or(NEAR))
    }

    /// The key, as a header has it. An argument counts more than the environment.
    pub(crate) fn key(&self) -> Result<Option<String>> {
        let given = match (&self.api_key, &self.api_key_file) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(file)) => Some(key_in(file)?),
            (None, None) => match (variable("FAIRPOOL_API_KEY"), variable("FAIRPOOL_API_KEY_FILE")) {
                (Some(key), _) => Some(key),
                (None, Some(file)) => Some(key_in(Path::new(&file))?),
                (None, None) => None,
            },
        };
        let Some(key) = given.map(|key| key.trim().to_owned()) else {
            return Ok(None);
        };
        if key.is_empty() {
            return Err(senseless("the API key is empty"));
        }
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible || HeaderValue::from_str(&key).is_err() {
            return Err(senseless("the API key has characters that no key has"));
        }
        Ok(Some(key))
    }
}

impl Server {
    pub(crate) fn new(text: &str) -> Result<Self> {
        let form = "the server is a URL such as http://127.0.0.1:8080";
        // Of a text that is not understood it is unknown what of it is secret.
        let uri: Uri = text.trim().parse().map_err(|_| senseless(form))?;
        let authority = uri.authority().ok_or_else(|| senseless(form))?;
        if authority.as_str().contains('@') {
            let said =
                "the server's URL has no user and no password: give the key by --api-key-file or FAIRPOOL_API_KEY";
            return Err(senseless(said));
        }
        let scheme = match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme,
            _ => return Err(senseless(format!("{form}, with http or https"))),
        };
        if uri.query().is_some() {
            return Err(senseless("the server's URL has no query"));
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Server(format!("{scheme}://{authority}{path}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// One that is empty is as good as none.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The first word of the first line that is neither empty nor a comment, so that a server's own file of keys will do.
fn key_in(file: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|open| open.take(LONGEST).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the API key in {}", file.display()))?;
    let mut words = text.lines().filter_map(|line| line.split_whitespace().next());
    let key = words.find(|word| !word.starts_with('#'));
    key.map(str::to_owned)
        .with_context(|| format!("no API key in {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_perhaps_with_a_path() {
        let read = |text: &str| Server::new(text).map(|server| server.0);
        assert_eq!(read("http://127.0.0.1:8080/").expect("a URL"), "http://127.0.0.1:8080");
        assert_eq!(
            read("https://a.example/admin/").expect("a URL"),
            "https://a.example/admin"
        );
        assert_eq!(read("http://[::1]:80").expect("a URL"), "http://[::1]:80");
        for bad in [
            "",
            "localhost:8080",
            "ftp://a",
            "http://",
            "/a",
            "http://a b",
            "http://a?b=c",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        for bad in ["http://app:hunter2@a", "ftp://app:hunter2@a", "http://app:hunter2@a b"] {
            let said = format!("{:#}", Server::new(bad).expect_err("a password"));
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
