//! MySQL and MariaDB through [`mysql_async`]: its connections, not its pool.

mod connection;
mod error;
mod kill;
mod link;
mod manager;
mod settings;
mod state;
mod tls;
mod url;

pub use connection::Connection;
pub use error::Error;
pub use manager::Mysql;
pub use settings::Reset;

/// The very `mysql_async` that this driver is built on, so that versions match.
pub use mysql_async;
