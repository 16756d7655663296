//! Where and from what a figure was made. A fact that cannot be had says so.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Date, machine, compiler, commit, command and the versions of the peers.
pub(crate) struct Facts {
    date: String,
    lines: Vec<(&'static str, String)>,
}

impl Facts {
    /// `bench` names the bench target, `settings` the environment variables that change it, `peers` crates of the lock file.
    pub(crate) fn gather(bench: &str, settings: &[&str], peers: &[&str]) -> Facts {
        let date = today();
        let mut lines = vec![
            ("date", date.clone()),
            ("machine", machine()),
            ("kernel", output("uname", &["-sr"])),
            ("compiler", output("rustc", &["--version"])),
            ("commit", commit()),
            ("command", command(bench, settings)),
        ];
        if !peers.is_empty() {
            lines.push(("peers", versions(peers)));
        }
        Facts { date, lines }
    }

    pub(crate) fn date(&self) -> &str {
        &self.date
    }

    pub(super) fn lines(&self) -> Vec<(&'static str, &str)> {
        self.lines.iter().map(|(what, fact)| (*what, fact.as_str())).collect()
    }
}

fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let guest = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    format!(
        "{model}, {cores} cores{}",
        if guest { ", a virtual machine" } else { "" }
    )
}

fn commit() -> String {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"]);
    let changes = output("git", &["status", "--porcelain", "--", ":!benches/results"]);
    if changes.is_empty() {
        commit
    } else {
        format!("{commit} with changes")
    }
}

fn command(bench: &str, settings: &[&str]) -> String {
    let set = settings
        .iter()
        .filter_map(|name| std::env::var(name).ok().map(|value| format!("{name}={value} ")));
    // Cargo adds `--bench` by itself.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let rest = if arguments.is_empty() {
        String::new()
    } else {
        format!(" -- {}", arguments.join(" "))
    };
    format!("`{}cargo bench --bench {bench}{rest}`", set.collect::<String>())
}

fn versions(peers: &[&str]) -> String {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap_or_default();
    let version = |name: &&str| {
        let package = lock
            .split("[[package]]")
            .find(|package| package.contains(&format!("name = \"{name}\"")))?;
        let (_, rest) = package.split_once("version = \"")?;
        Some(format!("{name} {}", rest.split('"').next()?))
    };
    peers.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => format!("unknown ({program} did not say)"),
    }
}

/// Today in UTC, as `2026-01-31`.
fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (mut year, mut day) = (1970, seconds / 86_400);
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for days in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}
