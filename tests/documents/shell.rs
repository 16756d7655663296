//! A script in a shell: what is printed in a document is typed as it is.

use serde_json::Value;
use std::process::{Command, Stdio};

/// What the script's `curl` was answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Whether `curl` is here. Where it is not, a developer is told, and under `CI=true` the test fails.
pub(crate) fn has_curl() -> bool {
    let version = Command::new("curl").arg("--version").stdout(Stdio::null()).status();
    let is_here = version.is_ok_and(|status| status.success());
    if !is_here {
        let said = "curl is not installed; tests/run.sh --setup installs it";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{said}");
        eprintln!("skipped: {said}");
    }
    is_here
}

/// Runs a script with one `curl` in it. The shell's own `curl` is given what no sample says: not to look at the user's settings and
/// proxies, to end, and to tell the status after the body.
#[track_caller]
pub(crate) fn typed(script: &str) -> Said {
    let ours = "curl() { command curl -q --silent --show-error --noproxy '*' --max-time 60 \
                --write-out '\\n%{http_code} %{content_type}' \"$@\"; }";
    let output = Command::new("sh")
        .args(["-euc", &format!("{ours}\n{script}")])
        .output()
        .expect("a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{script}\n{errors}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let (text, last) = said.rsplit_once('\n').expect("a line after the body");
    let (status, kind) = last.split_once(' ').expect("a status and a type");
    Said {
        status: status.parse().expect("a status"),
        kind: kind.to_owned(),
        text: text.to_owned(),
    }
}
