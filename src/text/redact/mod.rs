//! Redacts secrets in bytes before they are kept: raw, JSON-escaped, percent-encoded and base64, across chunk borders.

use std::borrow::Cow;
use std::sync::Arc;

use rules::secrets_of;

mod rules;

/// The secrets to redact, in every form in which they are likely to be written.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Forms>);

/// Every form of every secret, longest first, so that the first match at a position is the longest one.
#[derive(Default)]
struct Forms {
    all: Vec<Form>,
    /// For each byte the forms that begin with it, as indexes into `all`.
    by_first_byte: Vec<Vec<usize>>,
}

struct Form {
    bytes: Vec<u8>,
    /// The variable that contains the secret.
    name: Arc<str>,
}

impl Secrets {
    /// The secrets of these variables: non-trivial values of variables whose names contain a word for a secret, the
    /// credentials in URLs, and such members of JSON values.
    #[must_use]
    pub fn from_environment(vars: impl Iterator<Item = (String, String)>) -> Self {
        let mut all: Vec<Form> = vars
            .flat_map(|(name, value)| {
                let forms = |secret: String| forms_of_secret(&name, &secret);
                secrets_of(&name, &value).into_iter().flat_map(forms).collect::<Vec<_>>()
            })
            .collect();
        all.sort_by(|a, b| {
            b.bytes.len().cmp(&a.bytes.len()).then_with(|| (&a.bytes, &a.name).cmp(&(&b.bytes, &b.name)))
        });
        all.dedup_by(|b, a| a.bytes == b.bytes);
        let mut by_first_byte = vec![Vec::new(); 256];
        for (index, form) in all.iter().enumerate() {
            by_first_byte[usize::from(form.bytes[0])].push(index);
        }
        Self(Arc::new(Forms { all, by_first_byte }))
    }

    /// No secrets: everything is kept as it is.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// `bytes` with each form of each secret replaced by `[redacted:NAME]`.
    #[must_use]
    pub fn redact<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.first_in(bytes).is_none() {
            return Cow::Borrowed(bytes);
        }
        let mut kept = Vec::with_capacity(bytes.len());
        self.0.copy_redacted(bytes, true, &mut kept);
        Cow::Owned(kept)
    }

    /// The variable of the first secret in `bytes`; `None` when there is none.
    #[must_use]
    pub fn first_in(&self, bytes: &[u8]) -> Option<&str> {
        let mut place = 0;
        while let Some(begins) = self.0.next_beginning(&bytes[place..]) {
            place += begins;
            if let Some(form) = self.0.longest_at(&bytes[place..]) {
                return Some(&form.name);
            }
            place += 1;
        }
        None
    }

    /// The variable of the secret with which `bytes` begin, and the length of what is written of it there.
    #[must_use]
    pub fn at(&self, bytes: &[u8]) -> Option<(&str, usize)> {
        self.0.longest_at(bytes).map(|form| (&*form.name, form.bytes.len()))
    }

    /// The length of the longest form of any secret.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.0.all.first().map_or(0, |form| form.bytes.len())
    }

    /// A redactor for bytes that come in chunks.
    #[must_use]
    pub fn stream(&self) -> Redactor {
        Redactor { secrets: self.clone(), held: Vec::new() }
    }
}

impl std::fmt::Debug for Secrets {
    /// Never shows a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} forms)", self.0.all.len())
    }
}

/// Redacts bytes that come in chunks: what may be the beginning of a secret is held back until more bytes are known.
#[derive(Debug)]
pub struct Redactor {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Redactor {
    /// Takes the next chunk and gives the bytes of it, and of the chunks before, that are ready.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let mut kept = Vec::with_capacity(self.held.len());
        let read = self.secrets.0.copy_redacted(&self.held, false, &mut kept);
        self.held.drain(..read);
        kept
    }

    /// Gives the bytes that were held back.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.secrets.redact(&self.held).into_owned()
    }
}

impl Forms {
    /// The distance to the next byte with which a form begins.
    fn next_beginning(&self, bytes: &[u8]) -> Option<usize> {
        let begins = |byte: &u8| self.by_first_byte.get(usize::from(*byte)).is_some_and(|forms| !forms.is_empty());
        if self.all.is_empty() { None } else { bytes.iter().position(begins) }
    }

    fn beginning_as(&self, bytes: &[u8]) -> impl Iterator<Item = &Form> {
        let indexes = bytes.first().and_then(|first| self.by_first_byte.get(usize::from(*first)));
        indexes.into_iter().flatten().map(|index| &self.all[*index])
    }

