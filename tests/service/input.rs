//! Any bytes as requests: mostly such as somebody could mean, with anything in the place of each part.

use super::calls::{CALLS, KINDS, METHODS, NAMES, OPERATIONS, QUERIES, VALUES};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use futures::stream::{self, StreamExt};
use std::fmt;
use std::io::Error;

/// May do everything.
pub(crate) const KEY: &str = "the-key-of-an-administrator";
/// May only look, only operate, only change.
pub(crate) const OTHER_KEYS: [&str; 3] = [
    "the-key-of-a-spectator-only",
    "the-key-of-an-operator-only",
    "the-key-of-a-blind-writer-1",
];
/// Stands in fields that are secret, and nowhere else.
pub(crate) const SECRET: &str = "sesame-1f4c9d";

/// Bytes, from the first to the last; then zeros.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

/// A request.
pub(crate) struct Sent {
    pub(crate) method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Sending,
}

/// How a body comes.
enum Sending {
    Whole(Vec<u8>),
    InPieces(Vec<u8>),
    /// The connection breaks after this.
    Broken(Vec<u8>),
    /// Nothing comes after this.
    Silent(Vec<u8>),
}

impl Input<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let first = self.0.first().copied().unwrap_or_default();
        self.0 = self.0.get(1..).unwrap_or_default();
        first
    }

    /// Whether something rare happens: once in so many times.
    pub(crate) fn once_in(&mut self, times: u8) -> bool {
        self.byte() % times == times - 1
    }

    pub(crate) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()].clone()
    }

    /// So many bytes as the next one says, or as there are.
    fn some(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 32).min(self.0.len());
        let (some, rest) = self.0.split_at(length);
        self.0 = rest;
        some.to_vec()
    }

    /// `None` if the bytes are no request that could arrive at all.
    pub(crate) fn request(&mut self) -> Option<Sent> {
        let (method, path, body) = self.one_of(&CALLS);
        let method = match self.byte() % 16 {
            0 => self.one_of(&METHODS),
            1 => Method::from_bytes(&self.some()).ok()?,
            _ => Method::from_bytes(method.as_bytes()).ok()?,
        };
        let uri = self.path(path).parse().ok()?;
        let headers = self.headers();
        let body = self.body(body);
        let body = match self.byte() % 24 {
            0 => Sending::Silent(body),
            1 => Sending::Broken(body),
            2..6 => Sending::InPieces(body),
            _ => Sending::Whole(body),
        };
        Some(Sent {
            method,
            uri,
            headers,
            body,
        })
    }

    fn path(&mut self, pattern: &str) -> String {
        if self.once_in(32) {
            return String::from_utf8_lossy(&self.some()).into_owned();
        }
        let mut path = String::new();
        for segment in pattern.split('/').skip(1) {
            path.push('/');
            match segment {
                "*" if self.once_in(12) => path.extend(self.some().iter().map(|byte| format!("%{byte:02x}"))),
                "*" => path.push_str(self.one_of(&NAMES).0),
                "KIND" => path.push_str(self.one_of(&KINDS)),
                "DO" => path.push_str(self.one_of(&OPERATIONS)),
                _ if self.once_in(64) => path.push_str(&String::from_utf8_lossy(&self.some())),
                word => path.push_str(word),
            }
        }
        let mut mark = '?';
        while self.once_in(3) {
            path.push(mark);
            mark = '&';
            match self.byte() % 8 {
                0 => path.push_str(&String::from_utf8_lossy(&self.some())),
                _ => path.push_str(self.one_of(&QUERIES)),
            }
        }
        path
    }

    fn headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        let mut add = |name: &'static str, value: &[u8]| {
            let value = HeaderValue::from_bytes(value);
            headers.extend(value.ok().map(|value| (HeaderName::from_static(name), value)));
        };
        let key = match self.byte() % 16 {
            0 => Vec::new(),
            1 => self.some(),
            2..5 => self.one_of(&OTHER_KEYS).into(),
            _ => KEY.into(),
        };
        add("authorization", &[b"Bearer ", &*key].concat());
        add("x-imply-api-token", &key);
        match self.byte() % 16 {
            0 => {}
            1 => add("content-type", &self.some()),
            2 => add("content-type", b"text/plain"),
            _ => add("content-type", b"application/json"),
        }
        const ODD: [&str; 9] = [
            "content-length",
            "x-request-id",
            "host",
            "authorization",
            "content-type",
            "expect",
            "range",
            "x-forwarded-host",
            "accept",
        ];
        while self.once_in(8) {
            let name = self.one_of(&ODD);
            match self.byte() % 4 {
                0 => add(name, b"99999999999999999999"),
                1 => add(name, &[b'a'; 9000]),
                _ => add(name, &self.some()),
            }
        }
        headers
    }

    fn body(&mut self, fitting: &str) -> Vec<u8> {
        match self.byte() % 24 {
            0 => return self.some(),
            1 => return "[".repeat(usize::from(self.byte()) * 300).into(),
            2 => return "{\"connection\":".repeat(usize::from(self.byte()) + 1).into(),
            3 => return vec![b' '; usize::from(self.byte()) * 20],
            _ => {}
        }
        let name = if self.once_in(12) {
            serde_json::Value::from(String::from_utf8_lossy(&self.some())).to_string()
        } else {
            format!("\"{}\"", self.one_of(&NAMES).1)
        };
        let mut body = fitting.replace("NAME", &name).replace("SECRET", SECRET);
        while self.once_in(4) {
            body = self.spoiled(&body);
        }
        body.into()
    }

    /// With another value in one place.
    fn spoiled(&mut self, body: &str) -> String {
        let places: Vec<usize> = body.match_indices("\": ").map(|(at, colon)| at + colon.len()).collect();
        if places.is_empty() {
            return self.one_of(&VALUES).to_owned();
        }
        let from = self.one_of(&places);
        let length = body[from..].find([',', '}']).unwrap_or(body.len() - from);
        let value = match self.byte() % 8 {
            0 => serde_json::Value::from(String::from_utf8_lossy(&self.some())).to_string(),
            1 => format!("\"{}\"", "é".repeat(usize::from(self.byte()) * 2)),
            _ => self.one_of(&VALUES).to_owned(),
        };
        format!("{}{value}{}", &body[..from], &body[from + length..])
    }
}

impl Sent {
    pub(crate) fn request(&self) -> Request<Body> {
        let bytes = |bytes: &[u8]| Ok::<_, Error>(bytes.to_vec());
        let body = match &self.body {
            Sending::Whole(body) => Body::from(body.clone()),
            Sending::InPieces(body) => {
                let pieces: Vec<_> = body.chunks(7).map(bytes).collect();
                Body::from_stream(stream::iter(pieces))
            }
            Sending::Broken(body) => {
                let end = Err(Error::other("the connection broke"));
                Body::from_stream(stream::iter([bytes(body), end]))
            }
            Sending::Silent(body) => Body::from_stream(stream::iter([bytes(body)]).chain(stream::pending())),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        request
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (how, body) = match &self.body {
            Sending::Whole(body) => ("", body),
            Sending::InPieces(body) => ("in pieces ", body),
            Sending::Broken(body) => ("broken off ", body),
            Sending::Silent(body) => ("silent after ", body),
        };
        let shown = String::from_utf8_lossy(&body[..body.len().min(300)]);
        write!(
            f,
            "{} {} {how}{shown:?} ({} bytes), {:?}",
            self.method,
            self.uri,
            body.len(),
            self.headers
        )
    }
}
