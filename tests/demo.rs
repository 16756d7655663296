//! The demo as its user meets it: the built binary, its output, its files and its exit codes, with small numbers.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// Few tasks for a moment, which is still some hundred operations.
const SMALL: [&str; 6] = ["--tasks", "24", "--limit", "4", "--seconds", "0.2"];

fn demo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairpool"));
    command.arg("demo").args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn small() -> Command {
    demo(SMALL)
}

fn output(mut command: Command) -> Output {
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The last line of standard output, of a run that went well and said nothing else.
fn json(output: &Output) -> Value {
    assert_eq!(text(&output.stderr), "");
    let last = text(&output.stdout).lines().last().expect("a line");
    serde_json::from_str(last).expect("JSON")
}

/// A run that refused: what its one line says.
fn refusal(output: &Output, code: i32) -> &str {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    let line = text(&output.stderr);
    assert!(
        line.ends_with('\n') && line.lines().count() == 1,
        "not one line: {line:?}"
    );
    assert!(line.starts_with("error: ") && !line.contains('\x1b'), "{line:?}");
    line.trim_end()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("UTF-8");
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn the_report_has_every_figure_in_80_columns_and_no_control_characters() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = small();
    command.args(["--file", "a.db"]).current_dir(&folder);
    let output = output(command);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let report = text(&output.stdout);
    assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
    for line in report.lines() {
        assert!(line.chars().count() <= 80, "too long: {line}");
    }
    for figure in [
        "24 tasks on 4 connections",
        "100,000 rows",
        "throughput ",
        "p99.9 ",
        "wait for the pool ",
        "time in the database ",
        "share of a task ",
        "overtakings        0 in ",
        "connections        ",
        "resize             4 to 1",
        "resize             1 to 4",
        "clear ",
        "drain ",
        "100,000,000 in all, as before ",
    ] {
        assert!(report.contains(figure), "no {figure:?} in:\n{report}");
    }
}

#[test]
fn json_has_the_same_figures_and_they_agree_with_each_other() {
    let mut command = small();
    command.arg("--json");
    let output = output(command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 1);
    let all = json(&output);
    let number = |pointer: &str| {
        let value = all.pointer(pointer).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("no number {pointer} in {all}"))
    };

    assert_eq!(
        (number("/setup/tasks"), number("/setup/limit"), number("/setup/rows")),
        (24.0, 4.0, 1e5)
    );
    let kinds = number("/load/point_reads") + number("/load/range_reads") + number("/load/writes");
    assert!(
        number("/load/operations") > 100.0 && number("/load/operations") == kinds,
        "{all}"
    );
    assert!(number("/load/throughput_per_s") > 0.0);
    for spread in ["wait_us", "database_us", "point_read_us", "range_read_us", "write_us"] {
        let at = ["p50", "p99", "p99_9", "max"].map(|part| number(&format!("/load/{spread}/{part}")));
        assert!(at[0] > 0.0 && at.is_sorted(), "{spread}: {at:?}");
    }
    assert!(number("/load/share/smallest") > 0.0 && number("/load/share/ratio") <= 1.0);
    assert!((1.0..=4.0).contains(&number("/load/connections_opened")));

    for part in ["load", "whole_run"] {
        assert_eq!(number(&format!("/{part}/overtakings")), 0.0);
        let (grants, overlaps) = (number(&format!("/{part}/grants")), number(&format!("/{part}/overlaps")));
        assert!(
            overlaps > grants / 2.0,
            "{overlaps} of {grants} grants met a line, which proves little"
        );
    }
    assert_eq!(
        (
            number("/resizes/0/from"),
            number("/resizes/0/to"),
            number("/resizes/1/to")
        ),
        (4.0, 1.0, 4.0)
    );
    assert!(number("/clear/removed") > 0.0 && number("/clear/removed") == number("/clear/told"));
    assert_eq!(all.pointer("/drain/completed"), Some(&Value::Bool(true)));
    assert_eq!((number("/drain/failed"), number("/drain/still_out")), (0.0, 0.0));
    assert!(number("/whole_run/operations") > number("/load/operations"));
    assert_eq!(number("/whole_run/balances"), 1e8);
    assert_eq!(all["interrupted"], false);
}

#[test]
fn a_bad_option_is_one_line() {
    for (bad, why) in [
        (["--tasks", "0"], "0 is not in 1..=100000"),
        (["--tasks", "many"], "invalid digit"),
        (["--limit", "0"], "0 is not in 1..=65536"),
        (["--limit", "70000"], "70000 is not in 1..=65536"),
        (["--limit", "-1"], "-1 is not in"),
        (["--seconds", "0"], "0 is not in 0.1..=3600"),
        (["--seconds", "NaN"], "NaN is not in"),
        (["--seconds", "soon"], "not a number"),
        (["--json", "--no-such-option"], "unexpected argument '--no-such-option'"),
        (["--json", "--file"], "a value is required"),
    ] {
        let output = output(demo(bad));
        let line = refusal(&output, 2);
        assert!(line.contains(why), "{bad:?}: {line}");
    }
}

