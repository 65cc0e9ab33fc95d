//! A screen that is redrawn: none of its lines wraps, and it never scrolls.

use crate::os::terminal::Size;
use crate::text::columns::{columns, cut};
use crate::text::words::counted;

/// `text` cut to the size of the terminal, with one row left for the cursor. The lines of `last` always stay at the
/// end: a person copies them, so they may wrap. Rows that do not fit in between are counted.
pub(super) fn fit(text: &str, last: &str, size: Size) -> String {
    let rows_of = |line: &str| columns(line).div_ceil(size.columns).max(1);
    let last_rows: usize = last.lines().map(rows_of).sum();
    let most = size.rows.saturating_sub(1).saturating_sub(last_rows).max(1);
    let lines: Vec<&str> = text.trim_end_matches('\n').lines().collect();
    let fitting = if lines.len() <= most { lines.len() } else { most.saturating_sub(1).max(1) };
    let mut kept: Vec<String> = lines.iter().take(fitting).map(|line| cut(line, size.columns)).collect();
    if lines.len() > most && most > 1 {
        kept.push(cut(&format!("… {} more", counted(lines.len() - fitting, "line")), size.columns));
    }
    kept.extend(last.lines().map(str::to_owned));
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 10, rows: 6 };

    #[test]
    fn what_fits_is_left_as_it_is() {
        assert_eq!(fit("a\n\nb\n", "", SIZE), "a\n\nb");
    }

    #[test]
    fn a_line_that_would_wrap_is_cut_and_rows_that_do_not_fit_are_counted() {
        let frame = fit("title\nlong enough to wrap\n3\n4\n5\n6\n7\n", "", SIZE);
        assert_eq!(frame, "title\nlong enou…\n3\n4\n… 3 lines…");
    }

    #[test]
    fn a_command_at_the_end_stays_whole() {
        let frame = fit("title\n2\n3\n4\n5\n", "To do:\n  resume 123", SIZE);
        assert_eq!(frame, "title\n… 4 lines…\nTo do:\n  resume 123");
        assert_eq!(
            fit("title\n2\n", "a command that needs every row there is and more", SIZE).lines().next(),
            Some("title")
        );
    }
}
