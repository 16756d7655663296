//! A MariaDB server. `root` needs no password; `app` needs `secret`, `tls` the same and TLS; all may use the database `app`.

use super::certificates::Certificates;
use super::keeper::{Keeper, Plan, directory, find, free_port, is_root, missing, run};
use std::process::Command;

/// A server, gone when it is dropped.
pub(crate) struct Mysql {
    pub(crate) keeper: Keeper,
    pub(crate) port: u16,
}

const ROLES: &str = "\
CREATE DATABASE app;
CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret';
CREATE USER tls@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE SSL;
GRANT ALL ON app.* TO app@'127.0.0.1';
GRANT ALL ON app.* TO tls@'127.0.0.1';
";

impl Mysql {
    /// Starts one, with further options (`--max-connections=20`); `None` where it is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Mysql> {
        Mysql::launch(None, options)
    }

    /// The same, with TLS.
    pub(crate) fn with_tls(certificates: &Certificates, options: &[&str]) -> Option<Mysql> {
        Mysql::launch(Some(certificates), options)
    }

    fn launch(certificates: Option<&Certificates>, options: &[&str]) -> Option<Mysql> {
        let (Some(server), Some(install)) = (find("mariadbd", &[]), find("mariadb-install-db", &[])) else {
            missing("MariaDB");
            return None;
        };
        let dir = directory("mysql");
        let data = dir.join("data");
        // In a common directory, servers that start at once remove each other's temporary tables.
        let own = format!("--tmpdir={}", dir.display());
        let mut user = Vec::new();
        if is_root() {
            user.push("--user=mysql".to_owned());
        }
        run(Command::new(install)
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", data.display()))
            .arg(&own)
            .args(["--innodb-flush-method=nosync", "--innodb-log-file-size=8M"])
            .args(&user)
            .current_dir("/"));
        let port = free_port();
        let mut words = vec![server.display().to_string(), "--no-defaults".to_owned()];
        words.extend(user);
        words.extend([
            format!("--datadir={}", data.display()),
            own,
            format!("--socket={}", dir.join("socket").display()),
            format!("--pid-file={}", dir.join("pid").display()),
            format!("--port={port}"),
        ]);
        let fixed = [
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M",
            "--max-connections=200",
        ];
        words.extend(fixed.map(String::from));
        if let Some(certificates) = certificates {
            let [cert, key, ca] = certificates.install(&dir, "mysql");
            words.push(format!("--ssl-cert={}", cert.display()));
            words.push(format!("--ssl-key={}", key.display()));
            words.push(format!("--ssl-ca={}", ca.display()));
        }
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let keeper = Keeper::start(
            dir,
            Plan {
                command: words,
                ready: "ready for connections",
                stop: "TERM",
            },
        );
        let server = Mysql { keeper, port };
        server.sql(ROLES);
        Some(server)
    }

    /// Runs SQL as root, on the socket; what it prints, tab-separated and without headers.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = Command::new("mariadb")
            .args([
                "--no-defaults",
                "--user=root",
                "--batch",
                "--skip-column-names",
                "--execute",
                sql,
            ])
            .arg(format!("--socket={}", self.keeper.dir().join("socket").display()))
            .output()
            .expect("mariadb runs");
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// How many client sessions the server itself counts, this question's own not included.
    pub(crate) fn sessions(&self) -> u64 {
        let sql = "SELECT count(*) FROM information_schema.processlist \
                   WHERE id <> connection_id() AND command NOT IN ('Daemon', 'Killed')";
        self.sql(sql).parse().expect("a number")
    }

    /// `mysql://app:secret@127.0.0.1:PORT/app`.
    pub(crate) fn url(&self) -> String {
        format!("mysql://app:secret@127.0.0.1:{}/app", self.port)
    }
}
