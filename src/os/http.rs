//! Requests over HTTP: the door to `ureq`. Proxies and certificates are those of the system.

use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

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
    /// It could not be sent, or its reply not be read to the end.
    #[error("{0}")]
    Broken(String),
}

/// Sends a request and reads the reply. A redirection is a reply like any other, so that a key goes to no other host.
///
/// # Errors
/// When there is no whole reply.
pub fn post(post: &Post<'_>) -> Result<Reply, HttpError> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .timeout_global(Some(post.timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("cargo-scylla/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build();
    let broken = |error| match error {
        Error::Timeout(_) => HttpError::TimedOut(post.timeout),
        Error::BodyExceedsLimit(_) => HttpError::TooLong(post.most_bytes),
        error => HttpError::Broken(error.to_string()),
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
