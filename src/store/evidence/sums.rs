//! The lines of a seal, in the form that `sha256sum -c` reads.

use std::collections::BTreeMap;

use crate::model::digest::Digest;

/// One line as `sha256sum` writes it: a name with a backslash or line break is escaped, and the line is marked as such.
pub(in crate::store) fn line(text: &mut Vec<u8>, digest: &Digest, path: &[u8]) {
    let escaped: Vec<u8> = path.iter().fold(Vec::with_capacity(path.len()), |mut name, byte| {
        match byte {
            b'\\' => name.extend(b"\\\\"),
            b'\n' => name.extend(b"\\n"),
            b'\r' => name.extend(b"\\r"),
            other => name.push(*other),
        }
        name
    });
    if escaped.len() != path.len() {
        text.push(b'\\');
    }
    text.extend(digest.hex().as_bytes());
    text.extend(b"  ");
    text.extend(escaped);
    text.push(b'\n');
}

/// Reads what `line` wrote; `None` when there is anything else, or a name occurs twice.
pub(in crate::store) fn parse(text: &[u8]) -> Option<BTreeMap<Vec<u8>, Digest>> {
    let mut sealed = BTreeMap::new();
    for line in text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (line, escaped) = line.strip_prefix(b"\\").map_or((line, false), |line| (line, true));
        let (hex, path) = line.split_at_checked(64)?;
        let digest = Digest::from_hex(std::str::from_utf8(hex).ok()?)?;
        let path = path.strip_prefix(b"  ")?;
        let path = if escaped { unescape(path)? } else { path.to_owned() };
        if sealed.insert(path, digest).is_some() {
            return None;
        }
    }
    Some(sealed)
}

fn unescape(path: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = path.iter();
    let mut name = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            other => *other,
        });
    }
    Some(name)
}
