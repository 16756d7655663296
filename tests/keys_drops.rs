//! Many keys under one bound, and users' code that runs where it hurts: drops that panic, writers that come back.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{Keyed, Manager};
use std::convert::Infallible;
use std::fmt::{self, Write};

/// A key whose drop panics.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Sharp(u32);

impl Drop for Sharp {
    fn drop(&mut self) {
        if self.0 == 1 {
            panic!("the key's drop panics");
        }
    }
}

struct Plain;

impl Manager for Plain {
    type Connection = ();
    type Error = Infallible;

    async fn connect(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn p8_a_guard_that_is_the_last_handle_keeps_the_panics_of_keys_to_itself() {
    // Parked, not dropped: this one is the test's.
    let key = std::mem::ManuallyDrop::new(Sharp(1));
    let pool = Keyed::builder(|_: &Sharp| Plain).limit(2).build().unwrap();
    let conn = pool.acquire(&key).await.unwrap();
    drop(pool);
    settle().await;
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(conn)));
    assert!(dropped.is_ok(), "a panic came out of a guard's drop");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_looks_at_the_pool_may_print_it() {
    struct Nosy(KeyedPool, String);
    impl Write for Nosy {
        fn write_str(&mut self, said: &str) -> fmt::Result {
            assert_eq!(self.0.status().limit, 2);
            self.1.push_str(said);
            Ok(())
        }
    }
    let (pool, _) = keyed(|builder| builder.limit(2));
    let mut nosy = Nosy(pool.clone(), String::new());
    write!(nosy, "{pool:?}").unwrap();
    assert!(nosy.1.starts_with("Keyed"), "{}", nosy.1);
}
