//! When the database is down: each fault, before PostgreSQL and before Redis. Every request comes back in its time; the error
//! names the database; nobody runs in circles; nobody storms what has healed; nothing is lost. The times are printed.
#![cfg(all(feature = "postgres", feature = "redis"))]

#[path = "down/mod.rs"]
mod down;
mod proxy;
mod servers;

use down::fault::Fault;
use down::outage::outage;
use proxy::Mode;
use std::time::Duration;

macro_rules! outages {
    ($backend:ident: $server:ty) => {
        mod $backend {
            use super::*;

            #[tokio::test]
            async fn it_recovers_when_nobody_listens() {
                outage::<$server>(Fault::Network(Mode::Refuse)).await;
            }

            #[tokio::test]
            async fn it_recovers_when_every_connection_is_reset() {
                outage::<$server>(Fault::Network(Mode::Reset)).await;
            }

            #[tokio::test]
            async fn it_recovers_when_the_server_accepts_and_stays_silent() {
                outage::<$server>(Fault::Network(Mode::Silent)).await;
            }

            #[tokio::test]
            async fn it_recovers_when_connections_are_half_open() {
                outage::<$server>(Fault::Network(Mode::HalfOpen)).await;
            }

            #[tokio::test]
            async fn it_recovers_when_nobody_answers_at_all() {
                outage::<$server>(Fault::Network(Mode::Unreachable)).await;
            }

            #[tokio::test]
            async fn it_recovers_when_answers_dribble() {
                let every = Duration::from_millis(20);
                outage::<$server>(Fault::Network(Mode::Slow { bytes: 4, every })).await;
            }

            #[tokio::test]
            async fn it_recovers_when_answers_are_cut_in_the_middle() {
                outage::<$server>(Fault::Network(Mode::Cut { after: 1500 })).await;
            }

            #[tokio::test]
            async fn it_recovers_when_handshakes_are_cut_in_the_middle() {
                outage::<$server>(Fault::Network(Mode::Cut { after: 3 })).await;
            }

            #[tokio::test]
            async fn it_recovers_when_the_server_stands_still() {
                outage::<$server>(Fault::Frozen).await;
            }

            #[tokio::test]
            async fn it_recovers_when_the_server_is_killed() {
                outage::<$server>(Fault::Killed).await;
            }

            #[tokio::test]
            async fn it_recovers_when_the_server_is_shut_down() {
                outage::<$server>(Fault::Stopped).await;
            }
        }
    };
}

outages!(postgres: servers::postgres::Postgres);
outages!(redis: servers::redis::Redis);
