//! A process that writes is killed again and again, at seeded moments: what it acknowledged is there, and every commit is whole
//! or not there at all.
#![cfg(all(unix, feature = "resource", feature = "sqlite"))]

mod store;

use fairpool::resource::store::sqlite::SqliteStore;
use fairpool::resource::store::{Contents, Kind, Record, Store, Version};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use store::{Outcome, create, filler, insert, update};

const FILE: &str = "FAIRPOOL_TEST_STORE";
/// Records that every commit writes; each spans many pages, so that a kill can hit between the writes of a commit.
const PARTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const BYTES: usize = 60_000;
const ROUNDS: usize = 40;
/// So long that reaching it means failure.
const NEVER: Duration = Duration::from_secs(60);

/// The process that is killed is this test, with a file to write to; without, it is one of them.
const WRITER: &str = "a_writer_that_is_left_alone_acknowledges_every_commit";

#[tokio::test]
async fn a_writer_that_is_left_alone_acknowledges_every_commit() -> Outcome {
    if let Some(file) = std::env::var_os(FILE) {
        return write(Path::new(&file), u64::MAX).await;
    }
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("fairpool.db");
    write(&file, 7).await?;
    assert_eq!(reopened(&file).await?, 7);
    Ok(())
}

/// Commits until that number or until it is killed, and acknowledges each commit when it returned.
async fn write(file: &Path, last: u64) -> Outcome {
    let store = SqliteStore::open(file).await?;
    let contents = store.load().await?;
    let mut from = contents.version;
    let mut out = std::io::stdout();
    // The harness has begun a line.
    writeln!(out)?;
    for number in from.number() + 1..=last {
        let value = || json!({"commit": number, "filler": filler(BYTES)});
        let part = |key: &&str| match number {
            1 => insert(Kind::Connector, key, value()),
            _ => update(Kind::Connector, key, from, value()),
        };
        let mut changes: Vec<_> = PARTS.iter().map(part).collect();
        changes.insert(2, create(Kind::ConnectionPool, json!(number)));
        let committed = store.commit(changes).await?;
        assert_eq!(committed.created, [number.to_string()]);
        from = committed.version;
        writeln!(out, "ack {number}.")?;
    }
    store.close().await;
    Ok(())
}

/// A process that writes, and what it says. It ends with this.
struct Writer {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    acknowledged: u64,
}

impl Writer {
    /// Goes on after commit `last`.
    fn start(file: &Path, last: u64) -> Writer {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", WRITER, "--nocapture"]).env(FILE, file);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        Writer {
            child,
            said,
            acknowledged: last,
        }
    }

    /// Listens until this commit is acknowledged, or to the end.
    fn listen(&mut self, until: u64) {
        while self.acknowledged < until {
            let Some(line) = self.said.next() else { return };
            self.acknowledged = acknowledged(&line.expect("text")).unwrap_or(self.acknowledged);
        }
    }

    /// Kills it, and returns the last commit that it acknowledged.
    fn kill(mut self) -> u64 {
        self.child.kill().expect("a process to kill");
        self.listen(u64::MAX);
        self.acknowledged
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The commit that a line acknowledges. A kill may cut a line off, so a whole one has a full stop.
fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("ack ")?.strip_suffix('.')?.parse().ok()
}

/// What the store holds is commit `n` and all before it, for one `n`, which is returned.
fn whole(contents: &Contents) -> u64 {
    let number = contents.version.number();
    let of = |kind: Kind| contents.records.iter().filter(move |record| record.kind == kind);
    let parts: Vec<&Record> = of(Kind::Connector).collect();
    assert_eq!(parts.len(), if number == 0 { 0 } else { PARTS.len() });
    for part in parts {
        let body: Value = part.body.read().expect("JSON");
        assert_eq!(
            (part.version, &body["commit"]),
            (Version::new(number), &json!(number)),
            "{}",
            part.key
        );
        assert_eq!(body["filler"], filler(BYTES));
    }
    let mut pools: Vec<u64> = of(Kind::ConnectionPool)
        .map(|record| {
            let commit: u64 = record.body.read().expect("a number");
            assert_eq!(
                (record.key.clone(), record.version.number()),
                (commit.to_string(), commit)
            );
            commit
        })
        .collect();
    pools.sort_unstable();
    assert!(pools.into_iter().eq(1..=number), "a number is missing up to {number}");
    number
}

