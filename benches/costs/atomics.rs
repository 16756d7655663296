//! Which instructions are atomic read-modify-writes: those with a `lock` prefix, and `xchg` with memory, which is locked
//! without one. By `objdump`, for x86-64.

use std::collections::HashSet;
use std::io;
use std::process::Command;

/// The addresses of the atomic read-modify-writes of an object file.
pub(crate) fn addresses(object: &str) -> io::Result<HashSet<u64>> {
    let output = Command::new("objdump")
        .args(["--disassemble", "--wide", "--no-show-raw-insn", object])
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(atomic).collect())
}

fn atomic(line: &str) -> Option<u64> {
    let (address, instruction) = line.trim_start().split_once(":\t")?;
    let instruction = instruction.trim_start();
    let is_exchange = instruction.starts_with("xchg") && instruction.contains('(');
    let is_atomic = instruction.starts_with("lock ") || is_exchange;
    u64::from_str_radix(address, 16).ok().filter(|_| is_atomic)
}
