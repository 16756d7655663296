//! Why a server did not do what it was asked: one line, the server's own texts in it, and nothing that moves a terminal's cursor.

use super::shown::shown;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// Arguments that make no sense, whatever the server.
#[derive(Debug)]
pub(crate) struct Senseless(String);

/// Why not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No answer, or half of one.
    Unreachable(String),
    /// An answer that no server of this interface gives.
    Strange(String),
    /// A refusal: of what, its status, and the server's words.
    Refused { about: String, status: u16, said: String },
}

/// Why the arguments make none.
pub(crate) fn senseless(said: impl Into<String>) -> anyhow::Error {
    Senseless(said.into()).into()
}

impl fmt::Display for Senseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Senseless {}

impl Failure {
    pub(super) fn unreachable(server: &str, patience: Duration, error: ureq::Error) -> Self {
        use io::ErrorKind;
        let why = match error {
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                ErrorKind::ConnectionReset => "connection reset".to_owned(),
                ErrorKind::UnexpectedEof => "it closed the connection without an answer".to_owned(),
                ErrorKind::TimedOut => "no answer in time".to_owned(),
                _ => error.to_string(),
            },
            ureq::Error::Timeout(ureq::Timeout::Connect) => "no answer in time".to_owned(),
            ureq::Error::Timeout(_) => format!("no answer within {} s", patience.as_secs_f64()),
            ureq::Error::HostNotFound => "no such host".to_owned(),
            ureq::Error::Rustls(error) => format!("TLS: {error}"),
            error => error.to_string(),
        };
        Failure::Unreachable(format!("cannot reach {}: {}", shown(server), shown(&why)))
    }

    pub(super) fn strange(server: &str, status: u16, said: &str) -> Self {
        Failure::Strange(format!("{}: {} ({status})", shown(server), shown(said)))
    }

    pub(super) fn refused(about: String, status: u16, body: &Value, with_key: bool, request: Option<&str>) -> Self {
        let mut said = shown(&words(body));
        if let Some(request) = request {
            said.push_str(&format!(" Request {}.", shown(request)));
        }
        if status == 401 && !with_key {
            said.push_str(" No key was given: --api-key-file FILE or FAIRPOOL_API_KEY.");
        }
        Failure::Refused { about, status, said }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Failure::Refused { status: 404, .. })
    }
}

/// Each family has a shape of its own; where all faults are listed, all of them.
fn words(body: &Value) -> String {
    if let Some(Value::Object(errors)) = body.get("errors") {
        let texts = errors.values().filter_map(Value::as_array).flatten();
        let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
        if !texts.is_empty() {
            return texts.join(" ");
        }
    }
    let text = ["message", "error_description", "error"]
        .iter()
        .find_map(|name| body.get(name)?.as_str());
    text.unwrap_or("it says nothing more").to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(said) | Failure::Strange(said) => f.write_str(said),
            Failure::Refused { about, status, said } => write!(f, "{about}: {said} ({status})"),
        }
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_familys_words_are_found_and_all_faults_are_told() {
        let all = json!({"message": "A. (and 1 more error)", "errors": {"a": ["A."], "b": ["B."]}});
        assert_eq!(words(&all), "A. B.");
        assert_eq!(words(&json!({"id": "not_found", "message": "Gone."})), "Gone.");
        assert_eq!(
            words(&json!({"error": "bad_request", "error_description": "No."})),
            "No."
        );
        assert_eq!(words(&json!({"error": "Forbidden."})), "Forbidden.");
        assert_eq!(words(&json!([])), "it says nothing more");
    }

    #[test]
    fn what_a_server_says_is_one_line_without_escape_sequences() {
        let body = json!({"message": "a\u{1b}]0;b\u{7}\nc\u{9b}31m"});
        let said = Failure::refused("pool x".to_owned(), 422, &body, true, None).to_string();
        assert_eq!(said, "pool x: a\\u{1b}]0;b\\u{7}\\nc\\u{9b}31m (422)");
    }
}
