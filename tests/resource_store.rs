//! The stores of the resource API: what every store promises, asked of the one in memory and the one in a file.
#![cfg(all(feature = "resource", feature = "sqlite"))]

mod store;

use fairpool::resource::store::{Change, Document, Kind, Store, StoreError, Version};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::task::{Context, Waker};
use store::{Home, Outcome, body, create, delete, insert, one, record, update};

/// What serde_json rounds or sorts when it reads a value, and what SQLite could stumble on.
const AWKWARD: [&str; 5] = [
    r#"{"b":1,"a":2,"b":3}"#,
    "2.2250738585072011e-308",
    "123456789012345678901234567890",
    r#""\u0000\ud83d\ude00 ' \" ; --""#,
    " [ ] ",
];

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_to_the_letter() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        assert_eq!(store.load().await?.version, Version::new(0));
        for (number, text) in AWKWARD.iter().enumerate() {
            let body = Document::from_text((*text).to_owned())?;
            let key = format!("\0 ' {number} é");
            let kind = Kind::ALL[number];
            one(&*store, Change::Insert { kind, key, body }).await?;
        }
        let before = store.load().await?;
        store.close().await;
        let after = home.open().await?.load().await?;
        assert_eq!(before, after);
        assert_eq!(after.version, Version::new(5));
        let texts: Vec<&str> = after.records.iter().map(|record| record.body.text()).collect();
        assert_eq!(texts, AWKWARD);
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_with_one_refused_change_changes_nothing() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        let first = one(&*store, insert(Kind::Connector, "a", json!(1))).await?.version;
        let before = store.load().await?;
        let refused = [
            insert(Kind::Connector, "a", json!(2)),
            update(Kind::Connector, "none", first, json!(2)),
            update(Kind::Connector, "a", Version::new(77), json!(2)),
            delete(Kind::Topic, "a", first),
            delete(Kind::Connector, "a", Version::new(0)),
        ];
        for change in refused {
            let good = [
                create(Kind::ConnectionPool, json!(2)),
                insert(Kind::Topic, "7", json!(2)),
                update(Kind::Connector, "a", first, json!(2)),
            ];
            let error = store.commit([&good[..], &[change]].concat()).await;
            assert!(matches!(error, Err(StoreError::Conflict { .. })), "{error:?}");
            assert_eq!(store.load().await?, before);
        }
        let made = store
            .commit(vec![
                create(Kind::ConnectionPool, json!(3)),
                create(Kind::Topic, json!(3)),
            ])
            .await?;
        assert_eq!(made.created, ["1", "1"]);
        assert_eq!(made.version, Version::new(2));
    }
    Ok(())
}

