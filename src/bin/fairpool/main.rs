//! The command line. A failure is one line on standard error; it uses nothing of the crate but its public face.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it failed, and the line says why |
//! | 2 | the arguments make no sense |
//! | 130, 143 | interrupted, terminated; a server only by a second signal: told to end, it ends with 0 |
//! | 141 | nobody reads the output any more |

mod demo;
mod operator;
mod serve;
mod top;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "fairpool",
    version,
    about = "A fair connection pool: at work, and its operator's tool"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put a pool of connections to a real SQLite file under load, and measure it
    Demo(demo::Options),
    /// Serve the resource interface over HTTP: connection pools, databases, connections, and what operators do to them
    Serve(Box<serve::Options>),
    #[command(flatten)]
    Operator(operator::Command),
    /// Watch a running server: who waits, for how long, at what rates
    Top(top::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    let outcome = match arguments.command {
        Command::Demo(options) => demo::run(options),
        Command::Serve(options) => serve::run(*options),
        Command::Operator(command) => operator::run(command),
        Command::Top(options) => top::run(options),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_unread(&error) => ExitCode::from(141),
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            match error.is::<operator::Senseless>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Help goes out as it is; of what is wrong with an argument only the sentence, without the usage below it.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
    } else {
        let text = error.to_string();
        complain(text.split("\n\n").next().unwrap_or_default());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// One line, whatever the text quotes.
fn complain(text: impl Display) {
    let text = text.to_string();
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "{line}");
}

/// The reader of a pipe has gone: no failure of ours, and no news to anybody.
fn is_unread(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref().is_some_and(broken)
}