    /// The longest form at the beginning of `bytes`.
    fn longest_at(&self, bytes: &[u8]) -> Option<&Form> {
        self.beginning_as(bytes).find(|form| bytes.starts_with(&form.bytes))
    }

    /// Whether `bytes` may be the beginning of a form that continues in later bytes.
    fn may_begin_at(&self, bytes: &[u8]) -> bool {
        self.beginning_as(bytes).any(|form| form.bytes.len() > bytes.len() && form.bytes.starts_with(bytes))
    }

    /// Appends `bytes`, redacted, to `kept` and gives how many were read: all when they are `whole`, else up to the
    /// first position at which an unfinished form may begin.
    fn copy_redacted(&self, bytes: &[u8], whole: bool, kept: &mut Vec<u8>) -> usize {
        let mut place = 0;
        while place < bytes.len() {
            // Most of every text is bytes with which no secret begins.
            let free = self.next_beginning(&bytes[place..]).unwrap_or(bytes.len() - place);
            kept.extend_from_slice(&bytes[place..place + free]);
            place += free;
            let rest = &bytes[place..];
            if rest.is_empty() || !whole && self.may_begin_at(rest) {
                break;
            }
            if let Some(form) = self.longest_at(rest) {
                kept.extend_from_slice(format!("[redacted:{}]", form.name).as_bytes());
                place += form.bytes.len();
            } else {
                kept.extend(rest.first());
                place += 1;
            }
        }
        place
    }
}

/// The forms of one secret of a variable.
fn forms_of_secret(name: &str, value: &str) -> Vec<Form> {
    let name: Arc<str> = name.into();
    let mut forms = vec![value.as_bytes().to_vec()];
    forms.extend(json_forms(value));
    forms.extend(percent_forms(value.as_bytes()));
    forms.extend(base64_forms(value.as_bytes()));
    forms.into_iter().map(|bytes| Form { bytes, name: Arc::clone(&name) }).collect()
}

/// In the spellings of JSON writers: plain, in ASCII only, and each of them with `/` escaped too.
fn json_forms(value: &str) -> Vec<Vec<u8>> {
    let quoted = serde_json::Value::from(value).to_string();
    let plain = &quoted[1..quoted.len() - 1];
    let mut ascii = String::new();
    for char in plain.chars() {
        if char.is_ascii() {
            ascii.push(char);
        } else {
            let mut units = [0; 2];
            ascii.extend(char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    [plain, &ascii].into_iter().flat_map(|text| [text.to_owned(), text.replace('/', "\\/")]).map(Into::into).collect()
}

/// In the spellings of URLs and HTML forms: encoders differ in what they leave unencoded, in the case of hex digits and
/// in how they write a space.
fn percent_forms(value: &[u8]) -> Vec<Vec<u8>> {
    let left_alone = ["-._~", "-._~/", "-._~!'()*", "-._~!$&'()*+,;=:@/?"];
    let mut forms = Vec::new();
    for left_alone in left_alone {
        for upper_case in [true, false] {
            let mut form = Vec::new();
            for byte in value {
                if byte.is_ascii_alphanumeric() || left_alone.as_bytes().contains(byte) {
                    form.push(*byte);
                } else if upper_case {
                    form.extend_from_slice(format!("%{byte:02X}").as_bytes());
                } else {
                    form.extend_from_slice(format!("%{byte:02x}").as_bytes());
                }
            }
            forms.push(String::from_utf8_lossy(&form).replace("%20", "+").into_bytes());
            forms.push(form);
        }
    }
    forms
}

/// In base64, in both alphabets, for each position of the secret within a group of three bytes: only the characters
/// that depend on the secret alone.
fn base64_forms(value: &[u8]) -> Vec<Vec<u8>> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut forms = Vec::new();
    for alphabet in [STANDARD, FOR_URLS] {
        for before in 0..3_usize {
            let bits = |bit: usize| -> u8 {
                let byte = value[bit / 8 - before];
                (byte >> (7 - bit % 8)) & 1
            };
            let first = (before * 8).div_ceil(6);
            let end = (before + value.len()) * 8 / 6;
            let char = |index: usize| {
                let sextet = (index * 6..index * 6 + 6).fold(0, |sextet, bit| sextet << 1 | bits(bit));
                alphabet[usize::from(sextet)]
            };
            forms.push((first..end).map(char).collect());
        }
    }
    forms
}

#[cfg(test)]
mod tests;
