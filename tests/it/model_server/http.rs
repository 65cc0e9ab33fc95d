//! As much of HTTP/1.1 as the scripted server needs: one request for each connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A request with its body.
pub(super) struct Request {
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

/// Reads a request; `None` when the other side says none.
pub(super) fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(crate::world::PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
    });
    let first = lines.next()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let header = |line: String| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

/// Writes an answer and hangs up. Who does not listen any more misses it.
pub(super) fn write(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], body: &str) {
    let more = headers.iter().fold(String::new(), |more, (name, value)| more + name + ": " + value + "\r\n");
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// Promises a body and hangs up in its middle.
pub(super) fn write_cut(stream: &mut TcpStream, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let half = body.get(..body.len() / 2).unwrap_or_default();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(half.as_bytes()));
}
