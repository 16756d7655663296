//! The same in one process without sockets, and how many instructions a request is, as callgrind counts them.

use super::rig;
use super::subject::{By, SUBJECTS, Subject};
use std::process::Command;

/// What callgrind runs, to subtract the one from the other.
const FEW: u64 = 100;
const MANY: u64 = 600;

/// So many requests and nothing else.
pub(crate) fn once(arguments: &[String]) {
    let [name, times] = arguments else {
        panic!("usage: --once <subject> <number>")
    };
    let subject = SUBJECTS.iter().find(|subject| subject.name == name);
    run(
        subject.expect("a subject of this bench"),
        times.parse().expect("a number"),
    );
}

/// Each subject a few times, to see that it works.
pub(crate) fn try_out() {
    SUBJECTS.iter().for_each(|subject| run(subject, 3));
}

/// Instructions a request; `None` where there is no callgrind.
pub(crate) fn instructions(name: &str) -> Option<f64> {
    let collected = |number: u64| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--once", name, &number.to_string()])
            .output()
            .ok()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let collected = report.split_once("Collected : ")?.1.split_whitespace().next()?;
        collected.parse::<f64>().ok()
    };
    Some((collected(MANY)? - collected(FEW)?) / (MANY - FEW) as f64)
}

fn run(subject: &Subject, times: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let service = rig::service(&rig::registry().await);
        let router = match subject.by {
            By::Service => service,
            By::Bare | By::Axum => rig::bare(&service).await,
        };
        requests(&router, subject.path, times).await;
    });
}

#[inline(never)]
async fn requests(router: &axum::Router, target: &str, times: u64) {
    for _ in 0..times {
        std::hint::black_box(rig::ask(router, target).await);
    }
}
