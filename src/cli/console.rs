//! Standard output is for results, standard error for messages; colors and bars are used only where they are wanted.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::cli::args::output::{ColorWhen, MessageFormat, Talk};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::model::event::{Event, ExperimentFinished};
use crate::model::outcome::ExperimentEnd;
use crate::model::survey::Holder;
use crate::os::files::{FileError, NamedPlace};
use crate::os::lock::LAPSE;
use crate::os::terminal::{self, Size};
use crate::os::{clock, pager};
use crate::text::styles::Styles;
use crate::ui::Reporter;
use crate::ui::json::Json;
use crate::ui::plain::{Detail, Plain};
use crate::ui::terminal::Terminal;
use crate::ui::{Rows, error, summary};

/// The two streams and their settings.
#[derive(Debug, Clone)]
pub struct Console {
    talk: Talk,
    typed: String,
    rows: Option<Rows>,
}

impl Console {
    /// A console with these settings, for a command as it was typed.
    #[must_use]
    pub fn new(talk: Talk, typed: String, rows: Option<Rows>) -> Self {
        Self { talk, typed, rows }
    }

    /// The rows of tables of results, when a person chose them.
    #[must_use]
    pub fn rows(&self) -> Option<Rows> {
        self.rows
    }

    /// The command, as it can be typed in a shell.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The same with one more flag, inserted before a `--` that ends flags.
    #[must_use]
    pub fn typed_with(&self, flag: &str) -> String {
        let is_outside = |(place, _): &(usize, &str)| self.typed[..*place].matches('\'').count().is_multiple_of(2);
        match self.typed.match_indices(" -- ").find(is_outside) {
            Some((place, _)) => format!("{} {flag}{}", &self.typed[..place], &self.typed[place..]),
            None => format!("{} {flag}", self.typed),
        }
    }

    /// The current folder.
    ///
    /// # Errors
    /// When it does not exist any more.
    pub fn current_dir(&self) -> Result<PathBuf, CliError> {
        let gone = |error| FileError::new("find", Path::new("."), error).in_place(NamedPlace::Current);
        Ok(std::env::current_dir().map_err(gone)?)
    }

    /// The format of the output.
    #[must_use]
    pub fn message_format(&self) -> MessageFormat {
        self.talk.message_format
    }

