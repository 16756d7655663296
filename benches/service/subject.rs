//! What is asked for, of whom, and how fast that should be.

/// One who is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) by: By,
    pub(crate) path: &'static str,
    pub(crate) bar: Bar,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum By {
    /// A bare handler, served as the service is.
    Bare,
    /// The same, served by axum.
    Axum,
    /// The whole service.
    Service,
}

pub(crate) enum Bar {
    None,
    /// At least this part of the bare handler's throughput.
    OfBare(f64),
    /// At most so many times the cost of one pool.
    OfOne(f64),
}

impl Bar {
    /// The bar as it is written, and whether it is met.
    pub(crate) fn judge(&self, of_bare: f64, costs_of_one: f64) -> (String, Option<bool>) {
        match self {
            Bar::None => (String::new(), None),
            Bar::OfBare(least) => (format!("≥ {least} of bare"), Some(of_bare >= *least)),
            Bar::OfOne(most) => (format!("≤ {most} × one"), Some(costs_of_one <= *most)),
        }
    }
}

pub(crate) const ONE: &str = "/api/v1/connection-pools/1";

pub(crate) const SUBJECTS: [Subject; 8] = [
    Subject {
        name: "bare",
        what: "an axum handler that returns the bytes of one pool, served by `fairpool::server::serve`",
        by: By::Bare,
        path: ONE,
        bar: Bar::None,
    },
    Subject {
        name: "bare-axum",
        what: "the same, served by `axum::serve`",
        by: By::Axum,
        path: ONE,
        bar: Bar::None,
    },
    Subject {
        name: "one",
        what: "one pool of the whole service, with credential, rate limit, request id and journal",
        by: By::Service,
        path: ONE,
        bar: Bar::OfBare(0.6),
    },
    page(
        "page",
        "15 pools of 10,000",
        "/api/v1/connection-pools",
        Bar::OfOne(3.0),
    ),
    page(
        "page-sorted",
        "the same by `sort=-limit`",
        "/api/v1/connection-pools?sort=-limit",
        Bar::OfOne(3.0),
    ),
    page(
        "page-two-keys",
        "by `sort=limit,-name`, page 300, an order that is not kept ready",
        "/api/v1/connection-pools?sort=limit,-name&page=300",
        Bar::None,
    ),
    page(
        "page-few-match",
        "by `filter[name]`, which 111 names have",
        "/api/v1/connection-pools?filter%5Bname%5D=number%2099",
        Bar::None,
    ),
    page(
        "page-all-match",
        "by `filter[name]`, which all names have",
        "/api/v1/connection-pools?filter%5Bname%5D=pool",
        Bar::None,
    ),
];

const fn page(name: &'static str, what: &'static str, path: &'static str, bar: Bar) -> Subject {
    Subject {
        name,
        what,
        by: By::Service,
        path,
        bar,
    }
}
