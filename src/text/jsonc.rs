//! JSON with comments and commas behind the last element, as configurations of programs have it.

use std::iter::Peekable;
use std::str::Chars;

/// The same as JSON: comments become a space, and a comma behind the last element is gone. What is no JSON otherwise stays none.
#[must_use]
pub fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    // A comma waits for what follows it.
    let mut comma = false;
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('/', Some('/')) => skip_line(&mut rest),
            ('/', Some('*')) => skip_block(&mut rest),
            (letter, _) if letter.is_whitespace() => json.push(letter),
            (letter, _) => {
                if std::mem::take(&mut comma) && !matches!(letter, '}' | ']') {
                    json.push(',');
                }
                match letter {
                    ',' => comma = true,
                    '"' => copy_string(&mut rest, &mut json),
                    letter => json.push(letter),
                }
            }
        }
    }
    if comma {
        json.push(',');
    }
    json
}

fn skip_line(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|letter| *letter != '\n').is_some() {}
}

fn skip_block(rest: &mut Peekable<Chars<'_>>) {
    rest.next();
    while let Some(letter) = rest.next() {
        if letter == '*' && rest.next_if_eq(&'/').is_some() {
            return;
        }
    }
}

fn copy_string(rest: &mut Peekable<Chars<'_>>, json: &mut String) {
    json.push('"');
    while let Some(letter) = rest.next() {
        json.push(letter);
        match letter {
            '\\' => json.extend(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_gone_and_what_stands_in_texts_stays() {
        for (text, json) in [
            ("{/* c */\"a\": 1, // x\n}", "{\"a\": 1 \n}"),
            ("{\"a\": \"// \\\" /* x */,}\", \"b\": [1, 2,],}", "{\"a\": \"// \\\" /* x */,}\", \"b\": [1, 2]}"),
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("{\"a\": \"open", "{\"a\": \"open"),
            ("[1,,2]", "[1,,2]"),
            ("/* open", ""),
        ] {
            let found = to_json(text);
            assert_eq!(found.replace(char::is_whitespace, ""), json.replace(char::is_whitespace, ""), "{text}");
        }
    }
}