    /// Whether only problems are to be reported.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.talk.quiet
    }

    /// Styles of standard output.
    #[must_use]
    pub fn out_styles(&self) -> Styles {
        self.styles(io::stdout().is_terminal())
    }

    fn err_styles(&self) -> Styles {
        self.styles(io::stderr().is_terminal())
    }

    /// `--color` wins over the environment; `NO_COLOR` (any value) wins over a terminal.
    fn styles(&self, terminal: bool) -> Styles {
        let colored = match self.talk.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        if colored { Styles::colored() } else { Styles::plain() }
    }

    /// Whether events are shown as bars.
    #[must_use]
    pub fn draws_bars(&self) -> bool {
        self.talk.message_format == MessageFormat::Human && !self.talk.quiet && io::stderr().is_terminal()
    }

    /// The reporter for events: bars on a terminal, lines elsewhere, JSON on standard output when asked for.
    #[must_use]
    pub fn reporter(&self) -> Box<dyn Reporter> {
        match self.talk.message_format {
            MessageFormat::Json => Box::new(Json::new(io::stdout())),
            MessageFormat::Human if self.draws_bars() => match Terminal::on_stderr(self.err_styles()) {
                Some(terminal) => Box::new(terminal),
                None => Box::new(self.plain()),
            },
            MessageFormat::Human => Box::new(self.plain()),
        }
    }

    /// The same without bars: a line for each event, for commands without a session.
    #[must_use]
    pub fn lines(&self) -> Box<dyn Reporter> {
        match self.talk.message_format {
            MessageFormat::Json => Box::new(Json::new(io::stdout())),
            MessageFormat::Human => Box::new(self.plain()),
        }
    }

    fn plain(&self) -> Plain<io::Stderr> {
        let detail = match (self.talk.quiet, self.talk.verbose) {
            (true, _) => Detail::Troubles,
            (false, false) => Detail::Runs,
            (false, true) => Detail::Stages,
        };
        Plain::new(io::stderr(), self.err_styles(), detail)
    }

    /// Reports notices as events.
    ///
    /// # Errors
    /// When they are results and cannot be written.
    pub fn report(&mut self, messages: &[String]) -> Result<(), CliError> {
        let mut reporter = self.reporter();
        for message in messages {
            let written = reporter.event(clock::now(), &Event::Notice { message: message.clone() });
            self.is_written(written)?;
        }
        Ok(())
    }

    /// Whether an event that is a result was written. Messages may be lost, and a reader that is gone is not an error.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn is_written(&self, written: io::Result<()>) -> Result<(), CliError> {
        match self.talk.message_format {
            MessageFormat::Json => unless_gone(written).map_err(|error| unwritten(&error)),
            MessageFormat::Human => Ok(()),
        }
    }

    /// Prints the table at the end of a session, and the command to type next.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn summary(&mut self, experiment_id: &str, finished: &ExperimentFinished) -> Result<(), CliError> {
        match self.talk.message_format {
            MessageFormat::Json => {}
            // Even with `--quiet`, a person has to know how to continue.
            MessageFormat::Human if self.talk.quiet && finished.end == ExperimentEnd::Completed => {}
            MessageFormat::Human => {
                self.print(&summary::summary(experiment_id, &finished.folder, finished, self.rows, self.out_styles()))?;
            }
        }
        Ok(())
    }

    /// Prints a result.
    ///
    /// # Errors
    /// When standard output cannot be written. A reader that is gone is not an error.
    pub fn print(&mut self, text: &str) -> Result<(), CliError> {
        self.print_bytes(text.as_bytes())
    }

    /// Prints a result of bytes.
    ///
    /// # Errors
    /// When standard output cannot be written. A reader that is gone is not an error.
    pub fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        unless_gone(out.write_all(bytes).and_then(|()| out.flush())).map_err(|error| unwritten(&error))
    }

    /// Whether a person reads standard output.
    #[must_use]
    pub fn is_read_by_a_person(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Prints a result that may be long: on a terminal through the pager that the environment names, unless none is wanted.
    ///
    /// # Errors
    /// When standard output cannot be written. Where a pager cannot be started, the text is printed.
    pub fn page(&mut self, text: &str, no_pager: bool) -> Result<(), CliError> {
        let asked = std::env::var("PAGER").ok();
        let pager = pager::named(asked.as_deref()).filter(|_| !no_pager && self.is_read_by_a_person());
        let is_paged = pager.is_some_and(|pager| pager::page(pager, text).unwrap_or(false));
        if is_paged { Ok(()) } else { self.print(text) }
    }

    /// The size of the terminal behind standard output; `None` when it is not a terminal on which lines can be redrawn.
    #[must_use]
    pub fn drawn_size(&self) -> Option<Size> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|kind| kind == "dumb");
        (io::stdout().is_terminal() && !is_dumb).then(|| terminal::size(io::stdout()))
    }

    /// How many columns a line of standard output has; `None` when it is no terminal, which has any number.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        io::stdout().is_terminal().then(|| terminal::size(io::stdout()).columns)
    }

    /// Draws a frame over the screen, without flicker and without leftovers.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn draw(&mut self, frame: &str) -> Result<(), CliError> {
        let rows: Vec<&str> = frame.lines().collect();
        self.print(&format!("\u{1b}[H{}\u{1b}[K\n\u{1b}[J", rows.join("\u{1b}[K\n")))
    }

    /// Prints a message for a person, unless they want quiet.
    ///
    /// # Errors
    /// When standard error cannot be written.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        if self.talk.quiet { Ok(()) } else { say(text) }
    }

    /// Says that it is waited to see whether another process still works on an experiment. Even if that cannot be written, it is waited.
    pub fn watches(&mut self, holder: &Holder) {
        let longest = LAPSE.as_secs();
        let _ = self.say(&format!("waits up to {longest} seconds to see whether {holder} still works on it"));
    }

    /// Shows an error.
    pub fn error(&mut self, failed: &CliError) {
        let text = error::render(&*failed.error, failed.hint.as_deref(), self.err_styles());
        // If standard error cannot be written, there is no way to report that.
        let _ = say(&text);
    }
}

fn unwritten(error: &io::Error) -> CliError {
    CliError { exit: Exit::Internal, ..CliError::usage(format!("cannot write to standard output: {error}")) }
}

fn say(text: &str) -> io::Result<()> {
    unless_gone(writeln!(io::stderr(), "{}", text.trim_end_matches('\n')))
}

/// A reader that is gone, as in `… | head -1`, has seen what it wanted.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
