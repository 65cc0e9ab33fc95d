//! The way to a host through a proxy of this machine, where its environment names one: a tunnel, or the proxy itself for a request that
//! names its host. Which variables count, and what `NO_PROXY` says, is as for `curl`.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer to the request for a tunnel.
const MOST_HEAD: usize = 16 << 10;
/// The port of a proxy that names none.
const PROXY: u16 = 80;

/// For what a host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// For a tunnel, in which nobody looks.
    Tunnel,
    /// For an answer to one request.
    Answer,
}

/// A connection to a host, or to the proxy before it.
#[derive(Debug)]
pub(super) struct Reached {
    pub stream: TcpStream,
    pub end: End,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The host.
    Host,
    /// A proxy, which takes requests to the hosts that they name; with what it wants to know of whoever asks.
    Proxy(Option<HeaderValue>),
}

/// The proxies of this machine.
#[derive(Debug)]
pub(super) struct Proxies(Matcher);

impl Proxies {
    pub(super) fn of_environment() -> Self {
        Self(Matcher::from_env())
    }

    /// The proxy before a host; `None` where there is none. No proxy leads to this machine itself.
    pub(super) fn before(&self, asks: Asks, host: &str, port: u16) -> Option<Intercept> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let is_own = bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        if is_own || bare.eq_ignore_ascii_case("localhost") {
            return None;
        }
        let scheme = match asks {
            Asks::Tunnel => "https",
            Asks::Answer => "http",
        };
        self.0.intercept(&format!("{scheme}://{host}:{port}/").parse::<Uri>().ok()?)
    }
}

/// Connects to a host through this proxy.
///
/// # Errors
/// In words, which do not hold what the proxy wants to know of whoever asks.
pub(super) async fn through(proxy: &Intercept, asks: Asks, host: &str, port: u16) -> Result<Reached, String> {
    let (uri, at) = (proxy.uri(), proxy.uri().host().unwrap_or_default());
    let place = format!("{at}:{}", uri.port_u16().unwrap_or(PROXY));
    if uri.scheme_str() != Some("http") {
        return Err(format!("the proxy {place} is no `http://` one, and only these lead to hosts of `network.allow`"));
    }
    let failed = |error: std::io::Error| format!("the proxy {place}: {error}");
    let mut stream = TcpStream::connect(&place).await.map_err(failed)?;
    let auth = proxy.basic_auth().cloned();
    if asks == Asks::Answer {
        return Ok(Reached { stream, end: End::Proxy(auth) });
    }
    let mut asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(auth) = auth {
        asked.extend_from_slice(b"Proxy-Authorization: ");
        asked.extend_from_slice(auth.as_bytes());
        asked.extend_from_slice(b"\r\n");
    }
    asked.extend_from_slice(b"\r\n");
    stream.write_all(&asked).await.map_err(failed)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST_HEAD {
            return Err(format!("the proxy {place} does not come to an end of its answer"));
        }
        // What follows belongs to whoever is at the other end.
        head.push(stream.read_u8().await.map_err(failed)?);
    }
    match status(&head) {
        Some(200..300) => Ok(Reached { stream, end: End::Host }),
        Some(status) => Err(format!("the proxy {place} answers with status {status}")),
        None => Err(format!("the proxy {place} does not answer in HTTP")),
    }
}

/// The status that an answer begins with.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\r').next()?).ok()?;
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_before_the_hosts_that_no_list_takes_out_and_never_before_this_machine() {
        let matcher =
            Matcher::builder().http("http://web:1").https("http://me:it@tunnels:2").no("near.org, 10.0.0.0/8");
        let proxies = Proxies(matcher.build());
        let before = |asks, host: &str| proxies.before(asks, host, 443).map(|proxy| proxy.uri().to_string());
        assert_eq!(before(Asks::Tunnel, "far.org").as_deref(), Some("http://tunnels:2/"));
        assert_eq!(before(Asks::Answer, "far.org").as_deref(), Some("http://web:1/"));
        assert!(before(Asks::Tunnel, "[2001:db8::1]").is_some());
        for host in
            ["near.org", "a.near.org", "10.1.2.3", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "LocalHost", "no host"]
        {
            assert_eq!(before(Asks::Tunnel, host), None, "{host}");
        }
        assert_eq!(Proxies(Matcher::builder().build()).before(Asks::Tunnel, "far.org", 443).map(|_| ()), None);
    }

    #[test]
    fn a_status_is_read_from_an_answer_in_http_alone() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for other in [&b"\r\n\r\n"[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 \xff\r\n\r\n", b"HTTP/1.1 99999 x\r\n\r\n"] {
            assert_eq!(status(other), None, "{other:?}");
        }
    }
}
