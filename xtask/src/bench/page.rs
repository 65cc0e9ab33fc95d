//! `docs/benchmarks.md`: prose by hand, and a table between two marks for each section.

use std::fs;

use jiff::Timestamp;

use super::table::Table;
use crate::failure::Failure;
use crate::place;
use crate::program::Program;

/// Puts the table of a section into the page, with the machine and the day.
pub(super) fn write(table: &Table, quick: bool) -> Result<(), Failure> {
    let path = place::docs().join("benchmarks.md");
    let page = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
    let mut lines = vec![measured_on(quick)?, String::new()];
    lines.extend(table.lines());
    let page = replaced(&page, table.section, &lines.join("\n")).ok_or_else(|| {
        let missing = format!("there are no marks of the section `{}`", table.section);
        Failure::file("write", &path)(std::io::Error::other(missing))
    })?;
    fs::write(&path, page).map_err(Failure::file("write", &path))
}

/// The page with another text between the marks of a section; `None` when it has no such marks.
fn replaced(page: &str, section: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {section}: begin -->\n"), format!("<!-- {section}: end -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}\n{end}{after}"))
}

/// When and where a table was taken.
fn measured_on(quick: bool) -> Result<String, Failure> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let file_system = Program::new("stat").args(["--file-system", "--format", "%T", "target"]).read()?;
    let kernel = read("/proc/sys/kernel/osrelease");
    let git = Program::new("git").args(["--version"]).read()?;
    let rustc = Program::new("rustc").args(["--version"]).read()?;
    let manner = if quick { "quick, " } else { "" };
    Ok(format!(
        "{}, {manner}{cores} cores ({}), load {load} at the end, Linux {}, {}, {}, {}.",
        Timestamp::now().strftime("%Y-%m-%d"),
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim(),
        file_system.trim(),
        rustc.trim(),
        git.trim(),
    ))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::bench::Section;

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let page = "a\n<!-- start: begin -->\nold\n<!-- start: end -->\nb\n";
        let expected = "a\n<!-- start: begin -->\nnew\n<!-- start: end -->\nb\n";
        assert_eq!(replaced(page, "start", "new").as_deref(), Some(expected));
        assert_eq!(replaced(page, "flat", "new"), None);
    }

    #[test]
    fn the_page_has_a_place_for_every_section() {
        let page = fs::read_to_string(place::docs().join("benchmarks.md")).unwrap();
        for section in Section::value_variants() {
            assert!(replaced(&page, section.name(), "").is_some(), "{section:?}");
        }
    }
}
