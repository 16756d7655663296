//! The whole service on a free port, and samples filled in for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairpool::doc::Demo;
use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, QueryHost};
use fairpool::resource::registry::{Declared, Registry, RegistryBuilder};
use fairpool::server::auth::{ApiKeys, Authority, JwtHs256, Scope, Scopes};
use fairpool::server::{
    Readiness, RouterOptions, ServeOptions, connection_pools, connection_settings, connections, fallback, health,
    operations, serve,
};
use ring::hmac::{HMAC_SHA256, Key, sign};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// May do everything.
pub(crate) const KEY: &str = "the-key-of-an-administrator";
/// May do nothing.
pub(crate) const IDLE: &str = "the-key-of-nobody-at-all";

const SECRET: &[u8] = b"a secret of thirty-two bytes or of more";

pub(crate) struct Service {
    address: SocketAddr,
    /// Drives it until the test is over.
    _runtime: Runtime,
}

/// A registry that has a driver for the type of the documents' samples.
pub(crate) fn builder() -> RegistryBuilder {
    let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    Registry::builder().driver(ConnectionType::Druid, demo)
}

/// The same with a project and these API proxies.
pub(crate) fn with_proxies(proxies: &[&str]) -> RegistryBuilder {
    let backend = ConnectionName::new("backend").expect("a name");
    let definition = ConnectionDefinition::new(backend.clone(), ConnectionType::Druid, ["backend:8082"]);
    let declared = Declared::new().connection(definition.expect("a definition"));
    let declared = proxies.iter().fold(declared, |declared, proxy| {
        declared.api_proxy("MyProject", proxy, backend.clone()).expect("names")
    });
    builder().fixed(declared)
}

impl Service {
    pub(crate) fn start(builder: RegistryBuilder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let registry = runtime.block_on(builder.open()).expect("an empty store");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let auth = authority();
        let options = RouterOptions::new;
        let router = connection_pools(&registry, auth.clone(), options())
            .merge(connection_settings(&registry, auth.clone(), options()))
            .merge(connections(&registry, auth.clone(), options()))
            .merge(operations(&registry, auth, options()))
            .merge(health(&Readiness::new(true), options()))
            .merge(fallback(options()));
        runtime.spawn(async move { serve(listener, router, &ServeOptions::new(), std::future::pending()).await });
        Service {
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A sample with the documents' hosts and placeholders replaced.
    pub(crate) fn filled(&self, sample: &str) -> String {
        let url = self.url();
        let mut filled = sample.replace("https://demo.apinizer.com", &url);
        // One sample has it without a scheme.
        filled = filled.replace("localhost:9095", &self.address.to_string());
        for placeholder in ["YOUR_TOKEN", "<token>", "<api-key>"] {
            filled = filled.replace(placeholder, KEY);
        }
        filled = filled.replace("<JWT>", &token());
        filled.replace("<connectionName>", "string")
    }
}

fn authority() -> Arc<dyn Authority> {
    let mut keys = ApiKeys::new();
    keys.add(KEY, Scopes::ALL).expect("long enough");
    keys.add(IDLE, Scopes::NONE).expect("long enough");
    keys.or(JwtHs256::new(SECRET, "fairpool").expect("long enough"))
}

/// A token as somebody else would make it.
fn token() -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let scopes = [Scope::Read, Scope::Operate, Scope::Write].map(Scope::name).join(" ");
    let claims = json!({"exp": 9_999_999_999_u64, "aud": "fairpool", "scope": scopes});
    let signed = format!("{}.{}", part(json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let tag = sign(&Key::new(HMAC_SHA256, SECRET), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}
