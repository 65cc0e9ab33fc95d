//! Typed reading of a mapping: missing, unknown or wrongly typed values become mistakes, and reading goes on.

use std::cell::RefCell;
use std::path::Path;

use crate::model::money::Usd;
use crate::text::nearest::nearest;
use crate::text::short;
use crate::text::words::seconds_of;

use super::mistake::{Mistake, Mistakes};
use super::node::{Entry, Node, Place, Value};

/// Longest time limit that is accepted, in seconds: one year.
pub(super) const MOST_SECONDS: u64 = 365 * 24 * 3600;

/// A file that is being read, and the collection of its mistakes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    /// The file, for messages.
    pub(super) file: &'a Path,
    /// Collects mistakes.
    pub(super) mistakes: &'a Mistakes,
}

impl<'a> Page<'a> {
    /// Reports a mistake.
    pub(super) fn mistake(&self, place: Place, message: impl Into<String>) {
        self.mistakes.add(Mistake::new(self.file, message).at(place));
    }

    /// Reports a mistake with advice.
    pub(super) fn mistake_with_hint(&self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.add(Mistake::new(self.file, message).at(place).hint(hint));
    }

    /// Reports that a word is unknown, and suggests a similar one.
    pub(super) fn unknown(&self, place: Place, message: String, word: &str, known: &[&str]) {
        match nearest(word, known.iter().copied()) {
            Some(near) => self.mistake_with_hint(place, message, format!("did you mean `{near}`?")),
            None if known.is_empty() => self.mistake(place, message),
            None => self.mistake_with_hint(place, message, format!("known are {}", listed(known))),
        }
    }

