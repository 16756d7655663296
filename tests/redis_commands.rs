//! Whether the driver's list of harmless commands is sound: every command that the real server knows is sent, and the server is
//! asked what it did to the connection.
#![cfg(feature = "redis")]

mod redis;
mod servers;

use fairpool::Manager;
use fairpool::drivers::redis::redis::{Cmd, Value, cmd};
use fairpool::drivers::redis::{Connection, Redis};
use redis::{Outcome, PROTOCOLS, driver, state};
use std::collections::BTreeSet;
use std::time::Duration;

/// These end the server, or make it another's replica.
const UNSENT: [&str; 3] = ["shutdown", "replicaof", "slaveof"];

/// Kinds of commands, in the server's words, that may change their connection.
const SUSPECT: [&str; 6] = [
    "noscript",
    "no_multi",
    "@connection",
    "@transaction",
    "@pubsub",
    "@blocking",
];

/// Commands of such kinds that leave nothing behind: questions, what is done to the server or to others, scripts (which may not
/// call scripts), and the ends of transactions (which are judged by their answers).
const SPARED: [&str; 40] = [
    "client getname",
    "client getredir",
    "client id",
    "client info",
    "client kill",
    "client list",
    "client pause",
    "client trackinginfo",
    "client unblock",
    "client unpause",
    "command",
    "command count",
    "command docs",
    "command getkeys",
    "command getkeysandflags",
    "command info",
    "command list",
    "config get",
    "config resetstat",
    "config rewrite",
    "config set",
    "discard",
    "echo",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "exec",
    "fcall",
    "fcall_ro",
    "ping",
    "publish",
    "role",
    "script exists",
    "script flush",
    "script kill",
    "script load",
    "spublish",
    "unwatch",
    "wait",
];

/// The same for all that stands under such a word.
const SPARED_WORDS: [&str; 3] = ["function", "latency", "pubsub"];

/// How long an answer is waited for. One that comes later is the reset's business.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the server says of a command: its words, how many words it takes at least, and what kind it is.
struct Known {
    words: Vec<String>,
    arity: usize,
    kinds: Vec<String>,
}

impl Known {
    fn name(&self) -> String {
        self.words.join(" ")
    }

    fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|found| found == kind)
    }
}

/// Every command of the server, and every word under one.
async fn all(conn: &mut Connection) -> Outcome<Vec<Known>> {
    let Value::Array(found) = cmd("COMMAND").query_async(conn).await? else {
        return Err("no list".into());
    };
    let mut known = Vec::new();
    for command in found {
        collect(command, &mut known);
    }
    assert!(known.len() > 200, "{}", known.len());
    Ok(known)
}

fn collect(command: Value, known: &mut Vec<Known>) {
    let Value::Array(fields) = command else { return };
    let text = |value: &Value| match value {
        Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
        Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    };
    let list = |value: &Value| match value {
        Value::Array(items) | Value::Set(items) => items.iter().map(text).collect(),
        _ => Vec::new(),
    };
    let Value::Int(arity) = fields[1] else { return };
    let mut kinds = list(&fields[2]);
    kinds.extend(list(&fields[6]));
    known.push(Known {
        words: text(&fields[0]).split('|').map(str::to_owned).collect(),
        arity: arity.unsigned_abs() as usize,
        kinds,
    });
    if let Some(Value::Array(under)) = fields.into_iter().nth(9) {
        under.into_iter().for_each(|command| collect(command, known));
    }
}

/// What the driver thinks a connection needs after this command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Reset,
    End,
}

/// Sends a command with made-up words, cleans the connection as the pool would, and compares what the server says of it.
async fn try_out(driver: &Redis, known: &Known, word: &str) -> Outcome<Needs> {
    let mut conn = driver.connect().await?;
    let before = state(&mut conn).await?;
    let mut command = Cmd::new();
    for word in &known.words {
        command.arg(word);
    }
    for _ in known.words.len()..known.arity {
        command.arg(word);
    }
    // Whatever the answer is, and if there is one: of those that block there is none.
    let _ = tokio::time::timeout(PATIENCE, command.query_async::<Value>(&mut conn)).await;
    if driver.is_broken(&mut conn) {
        return Ok(Needs::End);
    }
    let needs = match Manager::reset(driver, &mut conn) {
        None => Needs::Nothing,
        Some(reset) => {
            reset.await?;
            Needs::Reset
        }
    };
    assert_eq!(state(&mut conn).await?, before, "{} {word}", known.name());
    Ok(needs)
}

#[tokio::test]
async fn no_command_of_the_server_leaves_anything_that_is_not_undone() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let mut surprises = BTreeSet::new();
    for protocol in PROTOCOLS {
        let driver = driver(&server, protocol);
        let known = all(&mut driver.connect().await?).await?;
        for known in known.iter().filter(|known| !UNSENT.contains(&known.words[0].as_str())) {
            for word in ["1", "key", "ON"] {
                let needs = try_out(&driver, known, word).await?;
                let suspect = SUSPECT.iter().find(|kind| known.is(kind));
                // What Redis itself keeps out of scripts, or calls a matter of the connection, needs a reason to be harmless.
                if let (Needs::Nothing, Some(kind)) = (needs, suspect) {
                    let name = known.name();
                    let spared = SPARED.contains(&name.as_str())
                        || SPARED_WORDS.contains(&known.words[0].as_str())
                        || name.ends_with(" help");
                    let blocks = known.is("@blocking");
                    if !spared && !blocks {
                        surprises.insert(format!("{name} is {kind}"));
                    }
                }
            }
        }
    }
    assert!(surprises.is_empty(), "nothing is undone after these: {surprises:#?}");
    Ok(())
}
