//! Operations on what is live: clear, drain, pause, resume, invalidate. Each kind has the same; the server says which of them it has not.

use super::client::Call;
use super::session::{Session, named};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

/// What there is of one sort: in a path, and in words.
pub(super) struct Kind {
    pub(super) path: &'static str,
    pub(super) noun: &'static str,
}

pub(super) const POOLS: Kind = Kind {
    path: "connection-pools",
    noun: "connection pool",
};
pub(super) const CONNECTIONS: Kind = Kind {
    path: "connections",
    noun: "connection",
};
pub(super) const CONNECTORS: Kind = Kind {
    path: "connectors",
    noun: "connector",
};
/// An API proxy is a connector, too.
pub(super) const PROXIES: Kind = Kind {
    path: "connectors",
    noun: "API proxy",
};
pub(super) const DATABASE_POOLS: Kind = Kind {
    path: "database-pools",
    noun: "database pool",
};

/// What is done to it.
#[derive(clap::Subcommand)]
pub(crate) enum Operation {
    /// Fail those who wait now; nobody else is touched
    Clear(Target),
    /// Admit nobody new, let the others finish until the patience ends, then close
    Drain {
        #[command(flatten)]
        target: Target,
        /// How long they may take, in seconds
        #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
        patience: u64,
    },
    /// Hold the line; nobody fails, but timeouts run on
    Pause(Target),
    /// Go on, also after a drain
    Resume(Target),
    /// Start a new generation: what is open closes when it comes back
    Invalidate(Target),
}

#[derive(clap::Args)]
pub(crate) struct Target {
    /// Which one
    name: String,
}

/// An answer that comes after its patience has ended is on its way.
const SPARE: Duration = Duration::from_secs(10);

pub(super) fn run(session: &Session, kind: &Kind, operation: Operation) -> Result<u8> {
    let (word, done, target, patience) = match operation {
        Operation::Clear(target) => ("clear", "cleared", target, None),
        Operation::Drain { target, patience } => ("drain", "drained", target, Some(patience)),
        Operation::Pause(target) => ("pause", "paused", target, None),
        Operation::Resume(target) => ("resume", "resumed", target, None),
        Operation::Invalidate(target) => ("invalidate", "invalidated", target, None),
    };
    let it = named(kind.noun, &target.name);
    let mut call = Call::post(&it, &["fairpool", "v1", kind.path, &target.name, word]);
    if let Some(patience) = patience {
        let longer = Duration::from_secs(patience) + SPARE;
        call = call.body(json!({"patience": patience})).after(longer);
    }
    let answer = session.ask(call)?;
    let report = answer.get("data").unwrap_or(&Value::Null);
    let count = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    if patience.is_some() && report.get("completed") == Some(&Value::Bool(false)) {
        if !session.is_for_people() {
            session.tell(&answer, |_| String::new())?;
        }
        let (out, failed) = (count("still_out"), plural(count("failed"), "request"));
        bail!("{it}: its drain did not end in time: {out} still out, {failed} cut off");
    }
    let said = match report.get("took").and_then(Value::as_f64) {
        _ if word == "clear" => format!("cleared {} of {it}", plural(count("cleared"), "request")),
        Some(took) => format!(
            "drained {it} in {took:.1} s, {} cut off",
            plural(count("failed"), "request")
        ),
        None => format!("{done} {it}"),
    };
    session.done(&answer, &said, None)?;
    Ok(0)
}

fn plural(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
