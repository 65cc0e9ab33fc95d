//! How large a terminal is; alone, for nothing else is asked of one.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters of a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// What is assumed of a terminal that does not report its size.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// The current size of a terminal: people resize it.
#[must_use]
pub fn size(terminal: impl AsFd) -> Size {
    match tcgetwinsize(terminal) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        _ => USUAL,
    }
}