#[test]
fn a_file_that_cannot_be_made_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("written");
    for (name, why) in [
        ("missing/a.db", "cannot make "),
        ("file/a.db", "cannot "),
        (".", " is a directory"),
        ("..", " is a directory"),
    ] {
        let file = path(folder.path(), name);
        let output = output(demo(["--file", &file]));
        let line = refusal(&output, 1);
        assert!(line.contains(why) && line.contains(&file), "{line}");
    }
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_file_of_somebody_else_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut database = b"SQLite format 3\0".to_vec();
    database.resize(8192, 0);
    for content in [&b""[..], b"dear diary\n", &[0xff; 5000], &database] {
        let file = path(folder.path(), "a.db");
        fs::write(&file, content).expect("written");
        let output = output(demo(["--file", &file, "--json"]));
        let line = refusal(&output, 1);
        assert!(line.contains("is not a database of this demo"), "{line}");
        assert_eq!(fs::read(&file).expect("still there"), content);
    }
    assert_eq!(names(folder.path()), ["a.db"]);
}

#[test]
fn a_file_is_kept_and_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = path(folder.path(), "a.db");
    let mut writes = 0.0;
    for is_new in [true, false] {
        let mut command = small();
        command.args(["--json", "--file", &file]);
        let all = json(&output(command));
        assert_eq!(all["setup"]["made_in_ms"].is_number(), is_new, "{all}");
        assert_eq!(all["setup"]["file"], *file);
        assert_eq!(all["whole_run"]["balances"], 100_000_000);
        writes += all["whole_run"]["writes"].as_f64().expect("a number");
        assert_eq!(names(folder.path()), ["a.db"], "the log was taken back into the file");
    }
    assert!(writes > 0.0);
}

#[test]
fn a_file_of_another_version_of_the_demo_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = path(folder.path(), "a.db");
    let mut command = small();
    command.args(["--file", &file]);
    assert!(output(command).status.success());
    let mut content = fs::read(&file).expect("there");
    content[63] += 1;
    fs::write(&file, &content).expect("written");
    let output = output(demo(["--file", &file]));
    assert!(refusal(&output, 1).contains("another version"));
    assert_eq!(fs::read(&file).expect("still there"), content);
}

#[test]
fn a_reader_that_goes_away_is_no_failure_to_speak_of() {
    let mut child = small().spawn().expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), ""));
}

#[cfg(unix)]
mod interrupted {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    fn send(signal: &str, child: &Child) {
        let pid = child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid])
            .status();
        assert!(sent.expect("a shell").success());
    }

    /// Starts a run that would take a minute, interrupts it under load, and returns the exit code and the report.
    fn under_load(signal: &str) -> (Option<i32>, String) {
        let mut child = demo(["--tasks", "24", "--limit", "4", "--seconds", "60"])
            .spawn()
            .expect("the binary runs");
        let mut report = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        while !text.contains("operations") {
            assert!(
                report.read_line(&mut text).expect("UTF-8") > 0,
                "it ended early: {text}"
            );
        }
        sleep(Duration::from_millis(300));
        let sent = Instant::now();
        send(signal, &child);
        report.read_to_string(&mut text).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert!(
            sent.elapsed() < Duration::from_secs(20),
            "it went on for {:?}",
            sent.elapsed()
        );
        (status.code(), text)
    }

    #[test]
    fn ctrl_c_drains_and_prints_what_there_is() {
        let (code, report) = under_load("INT");
        assert_eq!(code, Some(130), "{report}");
        for part in [
            "wait for the pool ",
            "share of a task ",
            "drain ",
            "0 failed",
            "as before",
            "\nInterrupted",
        ] {
            assert!(report.contains(part), "no {part:?} in:\n{report}");
        }
        assert!(!report.contains("resize") && !report.contains("clear"), "{report}");
    }

    #[test]
    fn a_request_to_terminate_does_the_same() {
        let (code, report) = under_load("TERM");
        assert_eq!(code, Some(143), "{report}");
        assert!(report.contains("drain "), "{report}");
    }

    #[test]
    fn ctrl_c_while_the_database_is_made_leaves_no_half_of_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = path(folder.path(), "a.db");
        let child = demo(["--seconds", "60", "--json", "--file", &file])
            .spawn()
            .expect("the binary runs");
        while names(folder.path()).is_empty() {
            sleep(Duration::from_millis(1));
        }
        send("INT", &child);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(json(&output)["interrupted"], true);
        // Had it been faster than the signal, the file is complete.
        let left = names(folder.path());
        assert!(left.is_empty() || left == ["a.db"], "{left:?}");
    }
}
