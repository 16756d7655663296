//! How many connections, and how long a line? Erlang's arithmetic, then a real pool under the same load, side by side.
//!
//! ```sh
//! cargo run --example sizing -- rate=400 hold=12ms wait=20ms share=0.99 max=20 timeout=3s
//! ```

#[path = "sizing/formulas.rs"]
mod formulas;
#[path = "sizing/simulate.rs"]
mod simulate;

use formulas::Load;
use simulate::{Measured, Trial};
use std::process::ExitCode;

const HELP: &str = "sizing: the limit and the queue_limit of a pool

cargo run --example sizing -- [NAME=VALUE]...

  rate=400       requests a second, of this process, at the busiest time
  hold=12ms      how long a request holds its connection, on average (us, ms or s)
  wait=20ms      the wait that shall rarely be exceeded
  share=0.99     how rarely: the part of the requests that wait no longer
  max=N          connections that the backend grants this process
  timeout=3s     acquire_timeout
  requests=60000 requests to simulate; 0 for none
  seed=7         of their randomness";

/// What was asked.
#[derive(Debug)]
struct Question {
    load: Load,
    wait: f64,
    share: f64,
    max: Option<u32>,
    timeout: f64,
    requests: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument.contains("help")) {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Question::read(&arguments) {
        Ok(question) => question.answer(),
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

impl Question {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut question = Question {
            load: Load {
                rate: 400.0,
                hold: 0.012,
            },
            wait: 0.02,
            share: 0.99,
            max: None,
            timeout: 3.0,
            requests: 60_000,
            seed: 7,
        };
        for argument in arguments {
            let (name, value) = argument
                .split_once('=')
                .ok_or_else(|| format!("`{argument}` is not NAME=VALUE"))?;
            let number = || {
                value
                    .parse::<f64>()
                    .map_err(|_| format!("{name}: `{value}` is no number"))
            };
            match name {
                "rate" => question.load.rate = number()?,
                "hold" => question.load.hold = seconds(value)?,
                "wait" => question.wait = seconds(value)?,
                "share" => question.share = number()?,
                "max" => question.max = Some(number()? as u32),
                "timeout" => question.timeout = seconds(value)?,
                "requests" => question.requests = number()? as usize,
                "seed" => question.seed = number()? as u64,
                _ => return Err(format!("there is no `{name}`")),
            }
        }
        let Question { load, share, max, .. } = &question;
        if !(load.rate > 0.0 && load.hold > 0.0 && question.timeout > 0.0) {
            return Err("rate, hold and timeout must be more than 0".to_owned());
        }
        if !(0.5..1.0).contains(share) {
            return Err("share must be from 0.5 to less than 1".to_owned());
        }
        if (1..1_000).contains(&question.requests) {
            return Err("fewer than 1000 requests say nothing: 0 for none".to_owned());
        }
        if *max == Some(0) || load.erlangs() >= 60_000.0 {
            return Err("a pool has from 1 to 65536 connections".to_owned());
        }
        Ok(question)
    }

    fn answer(&self) -> ExitCode {
        let Question { load, wait, share, .. } = *self;
        let most = self.max.unwrap_or(65_536);
        println!(
            "{:.0} requests a second, each holding a connection for {}: {:.1} in use on average (Little's law)\n",
            load.rate,
            time(load.hold),
            load.erlangs()
        );
        let wanted = load.limit_for(share, wait, most);
        let limit = wanted.unwrap_or(most);
        self.table(limit, most);
        match wanted {
            Some(limit) => println!(
                "\nlimit {limit}: the lowest at which {} waits {} at most",
                part(share),
                time(wait)
            ),
            None if load.utilisation(most) < 1.0 => println!(
                "\nlimit {most}: all that there are, and {} waits up to {}; shorten the holds",
                part(share),
                time(load.wait_at(share, most))
            ),
            None => {
                println!(
                    "\n{most} connections cannot do this work: {:.1} are in use on average",
                    load.erlangs()
                );
                return ExitCode::FAILURE;
            }
        }
        let queue_limit = match load.queue_limit(share, self.timeout, limit) {
            0 => {
                println!(
                    "queue_limit: even the first in line may wait longer than {}",
                    time(self.timeout)
                );
                None
            }
            most => {
                println!(
                    "queue_limit {most}: the last in a line of so many is still served within {}, {} of the time",
                    time(self.timeout),
                    part(share)
                );
                Some(most)
            }
        };
        if self.requests == 0 {
            return ExitCode::SUCCESS;
        }
        self.check(limit, queue_limit)
    }

    /// What the limits around the suggested one would do.
    fn table(&self, suggested: u32, most: u32) {
        let Question { load, share, .. } = *self;
        println!(
            "  limit  in use  must wait  mean wait  {:>9}  the same, with 20 % more requests",
            label(share)
        );
        let least = load.least_limit().min(most);
        let step = ((suggested.saturating_sub(least) + 4) / 6).max(1);
        let mut limits: Vec<u32> = (least..=suggested.saturating_add(2 * step))
            .step_by(step as usize)
            .chain([suggested])
            .filter(|&limit| limit <= most)
            .collect();
        limits.sort_unstable();
        limits.dedup();
        for limit in limits {
            println!(
                "{}{limit:>6}  {:>5.0}%  {:>8.1}%  {:>9}  {:>9}  {:>9}",
                if limit == suggested { ">" } else { " " },
                100.0 * load.utilisation(limit),
                100.0 * load.waits(limit),
                time(load.mean_wait(limit)),
                time(load.wait_at(share, limit)),
                time(load.times(1.2).wait_at(share, limit)),
            );
        }
    }

    /// Drives a real pool with the suggestion: under this load, and under one that is too much for any line.
    fn check(&self, limit: u32, queue_limit: Option<u32>) -> ExitCode {
        let Question { load, share, .. } = *self;
        let trial = Trial {
            load,
            limit,
            queue_limit,
            timeout: self.timeout,
            share,
            requests: self.requests,
            seed: self.seed,
        };
        let seen = trial.run();
        println!(
            "\na pool with these, {} requests     predicted  simulated",
            self.requests
        );
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let row = |name: &str, predicted: f64, seen: Measured, show: &dyn Fn(f64) -> String| {
            println!(
                "  {name:<30} {:>12}  {:>9} ± {}",
                show(predicted),
                show(seen.value),
                show(seen.error)
            );
        };
        row("in use", load.utilisation(limit), seen.utilisation, &percent);
        row("must wait", load.waits(limit), seen.waits, &percent);
        row("mean wait", load.mean_wait(limit), seen.mean_wait, &time);
        row(&label(share), load.wait_at(share, limit), seen.wait_at, &time);
        // The error is two standard errors; three may be chance.
        let off = (seen.waits.value - load.waits(limit)).abs() > 1.5 * seen.waits.error + 0.001;
        println!(
            "  {}",
            if off {
                "they differ by more than chance: too few requests, or the line's limit or the timeout cut waits short"
            } else {
                "they agree"
            }
        );
        self.overload(trial);
        if off { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Half as many requests again as the pool can serve: with the line's limit, and without.
    fn overload(&self, trial: Trial) {
        let most = f64::from(trial.limit) / trial.load.hold;
        // Half of them for the line to fill, the others while it is full.
        let requests = (6.0 * most * trial.timeout).max(1_000.0) as usize;
        if requests > 100_000 || trial.queue_limit.is_none() {
            return;
        }
        let rate = 1.5 * most;
        println!(
            "\nthe same pool under {rate:.0} requests a second, half as many again as it can serve, {requests} in all"
        );
        for queue_limit in [None, trial.queue_limit] {
            let load = Load { rate, ..trial.load };
            let seen = Trial {
                load,
                requests,
                queue_limit,
                ..trial
            }
            .run();
            let name = queue_limit.map_or("no queue_limit".to_owned(), |most| format!("queue_limit {most}"));
            println!(
                "  {name:<18} {:>6} refused at once, {:>6} failed after {}",
                seen.refused,
                seen.timed_out,
                time(self.timeout)
            );
        }
    }
}

/// `20ms` in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let read = units
        .iter()
        .find_map(|(unit, size)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * size));
    read.filter(|time| (0.0..1e6).contains(time))
        .ok_or_else(|| format!("`{text}` is no time: 20ms, 3s"))
}

/// Three digits and a unit.
fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        _ if seconds.is_infinite() => return "endless".to_owned(),
        0.0 => return "0".to_owned(),
        _ if seconds < 0.9995e-3 => (seconds * 1e6, "us"),
        _ if seconds < 0.9995 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    let number = format!("{value:.digits$}");
    let short = match number.trim_end_matches('0') {
        cut if number.contains('.') => cut.trim_end_matches('.'),
        _ => &number,
    };
    format!("{short} {unit}")
}

fn part(share: f64) -> String {
    format!("{}%", (share * 1e5).round() / 1e3)
}

fn label(share: f64) -> String {
    format!("p{} wait", (share * 1e5).round() / 1e3)
}
