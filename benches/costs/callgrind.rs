//! How often each instruction of a program was executed, as callgrind writes it down.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// Executions by object file, then by the instruction's address in that file.
pub(crate) type Executions = HashMap<String, HashMap<u64, Executed>>;

pub(crate) struct Executed {
    pub(crate) times: u64,
    pub(crate) function: String,
}

/// Runs this very program with other arguments, and counts.
pub(crate) fn run(arguments: &[&str]) -> io::Result<Executions> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=yes", "--dump-line=no"])
        .args(["--compress-pos=no", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(parse(&std::fs::read_to_string(file)?))
}

fn parse(text: &str) -> Executions {
    let mut executions = Executions::new();
    let (mut object, mut function) = (String::new(), String::new());
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = name.to_owned();
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = name.to_owned();
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some((address, times)) = line.strip_prefix("0x").and_then(|line| line.split_once(' ')) {
            // The line after a call is what the callee cost, and counted there.
            let at_call = std::mem::take(&mut is_call);
            let counted = u64::from_str_radix(address, 16)
                .ok()
                .zip(times.trim().parse::<u64>().ok());
            if let (Some((address, times)), false) = (counted, at_call) {
                let of_object = executions.entry(object.clone()).or_default();
                let executed = of_object.entry(address).or_insert_with(|| Executed {
                    times: 0,
                    function: function.clone(),
                });
                executed.times += times;
            }
        }
    }
    executions
}
