//! `agent/exchanges.jsonl.zst`: what an attempt asked and was answered, kept to be given again, and given again.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use super::joined::joined;
use crate::model::digest::Digest;
use crate::model::exchange::Interface;
use crate::model::tape::{OwnWords, Take, VERSION};
use crate::os::compressed::{self, Compressing};
use crate::os::files;
use crate::text::likeness::{compared, difference, in_common, masked};
use crate::text::redact::Secrets;

/// How hard it is compressed: it must not delay an agent.
const COMPRESSION: i32 = 3;
/// Keys at the top of a request that say who asks, and nothing to a model: some programs fill them by chance.
const NOT_COMPARED: [&str; 5] = ["client_metadata", "metadata", "prompt_cache_key", "safety_identifier", "user"];
/// Most bytes that are kept of an attempt, before they are compressed.
const MOST_BYTES: u64 = 256 << 20;

/// Where an attempt's exchanges are kept.
pub(super) struct Tape {
    /// Until its end is written.
    writing: Option<Compressing<File>>,
    left: u64,
    words: OwnWords,
    secrets: Secrets,
    /// Why it is not whole.
    cut: Option<String>,
}

impl Tape {
    /// Makes the file.
    pub(super) fn open(path: &Path, words: OwnWords, secrets: Secrets) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).write(true).open(path)?;
        let writing = Some(compressed::writer_of_repeats(file, COMPRESSION)?);
        Ok(Self { writing, left: MOST_BYTES, words, secrets, cut: None })
    }

    /// Keeps an exchange. What is too much is left out, and what cannot be written is not there to be given again: both are told at the end.
    pub(super) fn keep(&mut self, mut take: Take) {
        self.join(&mut take.answer);
        // An answer must be given again as it was, and a secret is not kept.
        if let Some(name) = self.secrets.first_in(take.answer.as_bytes()).map(str::to_owned) {
            return self.leave_out(format!("an answer held the value of `{name}`"));
        }
        let clean = |text: &str| clean(text, VERSION, &self.words, &self.secrets);
        let take = Take { path: clean(&take.path), request: clean(&take.request), answer: clean(&take.answer), ..take };
        if let Err(error) = self.write(&take) {
            self.leave_out(match error.kind() {
                io::ErrorKind::FileTooLarge => format!("more than {} MiB were exchanged", MOST_BYTES >> 20),
                _ => format!("it could not be written: {error}"),
            });
        }
    }

    /// Joins what a stream has cut, where no name could stand for it, nor a secret be found.
    fn join(&self, answer: &mut String) {
        let Some(whole) = joined(answer) else { return };
        let hides = |text: &str| (self.words.count(text), self.secrets.first_in(text.as_bytes()).is_some());
        if hides(&whole) != hides(answer) {
            *answer = whole;
        }
    }

    fn write(&mut self, take: &Take) -> io::Result<()> {
        let mut line = serde_json::to_vec(take)?;
        line.push(b'\n');
        let left = self.left.checked_sub(line.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        let writing = self.writing.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        writing.write_all(&line)?;
        writing.flush()?;
        self.left = left;
        Ok(())
    }

    /// Something is not kept that was to be. Nothing after it is of use.
    pub(super) fn leave_out(&mut self, why: String) {
        self.left = 0;
        self.cut.get_or_insert(why);
    }

    /// Ends it, durably. Gives why not all of it was kept.
    pub(super) fn end(&mut self) -> Option<String> {
        let writing = self.writing.take()?;
        if let Err(error) = writing.finish().and_then(|file| file.sync_data()) {
            self.leave_out(format!("it could not be written: {error}"));
        }
        self.cut.clone()
    }
}

/// A text as a tape of this version has it: names stand for what is the attempt's own, and for secrets.
fn clean(text: &str, version: u32, words: &OwnWords, secrets: &Secrets) -> String {
    let text = words.named(text, version);
    String::from_utf8_lossy(&secrets.redact(text.as_bytes())).into_owned()
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("cut", &self.cut).finish_non_exhaustive()
    }
}

/// A tape that is played: it gives the answers of another attempt.
pub(super) struct Played {
    takes: Vec<Kept>,
    version: u32,
    words: OwnWords,
    secrets: Secrets,
    /// How many requests to a model there were.
    asked: usize,
}

