//! Ends rows by line feeds and not at the terminal's edge, so that each row is rewrapped by itself when the terminal's
//! width changes.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::os::terminal;

/// Standard error for the bars: each row arrives by one write, and the spaces that fill it by another one.
#[derive(Debug, Default)]
pub(super) struct HardRows(Mutex<Drawing>);

#[derive(Debug, Default)]
struct Drawing {
    /// Text that is not written yet.
    waiting: String,
    /// A row has been written whose fill is still to come.
    is_to_be_filled: bool,
    /// The cursor is after a complete row.
    is_behind_row: bool,
}

impl HardRows {
    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self, sequence: &str) {
        let mut drawing = self.drawing();
        drawing.is_to_be_filled = false;
        drawing.is_behind_row = false;
        drawing.waiting.push_str(sequence);
    }

    fn move_cursor(&self, steps: usize, direction: char) {
        if steps > 0 {
            self.control(&format!("\u{1b}[{steps}{direction}"));
        }
    }
}

impl Drawing {
    fn write(&mut self, text: &str) {
        if self.is_to_be_filled {
            self.waiting.push_str("\u{1b}[K");
            self.is_behind_row = true;
        } else {
            if self.is_behind_row {
                self.waiting.push('\n');
            }
            self.waiting.push_str(text);
        }
        self.is_to_be_filled = !self.is_to_be_filled;
    }

    fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut stderr = io::stderr().lock();
        stderr.write_all(waiting.as_bytes()).and_then(|()| stderr.flush())
    }
}

impl TermLike for HardRows {
    fn width(&self) -> u16 {
        u16::try_from(terminal::size(io::stderr()).columns).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(terminal::size(io::stderr()).rows).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        self.move_cursor(rows, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.move_cursor(rows, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.move_cursor(columns, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.move_cursor(columns, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.control(&format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawing().write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.control("\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.drawing().flush()
    }
}

impl Drop for HardRows {
    fn drop(&mut self) {
        let mut drawing = self.drawing();
        if drawing.is_behind_row {
            drawing.waiting.push('\n');
        }
        // If the bars cannot be drawn, the work goes on.
        let _ = drawing.flush();
    }
}
