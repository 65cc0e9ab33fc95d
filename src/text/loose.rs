//! Reads members of JSON that is not whole: cut off, with a wrong value elsewhere, or surrounded by other text.

/// Every value of a key at the first level of each outermost object, as it is written.
pub(super) fn members<'a>(bytes: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let mut scan = Scan { bytes, at: 0, name: name.as_bytes(), found: Vec::new() };
    while let Some(open) = scan.rest().iter().position(|byte| *byte == b'{') {
        scan.at += open + 1;
        scan.object();
    }
    scan.found
}

/// Longest value that is searched for when no object can be found: an amount of money is short, and without a limit
/// each of many keys would read all bytes after it.
const MOST_VALUE: usize = 256;

/// Every short value that follows the key anywhere, for bytes in which no object can be found.
pub(super) fn anywhere<'a>(bytes: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let quoted = format!("\"{name}\"");
    let length = quoted.len();
    let named = bytes.windows(length).enumerate().filter(|(_, window)| *window == quoted.as_bytes());
    named
        .filter_map(|(at, _)| {
            let value = bytes.get(at + length..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
            let mut start = value.iter().take(MOST_VALUE);
            let end = start.position(|byte| b",}]\r\n".contains(byte));
            value.get(..end.or_else(|| (value.len() <= MOST_VALUE).then_some(value.len()))?)
        })
        .collect()
}

struct Scan<'a, 'n> {
    bytes: &'a [u8],
    at: usize,
    name: &'n [u8],
    found: Vec<&'a [u8]>,
}

impl<'a> Scan<'a, '_> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads to the end of an object, or of the bytes.
    fn object(&mut self) {
        let (mut key, mut value, mut depth): (&[u8], Option<usize>, usize) = (b"", None, 0);
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    let text = self.text();
                    if depth == 0 && value.is_none() {
                        key = text;
                    }
                }
                b':' if depth == 0 && value.is_none() => value = Some(self.at + 1),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' | b'}' if depth == 0 => {
                    self.keep(key, value.take());
                    key = b"";
                    if byte == b'}' {
                        self.at += 1;
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.keep(key, value);
    }

    /// The text that begins here, without its quotes; moves to its last byte.
    fn text(&mut self) -> &'a [u8] {
        let from = self.at + 1;
        let mut escaped = false;
        let end = self.bytes.iter().skip(from).position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        self.at = end.map_or(self.bytes.len(), |end| from + end);
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    fn keep(&mut self, key: &[u8], value: Option<usize>) {
        // A text that is cut off ends after the last byte.
        let end = self.at.min(self.bytes.len());
        let raw = value.and_then(|from| self.bytes.get(from..end)).filter(|_| key == self.name);
        self.found.extend(raw.map(<[u8]>::trim_ascii));
    }
}
