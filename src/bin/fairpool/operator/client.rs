//! One request and its answer. It knows the families' headers and how each says that it refuses; what the answers mean it does not know.
//!
//! Promises: the key goes to the server that was named and to nobody else, neither after a redirect nor through a proxy.

use super::access::{Access, Server};
use super::failure::Failure;
use anyhow::{Context, Result, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Asks one server.
pub(crate) struct Client {
    agent: Agent,
    server: Server,
    key: Option<String>,
}

/// What is asked, and what it is about in the words of an error.
pub(crate) struct Call {
    about: String,
    method: Method,
    path: String,
    body: Option<Value>,
    /// How long the answer may take.
    patience: Duration,
}

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);
/// The status of some hundred thousand pools.
const LARGEST: u64 = 256 * 1024 * 1024;
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

impl Client {
    pub(crate) fn new(access: &Access) -> Result<Self> {
        let server = access.server()?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("fairpool/", env!("CARGO_PKG_VERSION")));
        if server.is_encrypted() {
            config = config.tls_config(tls()?);
        }
        Ok(Client {
            agent: config.build().into(),
            server,
            key: access.key()?,
        })
    }

    pub(crate) fn server(&self) -> &str {
        self.server.as_str()
    }

    /// The answer's JSON; `{}` where there is none to be.
    pub(crate) fn ask(&self, call: Call) -> Result<Value, Failure> {
        let Call {
            about,
            method,
            path,
            body,
            patience,
        } = call;
        let unreachable = |error| Failure::unreachable(self.server(), patience, error);
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.server()))
            .header("accept", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
            // One family has a header of its own.
            request = request.header("x-imply-api-token", key);
        }
        let answered = if method == Method::GET || method == Method::DELETE {
            let request = request.body(()).map_err(|error| unreachable(error.into()))?;
            let request = self.agent.configure_request(request);
            self.agent.run(request.timeout_global(Some(patience)).build())
        } else {
            let text = body.map(|body| body.to_string()).unwrap_or_default();
            if !text.is_empty() {
                request = request.header("content-type", "application/json");
            }
            let request = request.body(text).map_err(|error| unreachable(error.into()))?;
            let request = self.agent.configure_request(request);
            self.agent.run(request.timeout_global(Some(patience)).build())
        };
        let mut answer = answered.map_err(unreachable)?;
        let bytes = answer
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_vec()
            .map_err(unreachable)?;
        self.judge(&answer, &bytes, about)
    }

    fn judge(&self, answer: &Response<Body>, bytes: &[u8], about: String) -> Result<Value, Failure> {
        let status = answer.status();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        if status.is_redirection() {
            let to = header("location").unwrap_or("elsewhere");
            let said = format!("it redirects to {to}, which gets no key: name the server itself");
            return Err(Failure::strange(self.server(), status.as_u16(), &said));
        }
        let body = match serde_json::from_slice(bytes) {
            Ok(body) => body,
            Err(_) if bytes.is_empty() && status.is_success() => json!({}),
            Err(_) => {
                let said = "it answers no JSON: is it a fairpool server?";
                return Err(Failure::strange(self.server(), status.as_u16(), said));
            }
        };
        if status.is_success() {
            return Ok(body);
        }
        let request = header("x-request-id").filter(|_| status.is_server_error());
        Err(Failure::refused(
            about,
            status.as_u16(),
            &body,
            self.key.is_some(),
            request,
        ))
    }
}

impl Call {
    fn new(about: impl Into<String>, method: Method, path: &[&str]) -> Self {
        let path = path.iter().flat_map(|segment| ["/".to_owned(), encoded(segment)]);
        Call {
            about: about.into(),
            method,
            path: path.collect(),
            body: None,
            patience: ANSWER,
        }
    }

    pub(crate) fn get(about: impl Into<String>, path: &[&str]) -> Self {
        Call::new(about, Method::GET, path)
    }

    pub(crate) fn post(about: impl Into<String>, path: &[&str]) -> Self {
        Call::new(about, Method::POST, path)
    }

    pub(crate) fn put(about: impl Into<String>, path: &[&str]) -> Self {
        Call::new(about, Method::PUT, path)
    }

    pub(crate) fn patch(about: impl Into<String>, path: &[&str]) -> Self {
        Call::new(about, Method::PATCH, path)
    }

    pub(crate) fn delete(about: impl Into<String>, path: &[&str]) -> Self {
        Call::new(about, Method::DELETE, path)
    }

    /// With these parameters.
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        for (at, (name, value)) in pairs.iter().enumerate() {
            self.path.push(if at == 0 { '?' } else { '&' });
            self.path.push_str(&format!("{}={}", encoded(name), encoded(value)));
        }
        self
    }

    pub(crate) fn body(self, body: Value) -> Self {
        Call {
            body: Some(body),
            ..self
        }
    }

    /// For what takes longer on the server than an answer normally does.
    pub(crate) fn after(self, longer: Duration) -> Self {
        Call {
            patience: self.patience + longer,
            ..self
        }
    }

    /// With this patience instead.
    pub(crate) fn within(self, patience: Duration) -> Self {
        Call { patience, ..self }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Trusts whom the system trusts; TLS by ring, as everywhere here.
fn tls() -> Result<TlsConfig> {
    let found = rustls_native_certs::load_native_certs();
    let trusted: Vec<_> = found
        .certs
        .iter()
        .map(|one| Certificate::from_der(one).to_owned())
        .collect();
    if let Some(error) = found.errors.into_iter().next().filter(|_| trusted.is_empty()) {
        return Err(error).context("cannot read the certificates that this system trusts");
    }
    ensure!(
        !trusted.is_empty(),
        "this system trusts no certificates: SSL_CERT_FILE names some"
    );
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}
