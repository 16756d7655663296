//! What the operator chooses on the command line, or by variables of the same names.

use super::log::Requests;
use fairpool::resource::models::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// What the operator chooses. Keys show neither in help nor in errors.
#[derive(Clone, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Where to listen; port 0 picks one
    #[arg(
        long,
        env = "FAIRPOOL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "HOST:PORT"
    )]
    pub(super) listen: String,
    /// The configuration file, read again at each SIGHUP
    #[arg(long, env = "FAIRPOOL_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where what is created over HTTP is kept: `memory`, or `sqlite:FILE`
    #[arg(long, env = "FAIRPOOL_STORE", default_value = "sqlite:fairpool.db", value_name = "STORE", value_parser = store)]
    pub(super) store: Place,
    /// A key that may do everything; give it again for another one
    #[arg(long = "api-key", env = "FAIRPOOL_API_KEY", hide_env_values = true, value_name = "KEY", value_parser = secret)]
    pub(super) api_keys: Vec<Secret>,
    /// A key that may only read
    #[arg(long = "read-key", env = "FAIRPOOL_READ_KEY", hide_env_values = true, value_name = "KEY", value_parser = secret)]
    pub(super) read_keys: Vec<Secret>,
    /// A file with a key on each line, and its scopes behind it if it has not all of them
    #[arg(long, env = "FAIRPOOL_API_KEY_FILE", value_name = "FILE")]
    pub(super) api_key_file: Option<PathBuf>,
    /// Let everybody do everything; only on a loopback address
    #[arg(long, env = "FAIRPOOL_INSECURE", value_parser = clap::builder::BoolishValueParser::new())]
    pub(super) insecure: bool,
    /// What links in answers begin with, behind a proxy [default: http:// and the request's host]
    #[arg(long, env = "FAIRPOOL_PUBLIC_URL", value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// Which requests have a line in the log
    #[arg(
        long,
        env = "FAIRPOOL_LOG_REQUESTS",
        default_value = "changes",
        value_enum,
        value_name = "WHICH"
    )]
    pub(super) log_requests: Requests,
    /// How long requests under way may take at the end, then connections
    #[arg(long, env = "FAIRPOOL_SHUTDOWN_TIMEOUT", default_value = "30", value_name = "S", value_parser = seconds)]
    pub(super) shutdown_timeout: Duration,
}

/// Where resources are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
}

fn store(text: &str) -> Result<Place, &'static str> {
    match text.strip_prefix("sqlite:") {
        Some(file) if !file.is_empty() => Ok(Place::File(file.into())),
        None if text == "memory" => Ok(Place::Memory),
        _ => Err("must be memory or sqlite:FILE"),
    }
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=3_600.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(format!("{seconds} is not in 0..=3600")),
    }
}
