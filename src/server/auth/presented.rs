//! In which header a family of the interface looks for a credential; whether a browser sends the request for another site, or believes
//! that it asks one.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use std::net::IpAddr;

/// Where a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// `Authorization: <key>` or `Authorization: Bearer <token>`.
    KeyOrBearer,
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// A header of the family's own, which holds nothing but the token.
    Own(&'static str),
}

/// The credential of a request. One that presents two is believed neither.
pub(crate) fn presented(headers: &HeaderMap, header: Header) -> Option<&str> {
    let name = match header {
        Header::Own(name) => name,
        Header::KeyOrBearer | Header::Bearer => AUTHORIZATION.as_str(),
    };
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let value = value.to_str().ok()?.trim();
    let credential = match (header, bearer(value)) {
        (Header::Own(_), _) => value,
        (_, Some(token)) => token,
        (Header::KeyOrBearer, None) => value,
        (Header::Bearer, None) => return None,
    };
    (!credential.is_empty()).then_some(credential)
}

/// Whether a browser sends it for a page of another site: by its own word, or because the page's origin is not the host that is asked.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    // `null` is a page that hides where it is from.
    !matches!((page, host), (Some((_, page)), Some(host)) if page.eq_ignore_ascii_case(host))
}

/// Whether the request is for this machine by every name that it says, or for the host of this URL.
///
/// A site can have its own name lead to a loopback address, and its page then asks as if it were of here: only the name tells. No
/// browser leaves the name out, so a request without one is nobody's page.
pub(crate) fn is_for_here(parts: &Parts, public_url: Option<&str>) -> bool {
    let public = public_url.and_then(|url| url.split_once("://"));
    let public = public.and_then(|(_, rest)| rest.split('/').next()?.parse::<Authority>().ok());
    let is_here = |asked: &Authority| {
        is_loopback(asked.host()) || public.as_ref().is_some_and(|public| public.host() == asked.host())
    };
    let mut hosts = parts.headers.get_all(HOST).iter();
    parts.uri.authority().is_none_or(is_here)
        && hosts.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| is_here(&host)))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = bare.unwrap_or(host).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// What follows the word `Bearer`, in which case does not matter (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn seen(header: Header, values: &[&str]) -> Option<String> {
        let name = match header {
            Header::Own(name) => name,
            _ => "authorization",
        };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                name,
                HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"),
            );
        }
        presented(&headers, header).map(str::to_owned)
    }

    #[test]
    fn each_family_looks_where_its_document_says() {
        let own = Header::Own("x-imply-api-token");
        for (header, value, expected) in [
            (Header::KeyOrBearer, "key", Some("key")),
            (Header::KeyOrBearer, "Bearer a.b.c", Some("a.b.c")),
            (Header::KeyOrBearer, "bearer  a.b.c", Some("a.b.c")),
            (Header::KeyOrBearer, "Bearer", None),
            (Header::KeyOrBearer, "", None),
            (Header::Bearer, "BEARER key", Some("key")),
            (Header::Bearer, "key", None),
            (Header::Bearer, "Basic key", None),
            (Header::Bearer, "Bearerkey", None),
            (own, "key", Some("key")),
            (own, "", None),
        ] {
            assert_eq!(seen(header, &[value]).as_deref(), expected, "{header:?} {value:?}");
        }
        for header in [Header::KeyOrBearer, Header::Bearer, own] {
            assert_eq!(seen(header, &[]), None);
            assert_eq!(seen(header, &["Bearer key", "Bearer key"]), None);
            assert_eq!(seen(header, &["Bearer k\u{e9}y"]), None);
        }
    }
}
