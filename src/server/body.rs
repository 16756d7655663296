//! A request's body: bounded in length and in time, and as JSON.

use super::options::RouterOptions;
use super::refusal::Refusal;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

/// All of a body. One that is too long by its own account is not read at all.
pub(crate) async fn read(body: Body, headers: &HeaderMap, options: &RouterOptions) -> Result<Bytes, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let is_long = |length: &str| {
        length
            .parse::<u64>()
            .is_ok_and(|length| length > options.body_limit as u64)
    };
    if announced.is_some_and(is_long) {
        return Err(Refusal::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let collected = collect(body, options.body_limit);
    timeout(options.body_timeout, collected)
        .await
        .unwrap_or(Err(Refusal::TooSlow))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut chunks = body.into_data_stream();
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        // The connection broke, or the body is not framed as it says.
        let chunk = chunk.map_err(|_| Refusal::TooSlow)?;
        if all.len() + chunk.len() > limit {
            return Err(Refusal::TooLarge);
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

/// A body as JSON, whatever type it says it has. What is nested deeper than 127 levels is refused as no JSON.
pub(crate) fn json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::Json)
}

/// The same for a family that demands the type.
pub(crate) fn typed_json(body: &[u8], headers: &HeaderMap) -> Result<Value, Refusal> {
    if is_json(headers) {
        json(body)
    } else {
        Err(Refusal::ContentType)
    }
}

/// `application/json`, or a type of its own with `+json` at the end, with parameters or without.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else {
        return false;
    };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let own = kind
        .strip_prefix("application/")
        .is_some_and(|own| own.ends_with("+json"));
    own || kind == "application/json"
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use futures::stream;
    use std::convert::Infallible;
    use std::time::Duration;

    fn options() -> RouterOptions {
        RouterOptions::new().body_limit(8).body_timeout(Duration::from_secs(5))
    }

    fn chunks(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> = chunks.iter().copied().map(Ok::<_, Infallible>).collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_bounded_in_length_and_time() {
        let none = HeaderMap::new();
        let options = options();
        let read = async |body| read(body, &none, &options).await;
        assert!(matches!(read(Body::empty()).await, Ok(body) if body.is_empty()));
        assert!(matches!(read(chunks(&["1234", "5678"])).await, Ok(body) if body == "12345678"));
        assert!(matches!(read(chunks(&["1234", "56789"])).await, Err(Refusal::TooLarge)));
        let silent = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
        assert!(matches!(read(silent).await, Err(Refusal::TooSlow)));

        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("9"));
        let silent = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
        assert!(matches!(
            super::read(silent, &headers, &options).await,
            Err(Refusal::TooLarge)
        ));
    }

    #[test]
    fn a_type_is_json_with_parameters_too() {
        let fits = |types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for kind in types {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            is_json(&headers)
        };
        for right in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            assert!(fits(&[right]), "{right}");
        }
        for wrong in [
            "",
            "text/plain",
            "application/jsonp",
            "text/x+json",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!fits(&[wrong]), "{wrong}");
        }
        assert!(!fits(&[]) && !fits(&["application/json", "application/json"]));
    }

    #[test]
    fn deep_json_is_refused_without_harm() {
        let deep = "[".repeat(100_000);
        assert!(matches!(json(deep.as_bytes()), Err(Refusal::Json)));
        assert!(matches!(json(b"{\"a\": 1e999}"), Err(Refusal::Json)));
        assert!(matches!(json(b""), Err(Refusal::Json)));
        assert!(json(b" {\"a\": 123456789012345678901234567890} ").is_ok());
    }
}
