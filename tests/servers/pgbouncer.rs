//! A PgBouncer before a [PostgreSQL server](super::postgres): it lets everybody in as the superuser, who is trusted there too, or
//! asks for the password of `app`.

use super::keeper::{Keeper, Plan, demoted, directory, find, free_port, missing};
use super::postgres::Postgres;
use std::fs;

/// A process, gone when it is dropped.
pub(crate) struct PgBouncer {
    pub(crate) keeper: Keeper,
    pub(crate) port: u16,
}

impl PgBouncer {
    /// Starts one with this `pool_mode` and so many server connections; `None` where it is not installed.
    pub(crate) fn start(server: &Postgres, mode: &str, connections: u32) -> Option<PgBouncer> {
        let settings = format!("auth_type = trust\npool_mode = {mode}\ndefault_pool_size = {connections}\n");
        PgBouncer::launch(server, "\"postgres\" \"\"\n", &settings)
    }

    /// Starts one that asks `app` for its password, `secret`, and takes so many clients.
    pub(crate) fn asking(server: &Postgres, clients: u32) -> Option<PgBouncer> {
        let settings = format!("auth_type = scram-sha-256\nmax_client_conn = {clients}\n");
        PgBouncer::launch(server, "\"app\" \"secret\"\n", &settings)
    }

    fn launch(server: &Postgres, accounts: &str, settings: &str) -> Option<PgBouncer> {
        let Some(program) = find("pgbouncer", &[]) else {
            missing("PgBouncer");
            return None;
        };
        let dir = directory("postgres");
        let port = free_port();
        let (users, config) = (dir.join("users.txt"), dir.join("pgbouncer.ini"));
        fs::write(&users, accounts).expect("written");
        let text = format!(
            "[databases]\napp = host=127.0.0.1 port={} dbname=app\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_file = {}\n{settings}",
            server.port,
            users.display()
        );
        fs::write(&config, text).expect("written");
        let mut command = demoted("postgres");
        command.extend([program, config].map(|path| path.display().to_string()));
        let plan = Plan {
            command,
            ready: "process up",
            stop: "TERM",
        };
        let keeper = Keeper::start(dir, plan);
        Some(PgBouncer { keeper, port })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.keeper.is_alive()
    }

    /// `postgresql://postgres@127.0.0.1:PORT/app`.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/app", self.port)
    }
}
