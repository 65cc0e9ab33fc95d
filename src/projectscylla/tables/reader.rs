//! Cells of a table, each read as what its column holds, and the place of each mistake.

use std::collections::BTreeMap;
use std::fmt;

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use crate::model::score::Grade;

/// Most mistakes that are told of one file.
const MOST_TOLD: usize = 20;

/// Columns of a table beside those that name a run.
pub(super) struct Columns {
    pub(super) needed: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TableError {
    /// The mistakes, in the file's order: at most twenty of them.
    pub mistakes: Vec<CellError>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))?;
        if self.more > 0 { write!(f, "\n… and {} more", self.more) } else { Ok(()) }
    }
}

/// One mistake in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    /// The file.
    pub file: String,
    /// The line, from 1 on.
    pub line: u64,
    /// The column's name; `None` when the whole line is meant.
    pub column: Option<String>,
    /// What is wrong.
    pub wrong: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, wrong, hint } = self;
        write!(f, "{file}:{line}: ")?;
        if let Some(column) = column {
            write!(f, "column `{column}`: ")?;
        }
        write!(f, "{wrong}\n  hint: {hint}")
    }
}

/// What is wrong with a cell.
pub(super) struct Fault {
    column: &'static str,
    wrong: String,
    hint: &'static str,
}

/// One row.
pub(super) struct Cells {
    record: StringRecord,
    places: BTreeMap<String, usize>,
    line: u64,
}

impl Cells {
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    fn cell(&self, column: &str) -> Option<&str> {
        self.places.get(column).and_then(|place| self.record.get(*place))
    }

    /// What a cell says, if it says anything: tables write what is not known as nothing, `nan` or `N/A`.
    fn known(&self, column: &str) -> Option<&str> {
        let cell = self.cell(column)?.trim();
        let is_unknown = ["", "nan", "n/a", "none", "null"].iter().any(|word| cell.eq_ignore_ascii_case(word));
        (!is_unknown).then_some(cell)
    }

    pub(super) fn text(&self, column: &str) -> String {
        self.cell(column).unwrap_or_default().to_owned()
    }

    pub(super) fn needed_text(&self, column: &'static str) -> Result<String, Fault> {
        let text = self.text(column);
        let fault = || Fault { column, wrong: "it is empty".to_owned(), hint: "every row names its run: fill it in" };
        if text.is_empty() { Err(fault()) } else { Ok(text) }
    }

    fn parsed(&self, column: &'static str, hint: &'static str, fits: fn(f64) -> bool) -> Result<Option<f64>, Fault> {
        let Some(cell) = self.known(column) else { return Ok(None) };
        let fault = || Fault {
            column,
            wrong: format!("`{}` is not {hint}", shown(cell)),
            hint: "write that, or leave the cell empty where it is not known",
        };
        let number = cell.parse().ok().filter(|number: &f64| number.is_finite() && fits(*number)).ok_or_else(fault)?;
        Ok(Some(number))
    }

    pub(super) fn number(&self, column: &'static str) -> Result<Option<f64>, Fault> {
        self.parsed(column, "a number", |_| true)
    }

    pub(super) fn amount(&self, column: &'static str) -> Result<Option<f64>, Fault> {
        self.parsed(column, "a number from 0 on", |number| number >= 0.0)
    }

    pub(super) fn share(&self, column: &'static str) -> Result<Option<f64>, Fault> {
        self.parsed(column, "a number from 0 to 1", |number| (0.0..=1.0).contains(&number))
    }

    /// A number of a run or a judge: whole, from 1 on.
    pub(super) fn place(&self, column: &'static str) -> Result<u32, Fault> {
        let cell = self.cell(column).unwrap_or_default().trim();
        let wrong = format!("`{}` is not a whole number from 1 on", shown(cell));
        let fault = Fault { column, wrong, hint: "runs and judges are numbered from 1 on" };
        cell.parse().ok().filter(|number| *number >= 1).ok_or(fault)
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<Option<bool>, Fault> {
        let Some(cell) = self.known(column) else { return Ok(None) };
        match cell.to_ascii_lowercase().as_str() {
            "true" | "1" | "1.0" | "yes" => Ok(Some(true)),
            "false" | "0" | "0.0" | "no" => Ok(Some(false)),
            _ => Err(Fault {
                column,
                wrong: format!("`{}` is neither `True` nor `False`", shown(cell)),
                hint: "write one of both, or leave the cell empty where it is not known",
            }),
        }
    }

    pub(super) fn grade(&self, column: &'static str) -> Result<Option<Grade>, Fault> {
        let Some(cell) = self.known(column) else { return Ok(None) };
        let grades = [Grade::S, Grade::A, Grade::B, Grade::C, Grade::D, Grade::F];
        let fault = || Fault {
            column,
            wrong: format!("`{}` is no grade", shown(cell)),
            hint: "grades are S, A, B, C, D and F",
        };
        grades.into_iter().find(|grade| grade.to_string() == cell).map(Some).ok_or_else(fault)
    }
}

/// The begin of a cell, harmless on a terminal.
fn shown(cell: &str) -> String {
    let begin: String = cell.chars().take(40).flat_map(char::escape_debug).collect();
    if cell.chars().nth(40).is_some() { format!("{begin}…") } else { begin }
}

/// Reads row after row, and remembers what was wrong.
pub(super) struct Reader<'a> {
    file: String,
    records: csv::Reader<&'a [u8]>,
    places: BTreeMap<String, usize>,
    width: usize,
    absent: Vec<&'static str>,
    unknown: Vec<String>,
    error: TableError,
}

