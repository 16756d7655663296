//! A server on a free port of this machine, and the binary that asks it.

use axum::Router;
use fairpool::doc::Demo;
use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, QueryHost};
use fairpool::resource::registry::{Declared, Registry};
use fairpool::server::auth::{ApiKeys, Scope, Scopes};
use fairpool::server::{RouterOptions, ServeOptions, connection_pools, connection_settings, connections, databases};
use fairpool::server::{operations, serve};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// May do everything.
pub(crate) const KEY: &str = "the-key-of-an-administrator";
/// May only look.
pub(crate) const READ: &str = "the-key-of-a-spectator-only";

/// A running server; it ends with this.
pub(crate) struct Served {
    pub(crate) registry: Option<Registry>,
    pub(crate) runtime: Runtime,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Served {
    /// All families, over a registry with a connection and an API proxy that are declared.
    pub(crate) fn start() -> Self {
        Served::declaring(declared())
    }

    /// The same, with what else is declared.
    pub(crate) fn declaring(declared: Declared) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let registry = runtime.block_on(registry(declared));
        let mut keys = ApiKeys::new();
        let all: [(&str, Scopes); 2] = [(KEY, Scopes::ALL), (READ, Scope::Read.into())];
        for (key, scopes) in all {
            keys.add(key, scopes).expect("long enough");
        }
        let (keys, options) = (Arc::new(keys), RouterOptions::new());
        let router = connection_pools(&registry, keys.clone(), options.clone())
            .merge(connections(&registry, keys.clone(), options.clone()))
            .merge(databases(&registry, keys.clone(), options.clone()))
            .merge(connection_settings(&registry, keys.clone(), options.clone()))
            .merge(operations(&registry, keys, options));
        Served {
            registry: Some(registry),
            ..Served::router(runtime, router)
        }
    }

    /// Any router.
    pub(crate) fn router(runtime: Runtime, router: Router) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(async move {
            let told = async move { drop(stopped.await) };
            serve(listener, router, &ServeOptions::new(), told).await
        });
        Served {
            registry: None,
            runtime,
            address,
            _stop: stop,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The binary, told of this server and its key by the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = fairpool(arguments);
        command.env("FAIRPOOL_SERVER", self.url()).env("FAIRPOOL_API_KEY", KEY);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// What a run that goes well prints.
    #[track_caller]
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, &*ran.error), (Some(0), ""), "{arguments:?}: {ran:?}");
        ran.out
    }

    /// The one line of JSON that it prints for scripts.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let out = self.says(&[arguments, &["--json"]].concat());
        assert_eq!((out.lines().count(), out.ends_with('\n')), (1, true), "{out}");
        serde_json::from_str(&out).expect("JSON")
    }

    /// The one line of a run that fails.
    #[track_caller]
    pub(crate) fn refuses(&self, arguments: &[&str]) -> String {
        refused(self.command(arguments), 1)
    }
}

/// The binary alone, with nothing in its environment that it knows.
pub(crate) fn fairpool(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairpool"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["FAIRPOOL_SERVER", "FAIRPOOL_API_KEY", "FAIRPOOL_API_KEY_FILE"] {
        command.env_remove(name);
    }
    command
}

#[track_caller]
pub(crate) fn ran(mut command: Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: status.code(),
        out: text(stdout),
        error: text(stderr),
    }
}

/// One line on standard error, nothing on standard output, no escape sequence.
#[track_caller]
pub(crate) fn refused(command: Command, code: i32) -> String {
    let ran = ran(command);
    assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{ran:?}");
    let line = ran.error.strip_suffix('\n').expect("a line");
    assert!(
        line.starts_with("error: ") && !line.contains(char::is_control),
        "{line:?}"
    );
    line.to_owned()
}

/// A connection and an API proxy of it.
pub(crate) fn declared() -> Declared {
    let backend = ConnectionName::new("backend").expect("a name");
    let connection = ConnectionDefinition::new(backend.clone(), ConnectionType::Http, ["backend:80"]);
    Declared::new()
        .connection(connection.expect("a connection"))
        .api_proxy("shop", "basket", backend)
        .expect("names")
}

async fn registry(declared: Declared) -> Registry {
    let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    let builder = Registry::builder().driver(ConnectionType::Http, demo).fixed(declared);
    builder.open().await.expect("an empty store")
}