/// An exchange on a tape that is played.
struct Kept {
    take: Take,
    /// What its request is compared by.
    request: Digest,
    asks_a_model: bool,
    is_given: bool,
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// What a request is compared by.
fn compared_by(method: &str, path: &str, body: &str) -> Digest {
    Digest::of(format!("{method} {}\n{}", masked(path), compared(body, &NOT_COMPARED, &[])).as_bytes())
}

impl Played {
    /// Reads a tape.
    ///
    /// # Errors
    /// When it is damaged, cut off, or made by a newer version.
    pub(super) fn read(path: &Path, words: OwnWords, secrets: Secrets) -> io::Result<Self> {
        let file = files::open_regular(path).map_err(io::Error::other)?;
        if file.metadata()?.len() == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut lines = BufReader::new(compressed::reader(file)?.take(MOST_BYTES));
        let mut takes: Vec<Kept> = Vec::new();
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            let take: Take = serde_json::from_str(&line)?;
            if take.version > VERSION {
                return Err(io::Error::other("it was made by a newer version of cargo-scylla"));
            }
            if takes.first().is_some_and(|first| first.take.version != take.version) {
                return Err(io::Error::other("its lines were made by several versions of cargo-scylla"));
            }
            // What is a secret here was perhaps none where it was recorded, and what is asked is redacted, too.
            let redacted = |text: &str| String::from_utf8_lossy(&secrets.redact(text.as_bytes())).into_owned();
            let take = Take { path: redacted(&take.path), request: redacted(&take.request), ..take };
            let request = compared_by(&take.method, &take.path, &take.request);
            let asks_a_model = Interface::of_path(take.path.split('?').next().unwrap_or_default()).is_some();
            takes.push(Kept { take, request, asks_a_model, is_given: false });
            line.clear();
        }
        let version = takes.first().map_or(VERSION, |first| first.take.version);
        Ok(Self { takes, version, words, secrets, asked: 0 })
    }

    /// The answer to this request; else in what it differs from what is on the tape.
    pub(super) fn answer(&mut self, method: &str, path: &str, body: &str) -> Result<Take, String> {
        let [path, body] = [path, body].map(|text| clean(text, self.version, &self.words, &self.secrets));
        let asked = compared_by(method, &path, &body);
        self.asked += usize::from(Interface::of_path(path.split('?').next().unwrap_or_default()).is_some());
        let next = self.takes.iter().position(|kept| !kept.is_given && kept.request == asked);
        // A program that asks the same again is answered the same again.
        let found = next.or_else(|| self.takes.iter().rposition(|kept| kept.request == asked));
        let Some(at) = found else { return Err(self.difference(method, &path, &body)) };
        self.takes[at].is_given = true;
        let take = &self.takes[at].take;
        Ok(Take { answer: self.words.own(&take.answer, self.version), ..take.clone() })
    }

    /// Whoever asks reaches the gateway at this address, of those that are its words.
    pub(super) fn is_reached_at(&mut self, address: &str) {
        self.words.prefer(address);
    }

    /// How many requests to models are on the tape that nobody has asked.
    pub(super) fn left(&self) -> usize {
        self.takes.iter().filter(|kept| kept.asks_a_model && !kept.is_given).count()
    }

