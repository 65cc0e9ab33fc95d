//! A server that answers as Anthropic's does, at the pace that is asked for.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::Failure;

/// A whole answer.
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"cache_read_input_tokens":200,"output_tokens":30}}"#;
/// The first event of a stream, one of many, and the last ones.
const BEGINS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":1000,\"cache_read_input_tokens\":200,\"output_tokens\":1}}}\n\n";
const GOES_ON: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a few words\"}}\n\n";
const ENDS: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":30}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
/// So many events are written at once where the pace is not less.
const AT_ONCE: usize = 64;

/// A stream that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// Its length, to a few events.
    pub(super) bytes: u64,
    /// Bytes in a second; `None` for as many as possible.
    pub(super) pace: Option<u64>,
}

impl Stream {
    /// How long it takes at its pace.
    #[expect(clippy::cast_precision_loss, reason = "a stream has fewer bytes than 2^53")]
    pub(super) fn seconds(self) -> f64 {
        self.pace.map_or(0.0, |pace| self.bytes as f64 / pace as f64)
    }
}

/// The server. It ends with the process.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) address: SocketAddr,
}

impl Provider {
    pub(super) fn start() -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Measure { what: "listen on 127.0.0.1", why: error.to_string() };
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away ends its connection, and nothing else.
                thread::spawn(move || drop(serve(stream)));
            }
        });
        Ok(Self { address })
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(body) = request(&mut reader)? {
        let asked: Value = serde_json::from_slice(&body)?;
        if asked["stream"] == true {
            let stream_asked =
                Stream { bytes: asked["bytes"].as_u64().unwrap_or_default(), pace: asked["pace"].as_u64() };
            return answer_with_stream(&mut stream, stream_asked);
        }
        let length = MESSAGE.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{MESSAGE}").as_bytes())?;
    }
    Ok(())
}

/// The body of the next request; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            return Ok(Some(body));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
}

fn answer_with_stream(to: &mut TcpStream, stream: Stream) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
    to.write_all(BEGINS.as_bytes())?;
    let begun = Instant::now();
    let part = GOES_ON.repeat(if stream.pace.is_some_and(|pace| pace < 1 << 20) { 1 } else { AT_ONCE });
    let mut written = 0;
    while written < stream.bytes {
        to.write_all(part.as_bytes())?;
        written += part.len() as u64;
        let due = Stream { bytes: written, ..stream }.seconds();
        let due = Duration::from_secs_f64(due).saturating_sub(begun.elapsed());
        if due > Duration::from_millis(1) {
            thread::sleep(due);
        }
    }
    to.write_all(ENDS.as_bytes())
}
