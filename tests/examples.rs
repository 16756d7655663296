//! The examples that need a server, as somebody would run them: against a real one, ended by a signal, and with the database down.
#![cfg(all(
    feature = "postgres",
    feature = "redis",
    feature = "bb8-09",
    feature = "server",
    feature = "sqlite"
))]

mod servers;

use servers::keeper::free_port;
use servers::postgres::Postgres;
use servers::redis::Redis;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

#[test]
fn the_axum_service_answers_what_it_has_begun_before_it_ends() {
    let Some(server) = Postgres::start(&[]) else { return };
    let mut service = Service::start(&server.url());
    assert_eq!(service.ask("POST /notes", "tea"), (201, "1\n".to_owned()));
    assert_eq!(service.ask("GET /notes/1", ""), (200, "tea\n".to_owned()));
    assert_eq!(service.ask("GET /notes/2", ""), (404, "no such note\n".to_owned()));
    assert_eq!(service.ask("GET /healthz", "").0, 200);
    server.psql("\\c app\nALTER TABLE notes ADD CHECK (note <> 'poison')");
    assert_eq!(service.ask("POST /notes", "poison").0, 500);

    let lock = Lock::take(&server);
    let address = service.address.clone();
    let held_up = thread::spawn(move || ask(&address, "POST /notes", "milk"));
    server.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted");
    service.end();
    assert_eq!(service.line(), "ending");
    drop(lock);
    assert_eq!(held_up.join().expect("answered").0, 201);
    let (report, errors, success) = service.rest();
    // tokio-postgres' own text says no more than `db error`.
    assert!(errors.contains("violates check constraint"), "{errors}");
    assert!(success && report.starts_with("drained after "), "{report}");
    assert!(
        report.contains(" 0 still out") && report.contains(" 0 requests failed"),
        "{report}"
    );
    assert_eq!(server.sessions(), 0);
}

#[test]
fn the_axum_service_without_its_database_says_so_and_shows_no_password() {
    let url = format!("postgresql://app:hidden@127.0.0.1:{}/app", free_port());
    let service = Service::start(&url);
    let (status, body) = service.ask("GET /notes/1", "");
    assert_eq!((status, &*body), (503, "try again\n"));
    service.end();
    let (_, errors, _) = service.rest();
    assert!(errors.contains("refused") && !errors.contains("hidden"), "{errors}");
}

#[test]
fn the_diesel_example_adds_and_loads() {
    let Some(server) = Postgres::start(&[]) else { return };
    let output = example("diesel_async")
        .env("DATABASE_URL", server.url())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.ends_with("to do: boil water\n"),
        "{output:?}"
    );
}

