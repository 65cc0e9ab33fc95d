//! Which headers go on with a message, and which belong to the one connection that it came by.

use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

use super::Headers;

/// Headers that belong to one connection and not to the message (RFC 9110, section 7.6.1), beside those that `Connection` names.
const OF_A_CONNECTION: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Those that are made anew for whoever is asked.
const MADE_ANEW: [&str; 2] = ["content-length", "host"];
/// The one that would let an answer come packed, so that nothing could be read of it.
const WOULD_PACK: &str = "accept-encoding";

/// The headers of a message that go on with it, without its host.
pub(super) fn onward(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    let is_passed = |name: &HeaderName| name != "host" && !is_of_connection(name) && !named.contains(name);
    headers.iter().filter(|(name, _)| is_passed(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Those of a message whose body is sent anew.
pub(super) fn anew(headers: &HeaderMap) -> HeaderMap {
    let mut onward = onward(headers);
    for name in MADE_ANEW.iter().chain([&WOULD_PACK]) {
        onward.remove(*name);
    }
    onward
}

/// The same as text and bytes.
pub(super) fn of_map(headers: &HeaderMap) -> Headers {
    anew(headers).iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Those that somebody else has put together, without what cannot be a header.
pub(super) fn to_map(headers: &Headers) -> HeaderMap {
    let read = |(name, value): &(String, Vec<u8>)| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value).ok()?))
    };
    anew(&headers.iter().filter_map(read).collect())
}

fn is_of_connection(name: &HeaderName) -> bool {
    OF_A_CONNECTION.contains(&name.as_str())
}

/// Those that a message itself calls its connection's.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_connection_does_not_go_on_and_all_else_does_in_its_order() {
        let came: HeaderMap = [
            ("host", "a"),
            ("connection", "keep-alive, X-Own"),
            ("connection", "te"),
            ("x-own", "1"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic eDp5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "2"),
            ("accept-encoding", "gzip"),
            ("x-key", "one"),
            ("x-key", "two"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value)))
        .collect();
        let names = |headers: &HeaderMap| headers.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&onward(&came)), ["content-length", "accept-encoding", "x-key"]);
        let both = [("x-key", "one"), ("x-key", "two")].map(|(name, value)| (name.to_owned(), value.into()));
        assert_eq!(of_map(&came), both);
        let odd = [&both[..], &[("no name".to_owned(), Vec::new()), ("x".to_owned(), b"\n".to_vec())]].concat();
        assert_eq!(to_map(&odd), anew(&came));
    }
}
