//! Redis through a pool: whatever state one lease leaves its connection in, the next one sees none of it.
#![cfg(feature = "redis")]

mod redis;
mod servers;

use fairpool::Manager;
use fairpool::drivers::redis::redis::aio::ConnectionLike;
use fairpool::drivers::redis::redis::{Value, cmd};
use fairpool::drivers::redis::{Redis, Reset};
use redis::{NEVER, Outcome, PROTOCOLS, begin, driver, leaves_nothing, pool, state, words};

#[tokio::test]
async fn what_a_lease_leaves_in_its_connection_is_undone_and_the_connection_kept() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    server.cli(&["ACL", "SETUSER", "other", "on", ">pass", "~*", "&*", "+@all"]);
    for protocol in PROTOCOLS {
        for lines in [
            &["MULTI"][..],
            &["MULTI", "SET a 1"],
            &["MULTI", "NOSUCH"],
            &["WATCH a"],
            &["WATCH a", "MULTI", "GET a"],
            &["SELECT 5"],
            &["select 5"],
            &["AUTH other pass"],
            &["AUTH other wrong"],
            &["HELLO 3"],
            &["HELLO 2"],
            &["HELLO 3 AUTH other pass SETNAME x"],
            &["CLIENT SETNAME x"],
            &["CLIENT TRACKING ON"],
            &["CLIENT TRACKING ON BCAST PREFIX a"],
            &["CLIENT TRACKING ON OPTIN", "CLIENT CACHING YES"],
            &["READONLY"],
            &["ASKING"],
            &["SUBSCRIBE a"],
            &["SUBSCRIBE a b c"],
            &["PSUBSCRIBE a* b*"],
            &["SSUBSCRIBE a"],
            &["SUBSCRIBE a b", "UNSUBSCRIBE"],
            &["RESET"],
            &["NOSUCH COMMAND"],
            &["SELECT 5", "MULTI", "SUBSCRIBE a", "SET b 1"],
        ] {
            let kept = leaves_nothing(&server, protocol, lines).await?;
            assert!(kept, "{protocol}: {lines:?}: a new connection");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_no_reset_undoes_ends_the_connection() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        for lines in [
            &["MONITOR"][..],
            &["CLIENT NO-EVICT ON"],
            &["CLIENT SETINFO LIB-NAME x"],
            &["SCRIPT DEBUG YES"],
            &["QUIT"],
        ] {
            let kept = leaves_nothing(&server, protocol, lines).await?;
            assert!(!kept, "{protocol}: {lines:?}: the same connection");
        }
    }
    Ok(())
}

#[tokio::test]
async fn switching_answers_off_ends_the_connection() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for (protocol, how) in PROTOCOLS.into_iter().zip(["OFF", "SKIP"]) {
        let pool = pool(driver(&server, protocol));
        let mut conn = pool.acquire().await?;
        let mut reply = cmd("CLIENT");
        reply.arg("REPLY").arg(how).set_no_response(true);
        reply.exec_async(&mut *conn).await?;
        drop(conn);
        let echo: String = cmd("ECHO").arg("mine").query_async(&mut *pool.acquire().await?).await?;
        assert_eq!(echo, "mine");
        assert_eq!(pool.status().totals.opened, 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_dirty_question_that_nobody_waited_for_is_undone_as_well() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        for line in [
            "MULTI",
            "WATCH a",
            "SELECT 5",
            "SUBSCRIBE a b",
            "CLIENT SETNAME x",
            "NOSUCH",
        ] {
            let pool = pool(driver(&server, protocol));
            let mut conn = pool.acquire().await?;
            let before = state(&mut conn).await?;
            begin(conn.req_packed_command(&words(line)));
            drop(conn);
            let mut conn = pool.acquire().await?;
            assert_eq!(state(&mut conn).await?, before, "{protocol}: {line}");
            assert_eq!(pool.status().totals.opened, 1, "{protocol}: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_cheaper_reset_leaves_what_it_says_and_a_dearer_one_does_it_always() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let never = pool(driver(&server, "resp2").reset(Reset::Never));
    words("SELECT 5").exec_async(&mut *never.acquire().await?).await?;
    let mut conn = never.acquire().await?;
    assert!(state(&mut conn).await?.contains("db=5"));
    begin(conn.req_packed_command(&words("ECHO cancelled")));
    drop(conn);
    let mine: String = cmd("ECHO")
        .arg("mine")
        .query_async(&mut *never.acquire().await?)
        .await?;
    assert_eq!(mine, "mine");

    let always = pool(driver(&server, "resp2").reset(Reset::Always));
    let before = state(&mut *always.acquire().await?).await?;
    assert_eq!(state(&mut *always.acquire().await?).await?, before);
    always.drain(NEVER).await;
    assert!(server.cli(&["INFO", "commandstats"]).contains("cmdstat_reset:calls=2,"));

    let vouched = driver(&server, "resp2").harmless(["dbsize2", "Object"]);
    let mut conn = vouched.connect().await?;
    let _ = words("DBSIZE2").query_async::<Value>(&mut conn).await;
    assert!(Manager::reset(&vouched, &mut conn).is_none());
    Ok(())
}

#[tokio::test]
async fn where_a_reset_cannot_be_made_or_checked_the_connection_is_closed_instead() -> Outcome {
    // RESET itself cannot be forbidden to a user, but a server before 6.2 does not know it.
    for (options, right) in [(&["--rename-command", "RESET", ""][..], "+@all"), (&[], "-ping")] {
        let Some(server) = servers::redis::Redis::start(options) else {
            return Ok(());
        };
        let user = ["ACL", "SETUSER", "bound", "on", ">pass", "~*", "&*", "+@all", right];
        server.cli(&user);
        let url = format!("redis://bound:pass@127.0.0.1:{}", server.port);
        let pool = pool(Redis::from_url(&url)?);
        words("SELECT 5").exec_async(&mut *pool.acquire().await?).await?;
        assert!(state(&mut *pool.acquire().await?).await?.contains("db=0"));
        assert_eq!(pool.status().totals.opened, 2, "{options:?} {right}");
        // Without a right to ping, a connection is sound all the same.
        let driver = Redis::from_url(&url)?;
        driver.validate(&mut driver.connect().await?).await?;
    }
    Ok(())
}
