//! What operators do to a pool of a database, and see of it: kind `database-pools`, name `id/pool`.

use super::{Counter, NEVER, Outcome, as_app, name, orders, pool, process, registry, server, until, url};
use fairpool::drivers::postgres::Session;
use fairpool::resource::registry::{Operation, OperationReport, Registry, RegistryError, ResourceKind};
use std::time::Duration;
use tokio::task::JoinHandle;

const KIND: ResourceKind = ResourceKind::DatabasePool;
const BACK: &str = "orders/back";

async fn operate(registry: &Registry, operation: Operation) -> Result<OperationReport, RegistryError> {
    registry.operate(KIND, BACK, operation).await
}

fn waiting(registry: &Registry) -> JoinHandle<Result<i32, super::Failure>> {
    let mut session: Session = registry.sessions_of("orders", "back").unwrap().open();
    tokio::spawn(async move { process(&mut session).await })
}

async fn pending(registry: &Registry, count: u32) {
    until("so many wait", || {
        registry.status_of(KIND, BACK).unwrap().pending == count
    })
    .await;
}

#[tokio::test]
async fn each_operation_does_to_the_line_what_it_says() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let name = name();
    let registry = registry(orders(&url(server, &name), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    assert_eq!(ResourceKind::live("database-pools"), Some(KIND));
    let sessions = registry.sessions_of("orders", "back")?;

    let mut held = sessions.open();
    process(&mut held).await?;
    let (one, other) = (waiting(&registry), waiting(&registry));
    pending(&registry, 2).await;
    let live = registry.status_of(KIND, BACK)?;
    assert_eq!(
        (live.kind, live.limit, live.open, live.in_use),
        ("database-pools", Some(1), Some(1), 1)
    );
    assert!(live.oldest_wait.is_some() && live.state == "open");
    assert_eq!(operate(&registry, Operation::Clear).await?.cleared, Some(2));
    for cleared in [one.await?, other.await?] {
        let error = cleared.unwrap_err().to_string();
        assert!(error.contains("cleared"), "{error}");
    }
    process(&mut held).await?;

    operate(&registry, Operation::Pause).await?;
    drop(held);
    let paused = waiting(&registry);
    pending(&registry, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!paused.is_finished(), "nothing is lent");
    assert_eq!(registry.status_of(KIND, BACK)?.state, "paused");
    operate(&registry, Operation::Resume).await?;
    let pid = paused.await??;

    operate(&registry, Operation::Invalidate).await?;
    let after = waiting(&registry).await??;
    assert_ne!(after, pid, "a new generation");
    assert_eq!(registry.status_of(KIND, BACK)?.generation, Some(1));

    let report = operate(&registry, Operation::Drain { patience: NEVER }).await?;
    assert_eq!((report.completed, report.still_out), (Some(true), Some(0)));
    let counter = Counter::new(server, &name).await;
    counter.until(0).await;
    let refused = waiting(&registry).await?.unwrap_err().to_string();
    assert!(refused.ends_with("the pool is closed"), "{refused}");
    operate(&registry, Operation::Resume).await?;
    process(&mut sessions.open()).await?;
    assert_eq!(registry.status_of(KIND, BACK)?.state, "open");
    Ok(())
}

#[tokio::test]
async fn a_drained_pool_is_resumed_when_all_that_it_had_lent_is_back() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let name = name();
    let registry = registry(orders(&url(server, &name), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut held = sessions.open();
    process(&mut held).await?;
    let patience = Duration::ZERO;
    let report = operate(&registry, Operation::Drain { patience }).await?;
    assert_eq!((report.completed, report.still_out), (Some(false), Some(1)));
    let refused = operate(&registry, Operation::Resume).await;
    assert!(
        matches!(
            refused,
            Err(RegistryError::StillOut {
                kind: KIND,
                left: 1,
                ..
            })
        ),
        "{refused:?}"
    );
    drop(held);
    Counter::new(server, &name).await.until(0).await;
    while let Err(error) = operate(&registry, Operation::Resume).await {
        assert!(matches!(error, RegistryError::StillOut { .. }), "{error}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    process(&mut sessions.open()).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_has_no_operations() {
    let registry = registry(orders("postgresql://app@127.0.0.1:1/app", &[])).await;
    for name in ["orders/back", "orders", "back", "/", "nowhere/back"] {
        let refused = registry.operate(KIND, name, Operation::Clear).await;
        assert!(
            matches!(refused, Err(RegistryError::NotFound { kind: KIND, .. })),
            "{name}: {refused:?}"
        );
    }
    let refused = registry
        .operate(ResourceKind::Database, "orders", Operation::Clear)
        .await;
    assert_eq!(refused.unwrap_err().to_string(), "a database is nothing live");
}
