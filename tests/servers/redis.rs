//! A Redis server. The default user needs no password; `app` needs `secret`. With certificates it has a second port that speaks TLS.

use super::certificates::Certificates;
use super::keeper::{Keeper, Plan, directory, find, free_port, missing};
use std::process::Command;

/// A server, gone when it is dropped.
pub(crate) struct Redis {
    pub(crate) keeper: Keeper,
    pub(crate) port: u16,
    /// Where it speaks TLS; 0 without certificates.
    pub(crate) tls_port: u16,
}

impl Redis {
    /// Starts one, with further options (`--maxclients`, `20`); `None` where it is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Redis> {
        Redis::launch(None, options)
    }

    /// The same, with TLS on a second port.
    pub(crate) fn with_tls(certificates: &Certificates, options: &[&str]) -> Option<Redis> {
        Redis::launch(Some(certificates), options)
    }

    fn launch(certificates: Option<&Certificates>, options: &[&str]) -> Option<Redis> {
        let Some(server) = find("redis-server", &[]) else {
            missing("Redis");
            return None;
        };
        let dir = directory("redis");
        let port = free_port();
        let mut words = vec![server.display().to_string(), "--port".to_owned(), port.to_string()];
        let own = dir.display().to_string();
        let fixed = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &own];
        words.extend(fixed.map(String::from));
        words.extend(["--user", "app", "on", ">secret", "~*", "&*", "+@all"].map(String::from));
        let mut tls_port = 0;
        if let Some(certificates) = certificates {
            let [cert, key, ca] = certificates.install(&dir, "redis");
            tls_port = free_port();
            words.extend([
                "--tls-port".to_owned(),
                tls_port.to_string(),
                "--tls-cert-file".to_owned(),
                cert.display().to_string(),
                "--tls-key-file".to_owned(),
                key.display().to_string(),
                "--tls-ca-cert-file".to_owned(),
                ca.display().to_string(),
                "--tls-auth-clients".to_owned(),
                "no".to_owned(),
            ]);
        }
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let keeper = Keeper::start(
            dir,
            Plan {
                command: words,
                ready: "Ready to accept connections",
                stop: "TERM",
            },
        );
        Some(Redis { keeper, port, tls_port })
    }

    /// Runs a command as the default user; what `redis-cli` prints.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(words)
            .output()
            .expect("redis-cli runs");
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// How many clients the server itself counts, this question's own not included.
    pub(crate) fn sessions(&self) -> u64 {
        let list = self.cli(&["CLIENT", "LIST"]);
        list.lines().filter(|line| line.contains("id=")).count() as u64 - 1
    }

    /// `redis://app:secret@127.0.0.1:PORT/0`.
    pub(crate) fn url(&self) -> String {
        format!("redis://app:secret@127.0.0.1:{}/0", self.port)
    }
}
