//! Whoever asks: one request after the other on one connection, or one stream.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use super::provider::{Provider, Stream};
use crate::failure::Failure;

/// Where it is asked.
#[derive(Debug, Clone)]
pub(super) struct Way {
    host: String,
    path: String,
}

impl Way {
    pub(super) fn direct(provider: &Provider) -> Self {
        Self { host: provider.address.to_string(), path: String::new() }
    }

    /// The way that an address such as `http://127.0.0.1:1/x` names.
    pub(super) fn of(address: &str) -> Self {
        let address = address.strip_prefix("http://").unwrap_or(address);
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        Self { host: host.to_owned(), path: format!("/{path}") }
    }

    fn request(&self, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        let (host, path, length) = (&self.host, &self.path, body.len());
        let head =
            format!("POST {path}/v1/messages HTTP/1.1\r\nhost: {host}\r\nx-api-key: x\r\ncontent-length: {length}\r\n");
        format!("{head}content-type: application/json\r\n\r\n{body}").into_bytes()
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Measure { what: "ask a model", why: error.to_string() }
}

/// A connection that asks one request after the other.
pub(super) struct Asking {
    reader: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Asking {
    pub(super) fn connect(way: &Way) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&way.host).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { reader: BufReader::new(stream), request: way.request(&json!({"model": "claude-sonnet-4-5"})) })
    }

    /// Asks once, for a whole answer. Gives the seconds to its end.
    pub(super) fn whole(&mut self) -> Result<f64, Failure> {
        let begun = Instant::now();
        self.reader.get_mut().write_all(&self.request).map_err(failed)?;
        self.read_answer().map_err(failed)?;
        Ok(begun.elapsed().as_secs_f64())
    }

    fn read_answer(&mut self) -> io::Result<()> {
        let (mut length, mut line) = (None, String::new());
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let text = line.trim_end().to_ascii_lowercase();
            match text.strip_prefix("content-length: ") {
                Some(value) => length = value.parse().ok(),
                None if text.starts_with("http/1.1 ") && !text.contains(" 200 ") => return Err(io::Error::other(text)),
                None if text.is_empty() => break,
                None => {}
            }
        }
        if let Some(length) = length {
            return self.reader.read_exact(&mut vec![0; length]);
        }
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            self.reader.read_exact(&mut vec![0; size + 2])?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}

/// Asks for a stream. Gives the seconds to its end.
pub(super) fn stream(way: &Way, stream: Stream) -> Result<f64, Failure> {
    let body = json!({"model": "claude-sonnet-4-5", "stream": true, "bytes": stream.bytes, "pace": stream.pace});
    let mut connection = TcpStream::connect(&way.host).map_err(failed)?;
    let begun = Instant::now();
    let request = String::from_utf8_lossy(&way.request(&body)).replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    connection.write_all(request.as_bytes()).map_err(failed)?;
    let (mut part, mut end, mut read) = (vec![0; 64 << 10], Vec::new(), 0);
    loop {
        let count = connection.read(&mut part).map_err(failed)?;
        if count == 0 {
            break;
        }
        read += count as u64;
        end.extend_from_slice(&part[count.saturating_sub(100)..count]);
        end.drain(..end.len().saturating_sub(100));
    }
    let is_whole = read >= stream.bytes && String::from_utf8_lossy(&end).contains("message_stop");
    is_whole.then(|| begun.elapsed().as_secs_f64()).ok_or_else(|| failed(io::Error::other("the stream was cut")))
}
