//! Where the pages of a list are: `links` and `meta`, as the first family's document has them.

use super::options::RouterOptions;
use super::path::{encoded, pairs};
use crate::resource::models::Page;
use axum::extract::OriginalUri;
use axum::http::header::HOST;
use axum::http::request::Parts;
use serde::Serialize;
use std::fmt::Write;

/// What a query may say beside the page. Nothing else of it is echoed.
const KNOWN: [&str; 4] = ["filter[name]", "include", "sort", "per_page"];

/// The addresses of other pages.
#[derive(Debug, Serialize)]
pub(crate) struct Links {
    first: String,
    last: String,
    prev: Option<String>,
    next: Option<String>,
}

/// Where a page stands in the whole.
#[derive(Debug, Serialize)]
pub(crate) struct Meta {
    current_page: u32,
    from: Option<u64>,
    last_page: u64,
    path: String,
    per_page: u32,
    to: Option<u64>,
    total: u64,
}

impl Links {
    /// With what the query asks for on every page.
    pub(crate) fn new<T>(page: &Page<T>, parts: &Parts, options: &RouterOptions) -> Self {
        let mut base = address(parts, options);
        base.push('?');
        for (name, value) in pairs(&parts.uri) {
            if KNOWN.contains(&&*name) && !value.is_empty() {
                let _ = write!(base, "{}={}&", encoded(&name), encoded(&value));
            }
        }
        let link = |number: u64| format!("{base}page={number}");
        Links {
            first: link(1),
            last: link(page.last),
            prev: page.previous().map(|number| link(number.into())),
            next: page.next().map(|number| link(number.into())),
        }
    }
}

impl Meta {
    pub(crate) fn new<T>(page: &Page<T>, parts: &Parts, options: &RouterOptions) -> Self {
        Meta {
            current_page: page.current,
            from: page.from(),
            last_page: page.last,
            path: address(parts, options),
            per_page: page.per_page,
            to: page.to(),
            total: page.total,
        }
    }
}

/// The request's address without its query. A host that is none is left out.
fn address(parts: &Parts, options: &RouterOptions) -> String {
    let host = || {
        let host = parts.headers.get(HOST)?.to_str().ok()?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        (!host.is_empty() && host.bytes().all(fits)).then(|| format!("http://{host}"))
    };
    let origin = options.public_url.clone().or_else(host).unwrap_or_default();
    // Below a router that is nested, the path has lost its beginning.
    let whole = parts.extensions.get::<OriginalUri>();
    origin + whole.map_or(&parts.uri, |OriginalUri(whole)| whole).path()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::models::ListQuery;
    use axum::http::Request;

    fn parts(uri: &str, host: &str) -> Parts {
        let request = Request::get(uri).header(HOST, host).body(());
        request.expect("a request").into_parts().0
    }

    fn links(uri: &str, total: u64) -> Links {
        let parts = parts(uri, "api.example:8080");
        let query = ListQuery::from_pairs(pairs(&parts.uri)).expect("a query");
        Links::new(&query.of::<()>(total, Vec::new()), &parts, &RouterOptions::new())
    }

    #[test]
    fn links_keep_what_the_query_asks_for_and_nothing_else() {
        let links = links(
            "/p?per_page=10&page=2&x=%3Cb%3E&filter[name]=a%26b&sort=-name&include=",
            35,
        );
        let base = "http://api.example:8080/p?per_page=10&filter%5Bname%5D=a%26b&sort=-name&page=";
        assert_eq!(links.first, format!("{base}1"));
        assert_eq!(links.last, format!("{base}4"));
        assert_eq!(links.prev, Some(format!("{base}1")));
        assert_eq!(links.next, Some(format!("{base}3")));
    }

    #[test]
    fn the_ends_have_no_neighbours() {
        let links = links("/p", 0);
        assert_eq!(links.first, "http://api.example:8080/p?page=1");
        assert_eq!(links.first, links.last);
        assert_eq!((links.prev, links.next), (None, None));
    }

    #[test]
    fn a_host_that_is_none_is_left_out() {
        let options = RouterOptions::new();
        assert_eq!(address(&parts("/p?q", "a b"), &options), "/p");
        assert_eq!(address(&parts("/p", "\"><script>"), &options), "/p");
        assert_eq!(address(&parts("/p", "[::1]:80"), &options), "http://[::1]:80/p");
        let behind = options.public_url("https://x.example/pools/");
        assert_eq!(address(&parts("/p", "inside:80"), &behind), "https://x.example/pools/p");
    }
}