#[test]
fn the_redis_example_computes_once_and_works_without_redis_too() {
    let Some(server) = Redis::start(&[]) else { return };
    let run = || {
        let output = example("redis_cache")
            .env("REDIS_URL", server.url())
            .output()
            .expect("runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run().starts_with("100 asked, 1 computed\n"));
    assert!(run().starts_with("100 asked, 0 computed\n"));
    server.keeper.stop();
    assert!(run().starts_with("100 asked, 100 computed\n"));
}

#[test]
fn the_worker_finishes_its_jobs_when_it_is_told_to_end() {
    let output = example("shutdown").output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    assert!(output.status.success(), "{output:?}");
    // Those that came to the line after the signal were refused; nobody was cut off.
    assert!(
        last.ends_with(" jobs done") && said.contains(" 0 requests failed"),
        "{said}"
    );
}

#[test]
fn an_example_without_its_url_says_what_to_set() {
    let all = [
        ("axum_postgres", "DATABASE_URL"),
        ("configured_line", "API_KEY"),
        ("redis_cache", "REDIS_URL"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (name, variable) in all {
        let mut command = example(name);
        let output = command
            .current_dir(&folder)
            .env_remove(variable)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(&format!("set {variable}")),
            "{said}"
        );
    }
}

/// As README and its guide have it, with a restart between two changes.
#[test]
fn the_configured_line_is_what_the_operator_says_also_after_a_restart() {
    const KEY: &str = "the-key-of-the-operator";
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let mut command = example("configured_line");
        command.current_dir(&folder).env("API_KEY", KEY);
        Service::run(&mut command)
    };
    let authorized = |request: &str| {
        format!("{request} HTTP/1.1\r\nAuthorization: {KEY}\r\nContent-Type: application/json\r\nX-Was:")
    };
    let service = start();
    assert_eq!(
        service.ask("POST /print", "a page"),
        (200, "printed a page\n".to_owned())
    );
    assert_eq!(service.ask("GET /api/v1/connection-pools", "").0, 401);
    let (status, pool) = service.ask(&authorized("PUT /api/v1/connection-pools/1"), r#"{"limit": 5}"#);
    assert!(status == 200 && pool.contains(r#""limit":5"#), "{pool}");
    drop(service);
    let service = start();
    let (_, pools) = service.ask(&authorized("GET /api/v1/connection-pools?filter[name]=print"), "");
    assert!(pools.contains(r#""limit":5,"timeout":30"#), "{pools}");
    assert_eq!(service.ask(&authorized("DELETE /api/v1/connection-pools/1"), "").0, 200);
    assert_eq!(service.ask("POST /print", "a page").0, 404);
}

/// The example as a command; built by this, since `cargo test --test` builds none.
fn example(name: &str) -> Command {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--all-features", "--example", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.is_ok_and(|status| status.success()), "{name} does not build");
    let own = std::env::current_exe().expect("a path");
    let profile = own.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
    Command::new(PathBuf::from(profile).join("examples").join(name))
}

/// A service as a process.
struct Service {
    child: Child,
    address: String,
    said: BufReader<ChildStdout>,
}

impl Service {
    fn start(url: &str) -> Service {
        Service::run(example("axum_postgres").env("DATABASE_URL", url))
    }

    fn run(command: &mut Command) -> Service {
        let mut child = command
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let mut service = Service {
            child,
            address: String::new(),
            said,
        };
        let listening = service.line();
        let address = listening.strip_prefix("listening on http://").expect("an address");
        service.address = address.to_owned();
        service
    }

    fn ask(&self, request: &str, body: &str) -> (u16, String) {
        ask(&self.address, request, body)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("read");
        line.trim_end().to_owned()
    }

    fn end(&self) {
        let sent = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// What it says until it ends, on standard output and on standard error, and whether that was a success.
    fn rest(mut self) -> (String, String, bool) {
        let (mut rest, mut errors) = (String::new(), String::new());
        self.said.read_to_string(&mut rest).expect("read");
        let mut stderr = self.child.stderr.take().expect("piped");
        stderr.read_to_string(&mut errors).expect("read");
        (rest, errors, self.child.wait().expect("ended").success())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request over a connection of its own: the status, and the body.
fn ask(address: &str, request: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head =
        format!("{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = status.unwrap_or_else(|| panic!("no status: {answer:?}"));
    assert!(status != 503 || head.contains("retry-after: 1"), "{head}");
    (status, body.to_owned())
}

/// Keeps others from the table until it is dropped.
struct Lock(Child);

impl Lock {
    fn take(server: &Postgres) -> Lock {
        let mut psql = Command::new("psql")
            .args([
                "-X",
                "-q",
                "-U",
                "postgres",
                "-d",
                "app",
                "-p",
                &server.port.to_string(),
                "-h",
            ])
            .arg(server.keeper.dir())
            .stdin(Stdio::piped())
            .spawn()
            .expect("psql runs");
        let input = psql.stdin.as_mut().expect("piped");
        writeln!(input, "BEGIN; LOCK TABLE notes;").expect("sent");
        server.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted");
        Lock(psql)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

trait WaitFor {
    fn wait_for(&self, condition: &str);
}

impl WaitFor for Postgres {
    /// Asks the server until the answer is yes.
    fn wait_for(&self, condition: &str) {
        while self.psql(condition) != "t" {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
