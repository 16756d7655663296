//! `wrk`, who asks.

use super::rig::KEY;
use std::process::Command;
use std::time::Duration;

/// Whether it can be asked at all.
pub(crate) fn is_there() -> Result<(), String> {
    match Command::new("wrk").arg("--version").output() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("wrk does not start ({error}); on Debian: apt-get install wrk")),
    }
}

/// Requests a second. Every answer must be good.
pub(crate) fn ask(url: &str, time: Duration) -> f64 {
    // It takes whole seconds only.
    let seconds = time.as_secs_f64().ceil();
    let output = Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}s")])
        .args(["-H", &format!("authorization: {KEY}"), url])
        .output()
        .expect("wrk starts");
    let said = String::from_utf8_lossy(&output.stdout);
    for bad in ["Non-2xx", "Socket errors"] {
        assert!(!said.contains(bad), "{url}: {said}");
    }
    let rate = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"))
        .and_then(|rate| rate.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("wrk told no rate: {said} {}", String::from_utf8_lossy(&output.stderr)))
}
