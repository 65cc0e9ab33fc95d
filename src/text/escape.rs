//! Makes text from other sources harmless where it is shown: in terminals, XML, JSON and the logs of GitHub.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal or an editor interprets the character instead of showing it: control characters, direction marks,
/// line separators, and characters without a width that hide in text.
fn is_obeyed(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_control();
    }
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a text has only letters, digits and signs of ASCII, line feeds and tabs. Most texts have, and that is seen much faster
/// than what each character is.
fn is_plain(text: &str) -> bool {
    // Without an early end, so that many bytes are looked at by one instruction.
    text.bytes().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

/// Replaces each character for which `replacement` returns something; borrows when there is none.
fn replace_chars(text: &str, replacement: impl Fn(char) -> Option<Cow<'static, str>>) -> Cow<'_, str> {
    let Some((clean, _)) = text.char_indices().find(|(_, char)| replacement(*char).is_some()) else {
        return Cow::Borrowed(text);
    };
    let mut replaced = text[..clean].to_owned();
    for char in text[clean..].chars() {
        match replacement(char) {
            Some(other) => replaced.push_str(&other),
            None => replaced.push(char),
        }
    }
    Cow::Owned(replaced)
}

fn visible(char: char) -> Option<Cow<'static, str>> {
    is_obeyed(char).then(|| char.escape_default().to_string().into())
}

/// `text` on one line of a terminal: characters that a terminal would interpret are shown as `\n`, `\t` or `\u{1b}`.
///
/// Logs of CI services count as terminals too: a text that they would take for a command gets a backslash.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    match replace_chars(text, visible) {
        Cow::Borrowed(shown) => apart(shown),
        Cow::Owned(shown) => Cow::Owned(apart(&shown).into_owned()),
    }
}

/// A line that the log of a CI service takes for no command.
fn apart(shown: &str) -> Cow<'_, str> {
    let words = shown.trim_start();
    // GitHub interprets a line that begins with `::`, after any white space, as a command, and one of the old form
    // `##[name]` anywhere in a line, as Azure does with `##vso[name]`.
    if !words.starts_with("::") && !shown.contains("##[") && !shown.contains("##vso[") {
        return Cow::Borrowed(shown);
    }
    let apart = shown.replace("##[", r"#\#[").replace("##vso[", r"#\#vso[");
    let words = apart.trim_start();
    let command = if words.starts_with("::") { r"\" } else { "" };
    Cow::Owned(format!("{}{command}{words}", &apart[..apart.len() - words.len()]))
}

/// `text` of several lines for a terminal: line feeds and tabs stay, and each line is as [`terminal`] makes it.
#[must_use]
pub fn text(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let shown = replace_chars(line, |char| if char == '\t' { None } else { visible(char) });
        apart(&shown).into_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `text` of several lines for a page or a pane that no CI service reads: line feeds and tabs stay, and what would be obeyed is
/// shown.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    replace_chars(text, |char| if matches!(char, '\n' | '\t') { None } else { visible(char) })
}

/// `text` for XML 1.0, as content or in an attribute: characters that XML forbids are shown as `\u{1b}`.
#[must_use]
pub fn xml(text: &str) -> Cow<'_, str> {
    replace_chars(text, |char| match char {
        '&' => Some("&amp;".into()),
        '<' => Some("&lt;".into()),
        '>' => Some("&gt;".into()),
        '"' => Some("&quot;".into()),
        '\'' => Some("&apos;".into()),
        '\n' => Some("&#10;".into()),
        '\t' => Some("&#9;".into()),
        '\r' => Some("&#13;".into()),
        '\u{fffe}' | '\u{ffff}' => Some(char.escape_default().to_string().into()),
        _ => visible(char),
    })
}

/// `text` as words of a Markdown text, also in a cell of a table: nothing in it is a link, a tag, a picture or a mention.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in terminal(text).chars() {
        match char {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // A mention or a reference to an issue begins only at a word's start, which the empty comment ends.
            '@' | '#' => {
                shown.push(char);
                shown.push_str("<!-- -->");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                shown.push('\\');
                shown.push(char);
            }
            char => shown.push(char),
        }
    }
    // A bare address is a link by itself.
    shown.replace("://", ":<!-- -->//").replace("www.", "www<!-- -->.")
}

/// `text` as words of a LaTeX text. Characters that the usual fonts have no shape for are written by their names.
#[must_use]
pub fn latex(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in terminal(text).chars() {
        match char {
            '\\' => shown.push_str("\\textbackslash{}"),
            '~' => shown.push_str("\\textasciitilde{}"),
            '^' => shown.push_str("\\textasciicircum{}"),
            // A line is not broken between a number and its unit.
            '%' if shown.ends_with(' ') => {
                shown.pop();
                shown.push_str("~\\%");
            }
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                shown.push('\\');
                shown.push(char);
            }
            '–' => shown.push_str("--"),
            '±' => shown.push_str("$\\pm$"),
            '★' => shown.push_str("$\\star$"),
            '<' => shown.push_str("\\textless{}"),
            '>' => shown.push_str("\\textgreater{}"),
            char => shown.push(char),
        }
    }
    shown
}