impl<'a> Reader<'a> {
    pub(super) fn open(
        file: &str,
        bytes: &'a [u8],
        identity: &[&'static str],
        run: &[&'static str],
        columns: &Columns,
    ) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
        let mut error = TableError { mistakes: Vec::new(), more: 0 };
        let header: Vec<String> = reader
            .byte_headers()
            .map(|header| header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect())
            .unwrap_or_default();
        let mut places = BTreeMap::new();
        for (place, name) in header.iter().enumerate() {
            if places.insert(name.clone(), place).is_some() {
                let wrong = "two columns have this name".to_owned();
                add_mistake(
                    &mut error,
                    file,
                    1,
                    Some(name.clone()),
                    wrong,
                    "take one of both away, or name it otherwise",
                );
            }
        }
        let needed = identity.iter().chain(columns.needed);
        for name in needed.filter(|name| !places.contains_key(**name)) {
            let wrong = "there is no such column".to_owned();
            add_mistake(
                &mut error,
                file,
                1,
                Some((*name).to_owned()),
                wrong,
                "the first line names the columns; is it the right file?",
            );
        }
        if !error.mistakes.is_empty() {
            return Err(error);
        }
        let optional: Vec<&'static str> = run.iter().chain(columns.optional).copied().collect();
        let absent = optional.iter().filter(|name| !places.contains_key(**name)).copied().collect();
        let is_known = |name: &String| {
            let name = name.as_str();
            optional.contains(&name) || columns.needed.contains(&name)
        };
        let unknown = header.iter().filter(|name| !is_known(name)).cloned().collect();
        Ok(Self { file: file.to_owned(), records: reader, width: header.len(), places, absent, unknown, error })
    }

    /// The next row that has as many cells as there are columns, all of them text.
    pub(super) fn next_row(&mut self) -> Option<Cells> {
        loop {
            let mut record = ByteRecord::new();
            // Reading bytes from memory, of records that may have any length, meets no error.
            if !self.records.read_byte_record(&mut record).unwrap_or(false) {
                return None;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let cells = record.len();
            match StringRecord::from_byte_record(record) {
                Ok(record) if cells == self.width => return Some(Cells { record, places: self.places.clone(), line }),
                Ok(_) => {
                    let wrong = format!("it has {cells} cells, and there are {} columns", self.width);
                    self.add(line, None, wrong, "a comma in a text needs quotes around the text");
                }
                Err(_) => self.add(line, None, "it is not UTF-8".to_owned(), "save the table as UTF-8"),
            }
        }
    }

    fn add(&mut self, line: u64, column: Option<String>, wrong: String, hint: &str) {
        add_mistake(&mut self.error, &self.file, line, column, wrong, hint);
    }

    pub(super) fn fault(&mut self, cells: &Cells, fault: Fault) {
        self.add(cells.line, Some(fault.column.to_owned()), fault.wrong, fault.hint);
    }

    pub(super) fn twice(&mut self, line: u64, former: u64) {
        let wrong = format!("it is about the same as line {former}");
        self.add(
            line,
            None,
            wrong,
            "each row is told from the others by experiment, model, tier, subtest and numbers: take one of both away",
        );
    }

    pub(super) fn finish(self) -> Result<(Vec<&'static str>, Vec<String>), TableError> {
        if self.error.mistakes.is_empty() { Ok((self.absent, self.unknown)) } else { Err(self.error) }
    }
}

fn add_mistake(error: &mut TableError, file: &str, line: u64, column: Option<String>, wrong: String, hint: &str) {
    if error.mistakes.len() < MOST_TOLD {
        error.mistakes.push(CellError { file: file.to_owned(), line, column, wrong, hint: hint.to_owned() });
    } else {
        error.more += 1;
    }
}
