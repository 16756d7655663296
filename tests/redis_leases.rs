//! Redis through a pool: what costs no reset, and answers that nobody waited for.
#![cfg(feature = "redis")]

mod redis;
mod servers;

use fairpool::Manager;
use fairpool::drivers::redis::redis::aio::ConnectionLike;
use fairpool::drivers::redis::redis::{AsyncCommands, Script, Value, cmd, pipe};
use redis::{Outcome, PROTOCOLS, begin, driver, pool, words};

#[tokio::test]
async fn what_leaves_nothing_costs_no_reset() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        let driver = driver(&server, protocol);
        let mut conn = driver.connect().await?;
        let () = conn.set("a", 1).await?;
        let _: i64 = conn.incr("a", 1).await?;
        let _: (i64, i64) = pipe().incr("a", 1).incr("a", 1).query_async(&mut conn).await?;
        let _: (i64, i64) = pipe().atomic().incr("a", 1).incr("a", 1).query_async(&mut conn).await?;
        let _: i64 = Script::new("return redis.call('INCR', KEYS[1])")
            .key("a")
            .invoke_async(&mut conn)
            .await?;
        let mut found = conn.scan::<String>().await?;
        while found.next_item().await.transpose()?.is_some() {}
        drop(found);
        for lines in [
            &["WATCH a", "MULTI", "GET a", "EXEC"][..],
            &["WATCH a", "UNWATCH"],
            &["WATCH a", "MULTI", "DISCARD"],
            &["MULTI", "NOSUCH", "EXEC"],
            &[
                "CLIENT ID",
                "CLIENT LIST",
                "SCRIPT FLUSH",
                "XREAD STREAMS s 0",
                "BLPOP none 0.001",
            ],
        ] {
            for line in lines {
                // A refusal leaves nothing either.
                let refused = words(line).query_async::<Value>(&mut conn).await.is_err();
                assert!(!refused || line.starts_with("NOSUCH") || *line == "EXEC", "{line}");
            }
            let unknown = lines.iter().any(|line| line.starts_with("NOSUCH"));
            assert_eq!(
                Manager::reset(&driver, &mut conn).is_some(),
                unknown,
                "{protocol}: {lines:?}"
            );
            if let Some(reset) = Manager::reset(&driver, &mut conn) {
                reset.await?;
            }
            assert!(Manager::reset(&driver, &mut conn).is_none() && !driver.is_broken(&mut conn));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_watched_key_and_an_atomic_pipeline_are_the_usual_way_and_cost_no_reset() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let driver = driver(&server, "resp2");
    let (mut conn, mut other) = (driver.connect().await?, driver.connect().await?);
    for interfere in [false, true] {
        cmd("WATCH").arg("a").exec_async(&mut conn).await?;
        assert!(Manager::reset(&driver, &mut conn).is_some());
        if interfere {
            let () = other.set("a", 7).await?;
        }
        let done: Option<(i64,)> = pipe().atomic().incr("a", 1).query_async(&mut conn).await?;
        assert_eq!(done.is_none(), interfere);
        assert!(Manager::reset(&driver, &mut conn).is_none());
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_the_server_refuses_says_which_command_and_is_over() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let driver = driver(&server, "resp2");
    let mut conn = driver.connect().await?;
    let refused = pipe()
        .atomic()
        .set("a", 1)
        .cmd("GET")
        .query_async::<()>(&mut conn)
        .await;
    let text = refused.expect_err("GET has no key").to_string();
    assert!(
        text.contains("command 1 of the transaction: ERR wrong number"),
        "{text}"
    );
    assert!(Manager::reset(&driver, &mut conn).is_none());
    assert_eq!(conn.get::<_, Option<i64>>("a").await?, None);
    Ok(())
}

#[tokio::test]
async fn answers_that_nobody_waited_for_are_never_taken_for_somebody_elses() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        let pool = pool(driver(&server, protocol));
        let large = "x".repeat(600_000);
        for round in 0..10 {
            let mut conn = pool.acquire().await?;
            begin(conn.req_packed_command(&words("ECHO cancelled")));
            begin(conn.req_packed_command(cmd("SET").arg("large").arg(&large)));
            // Its answer is half read when the lease ends.
            begin(conn.req_packed_command(&words("GET large")));
            let mut many = pipe();
            (0..1000).for_each(|number| drop(many.cmd("ECHO").arg(number).clone()));
            begin(conn.req_packed_commands(&many, 0, 1000));
            begin(conn.req_packed_commands(pipe().atomic().set("a", round).get("a"), 3, 1));
            if round % 2 == 0 {
                // Within the lease the next question has its own answer, too.
                assert_eq!(conn.get::<_, i64>("a").await?, round);
            }
            drop(conn);
            let mut conn = pool.acquire().await?;
            let mine: String = cmd("ECHO").arg("mine").query_async(&mut *conn).await?;
            assert_eq!(mine, "mine");
            assert_eq!(conn.get::<_, i64>("a").await?, round);
        }
        assert_eq!(pool.status().totals.opened, 1, "{protocol}");
    }
    Ok(())
}

#[tokio::test]
async fn a_blocking_command_that_was_left_behind_holds_nobody_up_and_takes_nothing() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    for protocol in PROTOCOLS {
        let pool = pool(driver(&server, protocol));
        for line in [
            "BLPOP queue 0",
            "BLMOVE queue b LEFT LEFT 0",
            "XREAD BLOCK 0 STREAMS s $",
            "WAIT 3 0",
            "BZPOPMIN z 0",
        ] {
            let mut conn = pool.acquire().await?;
            begin(conn.req_packed_command(&words(line)));
            drop(conn);
            // The former connection is closed when this one is there, or about to be: nobody is woken by this.
            let mut conn = pool.acquire().await?;
            while server.cli(&["INFO", "clients"]).contains("blocked_clients:1") {
                tokio::task::yield_now().await;
            }
            let () = conn.rpush("queue", 1).await?;
            assert_eq!(conn.lpop::<_, Option<i64>>("queue", None).await?, Some(1), "{line}");
        }
    }
    Ok(())
}
