//! A PostgreSQL server. Its superuser `postgres` is trusted on the loopback; `app` needs the password `secret` (SCRAM); both have
//! the database `app`. TLS, if it has certificates, is offered, and demanded from the user `tls`.

use super::certificates::Certificates;
use super::keeper::{Keeper, Plan, demoted, directory, find, free_port, missing, run};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server, gone when it is dropped.
pub(crate) struct Postgres {
    pub(crate) keeper: Keeper,
    pub(crate) port: u16,
}

/// The major version that `tests/run.sh --setup` installs beside Debian's.
pub(crate) const ANOTHER: u32 = 16;

const ACCESS: &str = "\
local all all trust
hostssl all tls all scram-sha-256
hostnossl all tls all reject
host all postgres all trust
host all all all scram-sha-256
";

const ROLES: &str = "\
CREATE DATABASE app;
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE ROLE tls LOGIN PASSWORD 'secret';
GRANT ALL ON DATABASE app TO app;
\\c app
GRANT ALL ON SCHEMA public TO app;
";

impl Postgres {
    /// Starts one, with further settings (`max_connections=20`); `None` where it is not installed.
    pub(crate) fn start(settings: &[&str]) -> Option<Postgres> {
        Postgres::launch(None, settings)
    }

    /// The same, with TLS.
    pub(crate) fn with_tls(certificates: &Certificates, settings: &[&str]) -> Option<Postgres> {
        Postgres::launch(Some(certificates), settings)
    }

    /// One of another major version: [`ANOTHER`].
    pub(crate) fn another(settings: &[&str]) -> Option<Postgres> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/servers/postgresql-{ANOTHER}"));
        if !installed.join("bin/postgres").is_file() {
            missing(&format!("PostgreSQL {ANOTHER}"));
            return None;
        }
        let dir = directory("postgres");
        let user = demoted("postgres");
        // Who is not root may run nothing from somebody's home.
        let home = dir.join("home");
        run(Command::new("cp").arg("-a").arg(&installed).arg(&home));
        run(Command::new("chmod").args(["-R", "a+rX"]).arg(&home));
        Some(Postgres::run(&home.join("bin"), dir, &user, None, settings))
    }

    fn launch(certificates: Option<&Certificates>, settings: &[&str]) -> Option<Postgres> {
        let Some(server) = find("postgres", &versions()) else {
            missing("PostgreSQL");
            return None;
        };
        let bin = server.parent().expect("in a directory");
        let (dir, user) = (directory("postgres"), demoted("postgres"));
        Some(Postgres::run(bin, dir, &user, certificates, settings))
    }

    fn run(
        bin: &Path,
        dir: PathBuf,
        user: &[String],
        certificates: Option<&Certificates>,
        settings: &[&str],
    ) -> Postgres {
        let data = dir.join("data");
        let command = |program: &str| {
            let mut words = user.to_vec();
            words.push(bin.join(program).display().to_string());
            words
        };
        let initdb = command("initdb");
        run(Command::new(&initdb[0])
            .args(&initdb[1..])
            .args([
                "--no-sync",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data)
            .current_dir("/"));
        fs::write(data.join("pg_hba.conf"), ACCESS).expect("written");
        let port = free_port();
        let mut all = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", dir.display()),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "max_connections=200".to_owned(),
        ];
        if let Some(certificates) = certificates {
            let [cert, key, _] = certificates.install(&dir, "postgres");
            all.push("ssl=on".to_owned());
            all.push(format!("ssl_cert_file={}", cert.display()));
            all.push(format!("ssl_key_file={}", key.display()));
        }
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let mut words = command("postgres");
        words.extend([
            "-D".to_owned(),
            data.display().to_string(),
            "-p".to_owned(),
            port.to_string(),
        ]);
        words.extend(all.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        let keeper = Keeper::start(
            dir,
            Plan {
                command: words,
                ready: "database system is ready to accept connections",
                stop: "INT",
            },
        );
        let server = Postgres { keeper, port };
        server.psql(ROLES);
        server
    }

    /// Runs SQL as the superuser, on the socket, in the database `postgres`; what it prints, unaligned and without headers.
    pub(crate) fn psql(&self, sql: &str) -> String {
        let mut child = Command::new("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-p",
            ])
            .arg(self.port.to_string())
            .arg("-h")
            .arg(self.keeper.dir())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("psql runs");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(sql.as_bytes())
            .expect("written");
        let output = child.wait_with_output().expect("psql ends");
        assert!(output.status.success(), "psql fails: {sql}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// How many client sessions the server itself counts, those of [`psql`](Postgres::psql) not included.
    pub(crate) fn sessions(&self) -> u64 {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        self.psql(sql).parse().expect("a number")
    }

    /// `postgresql://app:secret@127.0.0.1:PORT/app`.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://app:secret@127.0.0.1:{}/app", self.port)
    }

    /// The same as the superuser, who needs no password.
    pub(crate) fn trusted(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/app", self.port)
    }
}

/// Where Debian keeps its servers, newest first.
fn versions() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut dirs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    dirs.sort();
    dirs.reverse();
    dirs
}
