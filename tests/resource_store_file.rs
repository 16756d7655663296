//! The file of a store: who may open it, what is refused and left alone, and what becomes of it under an open store.
#![cfg(all(unix, feature = "resource", feature = "sqlite"))]

mod store;

use fairpool::drivers::sqlite::rusqlite::Connection;
use fairpool::resource::store::sqlite::SqliteStore;
use fairpool::resource::store::{Kind, StoreError};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use store::{Home, Outcome, filler, insert, one};

const FILE: &str = "FAIRPOOL_TEST_STORE";

/// Another process is this test, with a file to open; without, it is one of them.
const VISITOR: &str = "a_visitor_of_a_file_that_nobody_has_open_writes_to_it";

#[tokio::test]
async fn a_visitor_of_a_file_that_nobody_has_open_writes_to_it() -> Outcome {
    if let Some(file) = std::env::var_os(FILE) {
        println!("\n{}", seen(Path::new(&file)).await);
        return Ok(());
    }
    let home = Home::file();
    let said = seen(&home.path()).await;
    assert!(said.starts_with("visited true"), "{said}");
    Ok(())
}

/// Opens the store, writes to it and says what came of it.
async fn seen(file: &Path) -> String {
    match SqliteStore::open(file).await {
        Ok(store) => {
            let modes = modes(file.parent().expect("a directory"));
            let wrote = one(&store, insert(Kind::Topic, "visitor", json!(1))).await;
            format!("visited {} {modes:?}", wrote.is_ok())
        }
        Err(error) => format!("refused {error}"),
    }
}

/// What the visitor said, under this umask.
fn visit(file: &Path, umask: &str) -> String {
    let test = std::env::current_exe().expect("this test");
    let script = format!("umask {umask}; exec \"$0\" --exact {VISITOR} --nocapture");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(test)
        .env(FILE, file)
        .output();
    let output = String::from_utf8(output.expect("a process").stdout).expect("text");
    let said = output
        .lines()
        .find(|line| line.starts_with("visited") || line.starts_with("refused"));
    said.unwrap_or_else(|| panic!("{output}")).to_owned()
}

fn modes(dir: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o7777;
        (entry.file_name().to_string_lossy().into_owned(), format!("{mode:o}"))
    });
    entries.collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

async fn refused(path: &Path) -> StoreError {
    match SqliteStore::open(path).await {
        Err(error) => {
            assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
            error
        }
        Ok(_) => panic!("{} was opened", path.display()),
    }
}