/// Of the file, its rollback journal and its log.
fn sizes(file: &Path) -> [Option<u64>; 3] {
    ["", "-journal", "-wal"].map(|suffix| {
        let name = format!("{}{suffix}", file.display());
        std::fs::metadata(name).ok().map(|found| found.len())
    })
}

async fn reopened(file: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let store = SqliteStore::open(file).await?;
    let number = whole(&store.load().await?);
    store.close().await;
    Ok(number)
}

#[tokio::test]
async fn a_kill_during_writes_leaves_each_commit_whole_or_undone_and_loses_none_that_was_acknowledged() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("fairpool.db");
    let mut seeded = fastrand::Rng::with_seed(5);
    let (mut kept, mut ahead) = (0, 0);
    for round in 0..ROUNDS {
        let mut writer = Writer::start(&file, kept);
        writer.listen(kept + seeded.u64(1..20));
        thread::sleep(Duration::from_micros(seeded.u64(0..3000)));
        let acknowledged = writer.kill();
        let found = reopened(&file).await?;
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "round {round}: {acknowledged} acknowledged, {found} found"
        );
        assert!(found > kept, "round {round}: nothing was written");
        ahead += found - acknowledged;
        kept = found;
    }
    println!("{kept} commits over {ROUNDS} kills; {ahead} were on the disk but not acknowledged yet");
    Ok(())
}

#[tokio::test]
async fn a_kill_while_the_file_is_made_leaves_one_that_opens() -> Outcome {
    let mut seeded = fastrand::Rng::with_seed(6);
    let mut states = BTreeMap::new();
    for round in 0..2 * ROUNDS {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("fairpool.db");
        let writer = Writer::start(&file, 0);
        // From the moment at which there is a file; or its log, into which the migration goes.
        let (awaited, window) = [("", 6000), ("-wal", 1500)][round % 2];
        let awaited = PathBuf::from(format!("{}{awaited}", file.display()));
        let since = Instant::now();
        while !awaited.exists() {
            assert!(since.elapsed() < NEVER, "the writer makes no file");
            thread::yield_now();
        }
        thread::sleep(Duration::from_micros(seeded.u64(0..window)));
        let acknowledged = writer.kill();
        *states.entry(sizes(&file)).or_insert(0) += 1;
        let found = reopened(&file).await?;
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "round {round}: {acknowledged} acknowledged, {found} found"
        );
    }
    println!("sizes of the files after the kill, and how often: {states:?}");
    assert!(states.len() > 1, "every kill came too late or too early: {states:?}");
    Ok(())
}

#[tokio::test]
async fn a_disk_that_takes_no_more_keeps_what_was_acknowledged() -> Outcome {
    for kilobytes in [60, 700, 1000, 3000] {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("fairpool.db");
        // The system refuses to let any file of the process grow further; `sh` counts in blocks of 512 bytes.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2);
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(std::env::current_exe()?);
        command.args(["--exact", WRITER, "--nocapture"]).env(FILE, &file);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        assert!(!output.status.success(), "{kilobytes} KB: no end of space: {said}");
        let acknowledged = said.lines().filter_map(acknowledged).next_back().unwrap_or(0);
        let found = reopened(&file).await?;
        assert_eq!(found, acknowledged, "{kilobytes} KB: {said}");
        assert!(said.contains(&*file.to_string_lossy()), "{said}");
        println!("{kilobytes} KB: {found} commits");
    }
    Ok(())
}
