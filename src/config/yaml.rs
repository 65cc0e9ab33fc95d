//! The door to YAML: a text becomes a tree of nodes with places, or a list of mistakes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_saphyr::budget::{Budget, EnforcingPolicy, check_yaml_budget};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::mistake::Mistake;
use super::node::{Entry, Node, Place, Value};

/// Most nodes of a file after its aliases are expanded: a thousand times as many as in a usual fixture.
const MOST_NODES: usize = 100_000;

/// Reads the one document of a YAML file.
pub(super) fn parse(text: &str, file: &Path) -> Result<Node, Vec<Mistake>> {
    // The budget limits depth, size and the ratio of aliases before anything recursive reads the text.
    let report = check_yaml_budget(text, Budget::default(), EnforcingPolicy::AllContent)
        .map_err(|error| vec![syntax(file, &error)])?;
    if report.breached.is_some() {
        return Err(vec![Mistake::new(file, "is too large or too deep for a file that a person wrote")]);
    }
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        file,
        anchors: BTreeMap::new(),
        nodes: 0,
        mistakes: Vec::new(),
        documents: 0,
    };
    let root = builder.document().map_err(|mistake| vec![mistake])?;
    if builder.mistakes.is_empty() { Ok(root) } else { Err(builder.mistakes) }
}

fn syntax(file: &Path, error: &ScanError) -> Mistake {
    let place = Place::new(error.marker().line(), error.marker().col() + 1);
    Mistake::new(file, format!("is not YAML: {}", error.info())).at(place)
}

fn place(span: &Span) -> Place {
    Place::new(span.start.line(), span.start.col() + 1)
}

/// A node that an alias can repeat, with the number of nodes in it.
struct Anchored {
    node: Node,
    nodes: usize,
}

