//! Requests over HTTP: the door to `ureq`. Proxies and certificates are those of the system.

use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error, Proxy};

/// A request with a JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// Headers; they may hold a key.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a [u8],
    /// How long the whole may take, from looking for the host to the last byte.
    pub timeout: Duration,
    /// Most bytes of the reply's body.
    pub most_bytes: u64,
}

/// A reply, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers that are text, by their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no reply. The words never hold a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nothing, or not all, came within the time.
    #[error("there was no whole reply within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The reply is longer than the limit.
    #[error("the reply is longer than {0} bytes")]
    TooLong(u64),
    /// A variable names a proxy that cannot be used. Its value may hold a password.
    #[error(
        "`{0}` names a proxy that cannot be used: it must be `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or \
         `socks5h://` with a host"
    )]
    WrongProxy(&'static str),
    /// It could not be sent, or its reply not be read to the end.
    #[error("{0}")]
    Broken(String),
}

/// The variables that name a proxy: the first one that is set counts.
const PROXIES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Refuses a proxy of the environment that cannot be used.
///
/// # Errors
/// When a variable names one.
pub(super) fn refuse_wrong_proxy() -> Result<(), HttpError> {
    proxy().map(drop)
}

/// The proxy of the environment, with the variable that names it. One that cannot be used is never passed by.
fn proxy() -> Result<Option<(&'static str, Proxy)>, HttpError> {
    let set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(name) = PROXIES.iter().find(set) else { return Ok(None) };
    // A port that is no number would be that of its scheme.
    let has_port = |proxy: &Proxy| {
        let authority = proxy.uri().authority();
        authority.is_some_and(|it| it.port_u16().is_some() || it.as_str().rsplit('@').next() == Some(it.host()))
    };
    let is_usable = std::env::var(name).is_ok_and(|value| Proxy::new(&value).is_ok_and(|proxy| has_port(&proxy)));
    let proxy = Proxy::try_from_env().filter(|_| is_usable).ok_or(HttpError::WrongProxy(name))?;
    Ok(Some((name, proxy)))
}

/// Sends a request and reads the reply. A redirection is a reply like any other, so that a key goes to no other host.
///
/// # Errors
/// When there is no whole reply.
pub fn post(post: &Post<'_>) -> Result<Reply, HttpError> {
    let proxy = proxy()?;
    let is_direct = |proxy: &Proxy| post.url.parse().is_ok_and(|url| proxy.is_no_proxy(&url));
    let through = proxy.as_ref().filter(|(_, proxy)| !is_direct(proxy)).map_or_else(String::new, |(name, proxy)| {
        format!("through the proxy {}:{}, which `{name}` names: ", proxy.host(), proxy.port())
    });
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .timeout_global(Some(post.timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("cargo-scylla/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .proxy(proxy.map(|(_, proxy)| proxy))
        .build();
    let broken = |error| match error {
        Error::Timeout(_) => HttpError::TimedOut(post.timeout),
        Error::BodyExceedsLimit(_) => HttpError::TooLong(post.most_bytes),
        error => HttpError::Broken(format!("{through}{error}")),
    };
    let mut request = Agent::new_with_config(config).post(post.url).header("content-type", "application/json");
    for (name, value) in post.headers {
        request = request.header(*name, value);
    }
    let mut response = request.send(post.body).map_err(broken)?;
    let body = response.body_mut().with_config().limit(post.most_bytes).read_to_vec().map_err(broken)?;
    let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(header).collect();
    Ok(Reply { status: response.status().as_u16(), headers, body })
}