    fn difference(&self, method: &str, path: &str, body: &str) -> String {
        let what = format!("request {} to a model, `{method} {}`, is not in the record", self.asked, masked(path));
        let of_its_way = |kept: &&Kept| kept.take.method == method && masked(&kept.take.path) == masked(path);
        let is = compared(body, &NOT_COMPARED, &[]);
        let left = self.takes.iter().filter(of_its_way).filter(|kept| !kept.is_given);
        let left = left.map(|kept| compared(&kept.take.request, &NOT_COMPARED, &[]));
        // Programs have several things to ask a model for; the one that is meant begins in the same way.
        let meant = left.reduce(|one, other| if in_common(&is, &other) > in_common(&is, &one) { other } else { one });
        match meant {
            Some(was) => {
                let (is, was) = difference(&is, &was);
                format!("{what}: it has `{is}` where `{was}` was recorded")
            }
            None if self.takes.iter().any(|kept| of_its_way(&kept)) => {
                format!("{what}: all that was recorded there is asked already")
            }
            None => format!("{what}: nothing was asked there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(request: &str, answer: &str) -> Take {
        let (method, path) = ("POST".to_owned(), "/v1/messages".to_owned());
        let (request, answer) = (request.to_owned(), answer.to_owned());
        Take { version: VERSION, method, path, request, status: 200, headers: Vec::new(), answer, exceeded: None }
    }

    fn words(place: &str) -> OwnWords {
        OwnWords(vec![(place.to_owned(), "work")])
    }

    #[test]
    fn a_tape_gives_the_answers_in_their_order_and_in_the_words_of_another_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let mut tape = Tape::open(&path, words("/tmp/one"), Secrets::default()).unwrap();
        tape.keep(take(r#"{"b": "at 12:00:01", "a": "/tmp/one/x"}"#, "write /tmp/one/y"));
        tape.keep(take(r#"{"b": "at 12:00:01", "a": "/tmp/one/x"}"#, "second"));
        tape.keep(take(r#"{"b": "later"}"#, "third"));
        assert_eq!(tape.end(), None);
        let mut played = Played::read(&path, words("/tmp/two"), Secrets::none()).unwrap();
        assert_eq!(played.left(), 3);
        let mut ask = |path: &str, body: &str| played.answer("POST", path, body).map(|take| take.answer);
        let mut ask = |body: &str| ask("/v1/messages", body);
        let same = r#"{"a": "/tmp/two/x", "b": "at 13:59:59"}"#;
        assert_eq!(ask(same).as_deref(), Ok("write /tmp/two/y"));
        assert_eq!(ask(same).as_deref(), Ok("second"));
        assert_eq!(ask(same).as_deref(), Ok("second"), "the same again is answered the same again");
        let different = ask(r#"{"b": "other"}"#).unwrap_err();
        let expected = "request 4 to a model, `POST /v1/messages`, is not in the record: it has `{ \"b\": \"other\" }` where `{ \"b\": \"later\" }` was recorded";
        assert_eq!(different, expected);
        assert_eq!(ask(r#"{"b": "later"}"#).as_deref(), Ok("third"));
        let more = ask("{}").unwrap_err();
        assert!(more.ends_with("is not in the record: all that was recorded there is asked already"), "{more}");
        assert_eq!(played.left(), 0);
        let elsewhere = played.answer("POST", "/v1/responses", "{}").unwrap_err();
        assert!(elsewhere.ends_with("nothing was asked there"), "{elsewhere}");
    }

    #[test]
    fn what_is_too_much_is_left_out_with_all_that_follows_and_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let mut tape = Tape::open(&path, words("/tmp/one"), Secrets::default()).unwrap();
        tape.left = 400;
        tape.keep(take("{}", "first"));
        tape.keep(take("{}", &"x".repeat(400)));
        tape.keep(take("{}", "third"));
        assert_eq!(tape.end().as_deref(), Some("more than 256 MiB were exchanged"));
        let played = Played::read(&path, words("/tmp/one"), Secrets::none()).unwrap();
        assert_eq!(played.takes.iter().map(|kept| kept.take.answer.as_str()).collect::<Vec<_>>(), ["first"]);
    }

    /// As providers do, at any letter.
    #[test]
    fn what_is_an_attempts_own_is_found_where_a_stream_has_cut_it_and_so_is_a_secret() {
        let part = |text: &str| {
            let delta = serde_json::json!({"type": "text_delta", "text": text});
            format!("data: {}\n\n", serde_json::json!({"type": "content_block_delta", "index": 0, "delta": delta}))
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let text = "see /tmp/one/x";
        for at in 1..text.len() {
            let _ = std::fs::remove_file(&path);
            let mut tape = Tape::open(&path, words("/tmp/one"), secret("value-of-then")).unwrap();
            tape.keep(take("{}", &(part(&text[..at]) + &part(&text[at..]))));
            tape.keep(take("{\"b\": 1}", &(part("plain") + &part(" words"))));
            assert_eq!(tape.end(), None);
            let mut played = Played::read(&path, words("/tmp/two"), Secrets::none()).unwrap();
            let answer = played.answer("POST", "/v1/messages", "{}").unwrap().answer;
            let said = answer.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
            let said = said.map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap());
            let said: String = said.map(|data| data["delta"]["text"].as_str().unwrap().to_owned()).collect();
            assert_eq!(said, "see /tmp/two/x", "{at}");
            let other = played.answer("POST", "/v1/messages", "{\"b\": 1}").unwrap().answer;
            assert_eq!(other, part("plain") + &part(" words"), "what hides nothing stays as it came");
        }
        let mut tape = Tape::open(&folder.path().join("other"), words("/tmp/one"), secret("value-of-then")).unwrap();
        tape.keep(take("{}", &(part("it is value-") + &part("of-then"))));
        assert_eq!(tape.end().as_deref(), Some("an answer held the value of `MY_TOKEN`"));
    }

    fn secret(value: &str) -> Secrets {
        Secrets::from_environment([("MY_TOKEN".to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn a_request_that_held_a_secret_is_answered_whatever_its_value_is_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let asks = |value: &str| format!("{{\"content\": \"env says {value}, not plain-word\"}}");
        let mut tape = Tape::open(&path, words("/tmp/one"), secret("value-of-then")).unwrap();
        tape.keep(take(&asks("value-of-then"), "first"));
        tape.keep(take("{}", "second"));
        assert_eq!(tape.end(), None);
        for now in ["value-of-then", "value-of-now", "plain-word"] {
            let mut played = Played::read(&path, words("/tmp/two"), secret(now)).unwrap();
            let answer = played.answer("POST", "/v1/messages", &asks(now)).map(|take| take.answer);
            assert_eq!(answer.as_deref(), Ok("first"), "{now}");
            let other = played.answer("POST", "/v1/messages", &asks(&format!("other {now}"))).unwrap_err();
            assert!(other.contains("other [redacted:MY_TOKEN]") && !other.contains(now), "{other}");
        }
    }

    #[test]
    fn an_answer_that_held_a_secret_cannot_be_given_again_as_it_was_and_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let mut tape = Tape::open(&path, words("/tmp/one"), secret("value-of-then")).unwrap();
        tape.keep(take("{}", "first"));
        tape.keep(take("{}", "it is value-of-then"));
        tape.keep(take("{}", "third"));
        assert_eq!(tape.end().as_deref(), Some("an answer held the value of `MY_TOKEN`"));
        assert_eq!(Played::read(&path, words("/tmp/one"), Secrets::none()).unwrap().takes.len(), 1);
    }

    /// Writes a tape of these lines.
    fn written(path: &Path, takes: &[Take]) {
        let mut writing = compressed::writer(Vec::new(), COMPRESSION).unwrap();
        for take in takes {
            writing.write_all((serde_json::to_string(take).unwrap() + "\n").as_bytes()).unwrap();
        }
        std::fs::write(path, writing.finish().unwrap()).unwrap();
    }

    #[test]
    fn a_tape_of_the_first_version_is_played_by_its_own_rules_and_one_of_two_versions_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let of_version =
            |version| Take { version, ..take(r#"{"a": "{work}/x f'{other}'"}"#, "write {work}/y ⟦work⟧") };
        written(&path, &[of_version(1)]);
        let mut played = Played::read(&path, words("/tmp/two"), Secrets::none()).unwrap();
        let answer = played.answer("POST", "/v1/messages", r#"{"a": "/tmp/two/x f'{other}'"}"#).unwrap().answer;
        assert_eq!(answer, "write /tmp/two/y ⟦work⟧");
        written(&path, &[of_version(1), of_version(2)]);
        let refused = Played::read(&path, words("/tmp/two"), Secrets::none()).map(|_| ()).unwrap_err();
        assert_eq!(refused.to_string(), "its lines were made by several versions of cargo-scylla");
    }

    #[test]
    fn a_tape_that_is_cut_at_any_byte_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let mut tape = Tape::open(&path, words("/tmp/one"), Secrets::default()).unwrap();
        (0..3).for_each(|number| tape.keep(take(&format!("{{\"a\": {number}}}"), "an answer")));
        assert_eq!(tape.end(), None);
        let whole = std::fs::read(&path).unwrap();
        assert!(Played::read(&path, words("/tmp/one"), Secrets::none()).is_ok());
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Played::read(&path, words("/tmp/one"), Secrets::none()).is_err(), "{length} of {}", whole.len());
        }
        std::fs::write(&path, "no tape").unwrap();
        assert!(Played::read(&path, words("/tmp/one"), Secrets::none()).is_err());
        written(&path, &[Take { version: VERSION + 1, ..take("{}", "") }]);
        let refused = Played::read(&path, words("/tmp/one"), Secrets::none()).map(|_| ()).unwrap_err();
        assert_eq!(refused.to_string(), "it was made by a newer version of cargo-scylla");
    }
}
