//! What is asked of a pool, and the settings that all share.

use std::future::Future;
use std::time::Duration;

/// Connections of each pool.
pub(crate) const LIMIT: u32 = 8;
/// What a request may take, from the call to a connection or an error.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);
/// What one step may take where a pool has a timeout for each: a connect, a check, a reset.
pub(crate) const STEP: Duration = Duration::from_millis(250);
/// What a question may take: the user's own timeout.
pub(crate) const QUESTION: Duration = Duration::from_millis(500);

/// The question to PostgreSQL and its answer's length. Longer than what `cut` lets through.
pub(crate) const SQL: &str = "SELECT repeat('x', 2000)";
pub(crate) const LENGTH: usize = 2000;

pub(crate) trait Subject: Send + Sync + 'static {
    const NAME: &'static str;

    /// A pool with all its options, over the server at a URL; nothing need be open yet.
    fn build(url: &str) -> impl Future<Output = Self> + Send;
    /// A request; whatever is to be awaited when it is back; and, if it was served, a question.
    fn exchange(&self, back: impl Future<Output = ()> + Send) -> impl Future<Output = End> + Send;
    /// Attempts to connect so far, if it says.
    fn attempts(&self) -> Option<u64>;
    /// Ends it.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum End {
    Served,
    /// A connection was lent, and the question failed.
    Failed,
    /// The pool's error.
    Refused(String),
}

/// The end of a question that may take its time.
pub(crate) async fn question<T, E>(answer: impl Future<Output = Result<T, E>>) -> End {
    match tokio::time::timeout(QUESTION, answer).await {
        Ok(Ok(_)) => End::Served,
        _ => End::Failed,
    }
}

/// An error with its sources, as somebody would log it.
pub(crate) fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}