    /// The mapping that the node must be; `path` is its name in messages, empty for a whole file.
    pub(super) fn fields(self, node: &'a Node, path: &str) -> Option<Fields<'a>> {
        match &node.value {
            Value::Mapping(entries) => Some(Fields {
                page: self,
                path: path.to_owned(),
                place: node.place,
                entries,
                known: RefCell::default(),
            }),
            other => {
                let what = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
                self.mistake(node.place, format!("{what} is {}, not a mapping", other.kind()));
                None
            }
        }
    }

    /// The text that the node must be, without a zero byte, which no program argument can contain.
    pub(super) fn text(&self, node: &'a Node, path: &str) -> Option<&'a str> {
        let text = self.typed(node, path, "a text", Node::text)?;
        if text.contains('\0') {
            self.mistake(node.place, format!("`{path}` has a zero byte in it"));
            return None;
        }
        Some(text)
    }

    /// The list that the node must be.
    pub(super) fn list(&self, node: &'a Node, path: &str) -> Option<&'a [Node]> {
        self.typed(node, path, "a list", |node| match &node.value {
            Value::List(items) => Some(items.as_slice()),
            _ => None,
        })
    }

    /// The texts that the node must be a list of.
    pub(super) fn texts(&self, node: &'a Node, path: &str) -> Option<Vec<&'a str>> {
        let items = self.list(node, path)?;
        let texts: Vec<&str> = items.iter().filter_map(|item| self.text(item, path)).collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// The value that `read` makes of the node; reports a mistake when it makes none.
    pub(super) fn typed<T>(
        &self,
        node: &'a Node,
        path: &str,
        wanted: &str,
        read: impl FnOnce(&'a Node) -> Option<T>,
    ) -> Option<T> {
        let value = read(node);
        if value.is_none() {
            let found = match &node.value {
                Value::Bare(text) | Value::Number(text) => format!("`{}`", cut(text)),
                Value::Quoted(text) => format!("`\"{}\"`", cut(text)),
                other => other.kind().to_owned(),
            };
            self.mistake(node.place, format!("`{path}` is {found}, not {wanted}"));
        }
        value
    }
}

/// The keys of one mapping; [`Fields::close`] reports those that were never read.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// The file of the mapping.
    pub(super) page: Page<'a>,
    /// Where the mapping begins.
    pub(super) place: Place,
    path: String,
    entries: &'a [Entry],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The name of a key of this mapping in messages.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key; an empty one counts as missing.
    pub(super) fn find(&self, key: &'static str) -> Option<&'a Node> {
        if !self.known.borrow().contains(&key) {
            self.known.borrow_mut().push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.node.value != Value::Empty).then_some(&entry.node)
    }

    /// The value of a required key.
    pub(super) fn require(&self, key: &'static str) -> Option<&'a Node> {
        let node = self.find(key);
        if node.is_none() {
            let place = self.entries.iter().find(|entry| entry.key == key).map_or(self.place, |entry| entry.place);
            self.page.mistake(place, format!("`{}` is missing", self.path(key)));
        }
        node
    }

    /// The place of a key's value, else of the mapping.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.place, |entry| entry.node.place)
    }

    /// The text of a key, if it is there.
    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.find(key).and_then(|node| self.page.text(node, &self.path(key)))
    }

    /// The text of a required key, which must not be empty.
    pub(super) fn require_text(&self, key: &'static str) -> Option<&'a str> {
        let node = self.require(key)?;
        let text = self.page.text(node, &self.path(key))?;
        if text.trim().is_empty() {
            self.page.mistake(node.place, format!("`{}` says nothing", self.path(key)));
            return None;
        }
        Some(text)
    }

    /// The meaning of a key's word, if the key is there; it must be one of a few.
    pub(super) fn choice<T>(&self, key: &'static str, words: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
        let node = self.find(key)?;
        let text = self.page.text(node, &self.path(key))?;
        let mut meant = None;
        let mut known = Vec::new();
        for (word, this) in words {
            known.push(word);
            if word == text {
                meant = Some(this);
            }
        }
        if meant.is_none() {
            self.page.unknown(node.place, format!("`{}` cannot be `{}`", self.path(key), cut(text)), text, &known);
        }
        meant
    }

    /// The value of a boolean key, if it is there.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.find(key)?;
        self.page.typed(node, &self.path(key), "`true` or `false`", Node::flag)
    }

    /// The time limit of a key in seconds, if it is there.
    pub(super) fn seconds(&self, key: &'static str) -> Option<u64> {
        let wanted =
            format!("a whole number of seconds from 1 to {MOST_SECONDS}, or a time such as `90s`, `10m` or `1h30m`");
        self.find(key).and_then(|node| {
            self.page.typed(node, &self.path(key), &wanted, |node| {
                let seconds = node.whole().or_else(|| node.text().and_then(seconds_of));
                seconds.filter(|seconds| (1..=MOST_SECONDS).contains(seconds))
            })
        })
    }

    /// The cost of a key in US dollars, if it is there.
    pub(super) fn cost(&self, key: &'static str) -> Option<Usd> {
        let wanted = format!("a number of US dollars from 0 to {}", Usd::MOST_DOLLARS);
        let read = |node: &Node| node.number().and_then(|dollars| Usd::from_dollars(dollars).ok());
        self.find(key).and_then(|node| self.page.typed(node, &self.path(key), &wanted, read))
    }

    /// The count of a key, from 1, if it is there.
    pub(super) fn count(&self, key: &'static str, most: u32) -> Option<u32> {
        let wanted = format!("a whole number from 1 to {most}");
        self.find(key).and_then(|node| {
            self.page.typed(node, &self.path(key), &wanted, |node| {
                node.whole().and_then(|count| u32::try_from(count).ok()).filter(|count| (1..=most).contains(count))
            })
        })
    }

    /// The count of a key, from 1 and without an upper bound, if it is there.
    pub(super) fn large_count(&self, key: &'static str) -> Option<u64> {
        let read = |node: &Node| node.whole().filter(|count| *count > 0);
        self.find(key).and_then(|node| self.page.typed(node, &self.path(key), "a whole number from 1", read))
    }

    /// The mapping of a key, if it is there.
    pub(super) fn fields(&self, key: &'static str) -> Option<Fields<'a>> {
        self.find(key).and_then(|node| self.page.fields(node, &self.path(key)))
    }

    /// The mapping of a required key.
    pub(super) fn require_fields(&self, key: &'static str) -> Option<Fields<'a>> {
        self.require(key).and_then(|node| self.page.fields(node, &self.path(key)))
    }

    /// Every key with its value, for mappings with arbitrary keys.
    pub(super) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Reports every key that was never read, but for these, which are accepted and have no effect.
    pub(super) fn close_but_for<const COUNT: usize>(self, without_effect: [&'static str; COUNT]) {
        let _ = without_effect.map(|key| self.find(key));
        self.close();
    }

    /// Reports every key that was never read.
    pub(super) fn close(self) {
        let known = self.known.borrow();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = format!("unknown key `{}`", self.path(&cut(&entry.key)));
            self.page.unknown(entry.place, message, &entry.key, &known);
        }
    }
}

/// Words in backticks with commas.
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A text short enough for a message.
fn cut(text: &str) -> String {
    const MOST: usize = 60;
    short::cut(text, MOST)
}