#[tokio::test]
async fn a_number_is_drawn_once_whatever_was_deleted_or_restarted() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        let pools = vec![
            create(Kind::ConnectionPool, json!(1)),
            create(Kind::ConnectionPool, json!(2)),
        ];
        let made = store.commit(pools).await?;
        assert_eq!(made.created, ["1", "2"]);
        one(&*store, delete(Kind::ConnectionPool, "2", made.version)).await?;
        store.close().await;
        let store = home.open().await?;
        assert_eq!(
            one(&*store, create(Kind::ConnectionPool, json!(3))).await?.created,
            ["3"]
        );
        one(&*store, insert(Kind::ConnectionPool, "8", json!(8))).await?;
        one(&*store, insert(Kind::ConnectionPool, "5", json!(5))).await?;
        assert_eq!(
            one(&*store, create(Kind::ConnectionPool, json!(9))).await?.created,
            ["9"]
        );

        one(&*store, insert(Kind::ConnectionPool, &i64::MAX.to_string(), json!(0))).await?;
        let none = one(&*store, create(Kind::ConnectionPool, json!(0))).await;
        assert!(matches!(none, Err(StoreError::Exhausted { .. })), "{none:?}");
        store.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_was_deleted_and_made_anew_is_another_one_to_a_late_writer() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        let first = one(&*store, insert(Kind::Connection, "db", json!(1))).await?.version;
        let anew = [
            delete(Kind::Connection, "db", first),
            insert(Kind::Connection, "db", json!(2)),
        ];
        let second = store.commit(anew.to_vec()).await?.version;
        let late = one(&*store, update(Kind::Connection, "db", first, json!(3))).await;
        let Err(StoreError::Conflict { expected, found, .. }) = late else {
            panic!("{late:?}")
        };
        assert_eq!((expected, found), (Some(first), Some(second)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_different_fields_lose_none() -> Outcome {
    const WRITERS: usize = 8;
    const ROUNDS: u64 = 12;
    for home in Home::both() {
        let store: Arc<dyn Store> = home.open().await?.into();
        one(&*store, insert(Kind::ConnectionSettings, "p", json!({}))).await?;
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut conflicts = 0_u32;
                for round in 1..=ROUNDS {
                    loop {
                        let found = record(&*store, Kind::ConnectionSettings, "p")
                            .await?
                            .expect("the record");
                        let mut fields: Value = found.body.read().expect("an object");
                        fields[format!("field {writer}")] = json!(round);
                        match one(&*store, update(found.kind, "p", found.version, fields)).await {
                            Err(StoreError::Conflict { .. }) => conflicts += 1,
                            outcome => break outcome.map(drop)?,
                        }
                        tokio::task::yield_now().await;
                    }
                }
                Ok::<u32, StoreError>(conflicts)
            })
        });
        let mut conflicts = 0;
        for writer in join_all(writers).await {
            conflicts += writer??;
        }
        let is_file = matches!(home, Home::File(_));
        assert!(conflicts > 0 || !is_file, "no two writers ever met");
        store.close().await;
        let kept = record(&*home.open().await?, Kind::ConnectionSettings, "p")
            .await?
            .expect("the record");
        let fields: Value = kept.body.read()?;
        assert!(
            (0..WRITERS).all(|writer| fields[format!("field {writer}")] == json!(ROUNDS)),
            "{fields}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_whose_future_is_dropped_is_whole_or_not_there() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        for polls in 0..40_u32 {
            let changes = (0..20).map(|_| create(Kind::Topic, json!(polls))).collect();
            let mut commit = store.commit(changes);
            for _ in 0..polls {
                if commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(commit);
            let records = store.load().await?.records;
            let here = records
                .iter()
                .filter(|record| record.body == body(json!(polls)))
                .count();
            assert!(here == 0 || here == 20, "{here} of 20 after {polls} polls");
        }
        store.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn no_secret_is_in_debug_or_in_an_error() -> Outcome {
    for home in Home::both() {
        let store = home.open().await?;
        let change = insert(Kind::Connection, "db", json!({"passphrase": "hunter2"}));
        let mut seen = format!("{change:?}");
        one(&*store, change.clone()).await?;
        let refused = one(&*store, change).await.expect_err("it exists");
        let loaded = store.load().await?;
        let misread = loaded.records[0].body.read::<Vec<u8>>().expect_err("an object");
        let wrong = loaded.records[0]
            .body
            .read::<std::collections::BTreeMap<String, u8>>()
            .expect_err("a string");
        seen += &format!("{refused} {refused:?} {loaded:?} {store:?} {misread} {misread:?} {wrong} {wrong:?}");
        assert!(seen.contains("\"db\"") && !seen.contains("hunter2"), "{seen}");
    }
    Ok(())
}

#[test]
fn a_document_that_could_not_be_read_again_is_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::from_text(deep(127)).is_ok());
    assert!(Document::from_text(deep(128)).is_err());
    let nested: Value = serde_json::from_str(&deep(127)).expect("JSON");
    assert!(Document::new(&json!({"decoratorOptions": nested})).is_err());
    for bad in ["", "{", "nonsense", "1 2"] {
        assert!(Document::from_text(bad.to_owned()).is_err(), "{bad}");
    }
}