/// Turns the parser's events into nodes.
struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    file: &'a Path,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    mistakes: Vec<Mistake>,
    documents: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Mistake> {
        let mut root = Node { value: Value::Empty, place: Place::new(1, 1) };
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) => {
                    self.documents += 1;
                    if self.documents == 2 {
                        self.mistakes.push(Mistake::new(self.file, "has a second document").at(place(&span)));
                    }
                }
                event if event.is_node() => {
                    let node = self.node(event, &span)?;
                    if self.documents == 1 {
                        root = node;
                    }
                }
                _ => {}
            }
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Mistake> {
        self.parser.next_event().transpose().map_err(|error| syntax(self.file, &error))
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Mistake> {
        let before = self.nodes;
        self.count(1, span)?;
        if event.tag().is_some() {
            let tagged = Mistake::new(self.file, "has a YAML tag, which has no meaning here").at(place(span));
            self.mistakes.push(tagged);
        }
        let anchor = event.anchor_id();
        let value = match event {
            Event::Alias(anchor) => return self.repeat(anchor, span),
            Event::Scalar(text, style, ..) => scalar(text.into_owned(), style),
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.mapping()?,
            _ => Value::Empty,
        };
        let node = Node { value, place: place(span) };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes: self.nodes - before });
        }
        Ok(node)
    }

    /// The node of an alias, at the place of the alias so that a mistake names where it is used.
    fn repeat(&mut self, anchor: usize, span: &Span) -> Result<Node, Mistake> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Mistake::new(self.file, "has an alias within its own anchor").at(place(span)));
        };
        let (nodes, node) = (anchored.nodes, Node { place: place(span), ..anchored.node.clone() });
        self.count(nodes, span)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), Mistake> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            let message = format!("has more than {MOST_NODES} values once its aliases are written out");
            return Err(Mistake::new(self.file, message).at(place(span)));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Value, Mistake> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::SequenceEnd => break,
                event if event.is_node() => items.push(self.node(event, &span)?),
                _ => {}
            }
        }
        Ok(Value::List(items))
    }

    fn mapping(&mut self) -> Result<Value, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut key: Option<Node> = None;
        while let Some((event, span)) = self.next()? {
            let node = match event {
                Event::MappingEnd => break,
                event if event.is_node() => self.node(event, &span)?,
                _ => continue,
            };
            match key.take() {
                None => key = Some(node),
                Some(key) => self.entry(&mut entries, &key, node),
            }
        }
        Ok(Value::Mapping(entries))
    }

    fn entry(&mut self, entries: &mut Vec<Entry>, key: &Node, node: Node) {
        let Some(text) = key.text() else {
            self.mistakes.push(Mistake::new(self.file, format!("a key is {}", key.value.kind())).at(key.place));
            return;
        };
        if entries.iter().any(|entry| entry.key == text) {
            self.mistakes.push(Mistake::new(self.file, format!("`{text}` is there twice")).at(key.place));
            return;
        }
        entries.push(Entry { key: text.to_owned(), place: key.place, node });
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    match style {
        ScalarStyle::Plain if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") => Value::Empty,
        ScalarStyle::Plain => Value::Bare(text),
        _ => Value::Quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        parse(text, Path::new("f.yaml")).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_node_knows_its_line_and_a_commit_of_digits_stays_a_text() {
        let root = parse("# first\na: 0123\nb:\n  - {c: 'x'}\n", Path::new("f.yaml")).unwrap();
        let Value::Mapping(entries) = &root.value else { panic!("{root:?}") };
        assert_eq!(entries[0].node.value, Value::Bare("0123".into()));
        assert_eq!(entries[0].place, Place::new(2, 1));
        assert_eq!(entries[0].node.place, Place::new(2, 4));
        let Value::List(items) = &entries[1].node.value else { panic!("{root:?}") };
        assert_eq!(items[0].place, Place::new(4, 5));
    }

    #[test]
    fn an_alias_stands_for_its_anchor_at_its_own_place() {
        let root = parse("a: &x [1, 2]\nb: *x\n", Path::new("f.yaml")).unwrap();
        let Value::Mapping(entries) = &root.value else { panic!("{root:?}") };
        assert_eq!(entries[0].node.value, entries[1].node.value);
        assert_eq!(entries[1].node.place, Place::new(2, 4));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let level = |level: usize| match level.checked_sub(1) {
            None => format!("a0: &a0 [{}]", ["x"; 10].join(", ")),
            Some(former) => format!("a{level}: &a{level} [{}]", vec![format!("*a{former}"); 10].join(", ")),
        };
        let bomb: String = (0..9).map(level).collect::<Vec<_>>().join("\n");
        let messages = messages(&bomb);
        assert!(messages[0].contains("more than 100000 values"), "{messages:?}");
    }

    #[test]
    fn a_deep_file_is_refused_before_anything_recurses_into_it() {
        assert!(messages(&"[".repeat(200))[0].starts_with("f.yaml:"));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(messages(&deep), ["f.yaml: is too large or too deep for a file that a person wrote"]);
    }

    #[test]
    fn what_yaml_allows_and_a_fixture_cannot_mean_is_a_mistake() {
        assert_eq!(messages("a: 1\na: 2\n"), ["f.yaml:2: `a` is there twice"]);
        assert_eq!(messages("a: 1\n---\nb: 1\n"), ["f.yaml:2: has a second document"]);
        assert_eq!(messages("[1]: 1\n"), ["f.yaml:1: a key is a list"]);
        assert_eq!(messages("a: !secret 1\n"), ["f.yaml:1: has a YAML tag, which has no meaning here"]);
        assert_eq!(messages("a: &x [*x]\n"), ["f.yaml:1: has an alias within its own anchor"]);
        assert!(messages("a: [1\nb: 2\n")[0].starts_with("f.yaml:2: is not YAML: "));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9 \\n\\t\\-:\\[\\]{}&*'\"#|>!%@=.é\0]{0,80}") {
            let _ = parse(&text, Path::new("any"));
        }
    }
}