/// A JSON text without characters that a terminal interprets; parsing it gives the same values.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    if is_plain(text) && !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    replace_chars(text, |char| {
        // Line feeds separate the tokens of a JSON text; within strings they are escaped already.
        if char == '\n' || !is_obeyed(char) {
            return None;
        }
        let mut units = [0; 2];
        let mut escaped = String::new();
        for unit in char.encode_utf16(&mut units) {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
        Some(escaped.into())
    })
}

/// `text` as the message of a GitHub workflow command.
#[must_use]
pub fn github_message(text: &str) -> String {
    let escaped = replace_chars(text, |char| match char {
        '%' => Some("%25".into()),
        '\n' => Some("%0A".into()),
        '\r' => Some("%0D".into()),
        _ => visible(char),
    });
    // Commands of the old forms `##[name]` and `##vso[name]` are recognised anywhere in a line.
    let mut apart = String::with_capacity(escaped.len());
    for char in escaped.chars() {
        if char == '#' && apart.ends_with('#') {
            apart.push(' ');
        }
        apart.push(char);
    }
    apart
}

/// `text` as a property of a GitHub workflow command.
#[must_use]
pub fn github_property(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// `path` as a relative reference as defined by RFC 3986: `/` stays, and special bytes become `%XX`.
#[must_use]
pub fn uri(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_terminal_is_shown_what_it_would_obey() {
        for (hostile, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", r"\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}", r"\u{1b}]52;c;ZXZpbA==\u{7}"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\", r"\u{1b}]8;;https://evil.example\u{1b}\"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("a\rb\nc\td\u{8}", r"a\rb\nc\td\u{8}"),
            ("\u{202e}gnp.exe\u{2066}", r"\u{202e}gnp.exe\u{2066}"),
            ("zero\u{200b}width\u{e0041}", r"zero\u{200b}width\u{e0041}"),
        ] {
            assert_eq!(terminal(hostile), shown);
        }
    }

    #[test]
    fn a_text_keeps_its_lines_and_tabs_and_nothing_else_that_is_obeyed() {
        assert_eq!(text("a\tb\r\n::x\n\u{1b}[2J\n"), "a\tb\\r\n\\::x\n\\u{1b}[2J\n");
        assert_eq!(text("\t::x"), "\t\\::x");
        assert_eq!(text(""), "");
    }

    #[test]
    fn a_log_is_given_no_command() {
        for (hostile, shown) in [
            ("::add-mask::x", r"\::add-mask::x"),
            ("  ::error::x", r"  \::error::x"),
            ("a ##[add-mask]x ##vso[task.y]", r"a #\#[add-mask]x #\#vso[task.y]"),
        ] {
            assert_eq!(terminal(hostile), shown);
        }
        assert_eq!(terminal("## Heading of std::fmt"), "## Heading of std::fmt");
    }

    #[test]
    fn text_of_people_stays_as_it_is() {
        for text in ["", "T0/00/run_01", "naïve – “quoted” … 日本語 👩‍🔬 עברית"] {
            assert!(matches!(terminal(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn xml_can_neither_be_closed_nor_broken() {
        assert_eq!(xml("a]]><b c=\"d\" e='f'>&"), "a]]&gt;&lt;b c=&quot;d&quot; e=&apos;f&apos;&gt;&amp;");
        assert_eq!(xml("\u{0}\u{1b}\u{ffff}\n"), r"\u{0}\u{1b}\u{ffff}&#10;");
    }

    #[test]
    fn a_github_message_gives_no_command() {
        assert_eq!(
            github_message("100%\n::stop-commands::x\r##[add-mask]a ##vso[task.x]"),
            "100%25%0A::stop-commands::x%0D# #[add-mask]a # #vso[task.x]"
        );
        assert_eq!(github_message("###[group]"), "# # #[group]");
    }

    #[test]
    fn a_github_property_ends_neither_itself_nor_the_list() {
        assert_eq!(github_property("a:b,c=d::e\n%"), "a%3Ab%2Cc=d%3A%3Ae%0A%25");
    }

    #[test]
    fn a_uri_keeps_its_slashes_only() {
        assert_eq!(uri("T0/00/a b#c?d:é"), "T0/00/a%20b%23c%3Fd%3A%C3%A9");
    }

    proptest! {
        #[test]
        fn json_reads_back_the_same_and_shows_nothing_to_be_obeyed(text in any::<String>()) {
            let written = serde_json::to_string_pretty(std::slice::from_ref(&text)).unwrap();
            let escaped = json(&written);
            prop_assert!(!escaped.chars().any(|char| char != '\n' && is_obeyed(char)));
            let read: Vec<String> = serde_json::from_str(&escaped).unwrap();
            prop_assert_eq!(read, vec![text]);
        }

        #[test]
        fn nothing_to_be_obeyed_is_left_anywhere(text in any::<String>()) {
            for escaped in [terminal(&text), xml(&text), github_message(&text).into(), github_property(&text).into()] {
                prop_assert!(!escaped.chars().any(is_obeyed), "{}", escaped);
            }
            prop_assert!(!github_message(&text).contains("##"));
        }
    }
}
