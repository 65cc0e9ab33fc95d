//! As much of HTTP/1.1 as the scripted server needs: one request for each connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// The largest body that is read, in bytes: agent programs send some hundred kilobytes.
const MOST_BODY: usize = 64 << 20;

/// A request with its body.
pub(super) struct Request {
    pub(super) method: String,
    /// Without what follows a question mark.
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

/// Reads a request; `None` when the other side says none.
pub(super) fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(crate::world::PATIENCE)).ok()?;
    stream.set_write_timeout(Some(crate::world::PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
    });
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.split('?').next()?.to_owned();
    let header = |line: String| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let of = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let body = match (of("transfer-encoding"), of("content-length")) {
        (Some("chunked"), _) => read_chunks(&mut reader)?,
        (_, length) => {
            let length = length.unwrap_or("0").parse().ok().filter(|length| *length <= MOST_BODY)?;
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            body
        }
    };
    Some(Request { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok().filter(|size| body.len() + size <= MOST_BODY)?;
        // Each chunk ends with an end of line.
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(&chunk[..size]);
    }
}

/// Writes an answer and hangs up. Who does not listen any more misses it.
pub(super) fn write(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], body: &str) {
    let kind = if body.starts_with("data: ") { "text/event-stream" } else { "application/json" };
    let more = headers.iter().fold(String::new(), |more, (name, value)| more + name + ": " + value + "\r\n");
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// Promises a body and writes the half of it.
pub(super) fn write_half(stream: &mut TcpStream, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let half = body.get(..body.len() / 2).unwrap_or_default();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(half.as_bytes()));
}

/// What an endless answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    /// One text in one JSON value.
    Whole,
    /// Events of Anthropic's, with what was used at both ends.
    Events,
    /// One line of a stream that does not end.
    Line,
}

/// Writes an answer of at least so many bytes.
pub(super) fn flood(stream: &mut TcpStream, flood: Flood, bytes: u64) -> std::io::Result<()> {
    const PART: usize = 64 << 10;
    let text = "x".repeat(PART);
    let parts = bytes.div_ceil(PART as u64);
    if flood == Flood::Whole {
        let (begin, end) = ("{\"content\": \"", "\", \"usage\": {\"input_tokens\": 7, \"output_tokens\": 9}}");
        let length = parts * PART as u64 + (begin.len() + end.len()) as u64;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{begin}")?;
        (0..parts).try_for_each(|_| stream.write_all(text.as_bytes()))?;
        return stream.write_all(end.as_bytes());
    }
    let mut events = Events::begin(stream)?;
    let (begin, end) = (
        r#"data: {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}}"#,
        r#"data: {"type": "message_delta", "usage": {"output_tokens": 9}}"#,
    );
    let part =
        if flood == Flood::Line { text } else { format!("data: {{\"type\": \"ping\", \"text\": \"{text}\"}}\n\n") };
    events.write(&[format!("{begin}\n\n")])?;
    let part = [part];
    (0..parts).try_for_each(|_| events.write(&part))?;
    events.write(&[format!("\n\n{end}\n\n"), "data: {\"type\": \"message_stop\"}\n\n".to_owned()])?;
    events.end()
}

/// A stream of events, which is whole when it is ended.
pub(super) struct Events<'a>(&'a mut TcpStream);

impl<'a> Events<'a> {
    /// Begins one.
    pub(super) fn begin(stream: &'a mut TcpStream) -> std::io::Result<Self> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\
                    connection: close\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        Ok(Self(stream))
    }

    /// Writes events.
    pub(super) fn write(&mut self, events: &[String]) -> std::io::Result<()> {
        events.iter().try_for_each(|event| write!(self.0, "{:x}\r\n{event}\r\n", event.len()))
    }

    /// Ends it.
    pub(super) fn end(self) -> std::io::Result<()> {
        self.0.write_all(b"0\r\n\r\n")
    }
}