#[tokio::test]
async fn the_file_and_its_companions_are_the_owners_alone_whatever_the_umask() -> Outcome {
    for umask in ["000", "022", "077", "777"] {
        let home = Home::file();
        let said = visit(&home.path(), umask);
        assert!(said.contains("visited true"), "{umask}: {said}");
        assert!(
            said.contains(r#""fairpool.db": "600""#) && said.contains("-wal"),
            "{umask}: {said}"
        );
        assert_eq!(
            said.matches(": \"").count(),
            said.matches(": \"600\"").count(),
            "{umask}: {said}"
        );
        // The visitor ended without a close.
        let dir = home.path().parent().expect("a directory").to_owned();
        let store = home.open().await?;
        assert!(
            modes(&dir).values().all(|mode| mode == "600"),
            "{umask}: {:?}",
            modes(&dir)
        );
        store.close().await;
        let files: Vec<String> = modes(&dir).into_keys().collect();
        assert_eq!(files, ["fairpool.db"], "a close takes the log back");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_others_may_open_is_refused_and_not_narrowed() -> Outcome {
    let home = Home::file();
    let path = home.path();
    home.open().await?.close().await;
    for mode in [0o640, 0o604, 0o660, 0o666, 0o601] {
        set_mode(&path, mode);
        let error = refused(&path).await;
        assert!(
            matches!(error, StoreError::Exposed { mode: found, .. } if found == mode),
            "{error}"
        );
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o7777, mode);
    }
    let error = refused(&path).await.to_string();
    assert!(
        error.ends_with(&format!("(mode 0601): chmod 600 {}", path.display())),
        "{error}"
    );
    set_mode(&path, 0o600);
    let log = path.with_file_name("fairpool.db-wal");
    fs::write(&log, "")?;
    set_mode(&log, 0o644);
    assert!(matches!(refused(&path).await, StoreError::Exposed { .. }));
    fs::remove_file(&log)?;
    home.open().await?.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_and_a_second_store_are_refused_until_the_first_has_closed() -> Outcome {
    let home = Home::file();
    let path = home.path();
    let store = home.open().await?;
    one(&*store, insert(Kind::Topic, "first", json!(1))).await?;
    let said = visit(&path, "022");
    let expected = format!(
        "refused {} is in use by another process or another store",
        path.display()
    );
    assert!(said.ends_with(&expected), "{said}");
    assert!(matches!(refused(&path).await, StoreError::InUse { .. }));
    let link = path.with_file_name("link.db");
    symlink(&path, &link)?;
    let said = visit(&link, "022");
    assert!(said.contains("in use"), "by another name: {said}");

    // The refused ones took nothing from the first.
    let said = visit(&path, "022");
    assert!(said.contains("in use"), "{said}");
    one(&*store, insert(Kind::Topic, "second", json!(1))).await?;
    store.close().await;
    assert!(matches!(store.load().await, Err(StoreError::Closed { .. })));
    assert!(visit(&path, "022").contains("visited true"));
    assert_eq!(home.open().await?.load().await?.records.len(), 3);
    Ok(())
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() -> Outcome {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    fs::write(at("notes"), "a text, and a long one".repeat(100))?;
    fs::write(at("short"), "x")?;
    Connection::open(at("other"))?.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)")?;
    Connection::open(at("marked"))?.execute_batch("PRAGMA application_id = 252006674")?;
    Connection::open(at("counted"))?.execute_batch("PRAGMA user_version = 1")?;
    Connection::open(at("logged"))?.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (a)")?;
    for name in ["notes", "short", "other", "marked", "counted", "logged"] {
        set_mode(&at(name), 0o600);
        let before = fs::read(at(name))?;
        let error = refused(&at(name)).await;
        assert!(matches!(error, StoreError::Foreign { .. }), "{name}: {error:?}");
        assert_eq!(fs::read(at(name))?, before, "{name} was touched");
    }
    fs::create_dir(at("folder"))?;
    assert!(matches!(refused(&at("folder")).await, StoreError::Foreign { .. }));
    let error = refused(&at("none/fairpool.db")).await.to_string();
    assert!(error.contains(": no directory "), "{error}");
    let mut files: Vec<String> = modes(dir.path()).into_keys().collect();
    files.retain(|name| !name.starts_with("logged-"));
    assert_eq!(
        files,
        ["counted", "folder", "logged", "marked", "notes", "other", "short"]
    );
    Ok(())
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_both_numbers_and_left_as_it_is() -> Outcome {
    let home = Home::file();
    home.open().await?.close().await;
    Connection::open(home.path())?.execute_batch("PRAGMA user_version = 9")?;
    let before = fs::read(home.path())?;
    let error = refused(&home.path()).await.to_string();
    assert!(
        error.ends_with("its schema has version 9, this one knows up to 1"),
        "{error}"
    );
    assert_eq!(fs::read(home.path())?, before);
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() -> Outcome {
    let home = Home::file();
    let store = home.open().await?;
    for key in 0..40 {
        one(&*store, insert(Kind::Connection, &format!("c{key}"), filler(900))).await?;
    }
    store.close().await;
    let sound = fs::read(home.path())?;
    let page = |bytes: &mut Vec<u8>, number: usize| bytes[number * 4096..(number + 1) * 4096].fill(0x5a);
    let mut damaged = Vec::new();
    for number in [2, 4, 7] {
        damaged.push(sound.clone());
        page(damaged.last_mut().expect("one"), number);
    }
    damaged.push(sound[..sound.len() / 2].to_vec());
    for (number, bytes) in damaged.iter().enumerate() {
        fs::write(home.path(), bytes)?;
        let error = refused(&home.path()).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{number}: {error:?}");
        assert_eq!(&fs::read(home.path())?, bytes);
    }
    fs::write(home.path(), &sound)?;
    assert_eq!(home.open().await?.load().await?.records.len(), 40);
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_moved_or_replaced_is_written_no_more() -> Outcome {
    for put_back in [false, true] {
        let home = Home::file();
        let path = home.path();
        home.open().await?.close().await;
        let backup = fs::read(&path)?;
        let store = home.open().await?;
        one(&*store, insert(Kind::Topic, "a", json!(1))).await?;
        fs::rename(&path, path.with_file_name("away"))?;
        if put_back {
            fs::write(&path, &backup)?;
            set_mode(&path, 0o600);
            let _ = fs::remove_file(path.with_file_name("fairpool.db-wal"));
        }
        for _ in 0..3 {
            let late = one(&*store, insert(Kind::Topic, "b", json!(1))).await;
            assert!(matches!(late, Err(StoreError::Replaced { .. })), "{late:?}");
        }
        assert_eq!(path.exists(), put_back, "a missing file is not made anew");
    }
    Ok(())
}
