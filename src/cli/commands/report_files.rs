//! What `report` writes, of experiments and of tables: the forms that are asked for, and their files with a stamp.

use std::path::Path;

use crate::cli::args::output::MessageFormat;
use crate::cli::args::report::Report as Args;
use crate::cli::console::Console;
use crate::cli::derived;
use crate::cli::error::{CliError, shown};
use crate::os::files;
use crate::report::results::stamp::{STAMP, Source};
use crate::report::results::{FOR_MACHINES, FORMS, File, Form};
use crate::text::escape;
use crate::text::words::counted;

/// The forms that are asked for, each once.
pub(super) fn forms(args: &Args, console: &Console) -> Vec<&'static Form> {
    let asked_for_none = args.format.len() == 1 && args.format[0].name == FORMS[0].name && args.out.is_none();
    if asked_for_none && console.message_format() == MessageFormat::Json {
        return vec![FOR_MACHINES];
    }
    let mut forms: Vec<&'static Form> = Vec::new();
    for form in &args.format {
        if !forms.iter().any(|known| known.name == form.name) {
            forms.push(form);
        }
    }
    forms
}

/// Writes the files of some forms, and stamps them.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    out: &Path,
    forms: Vec<(&str, Vec<File>)>,
    source: &Source,
    console: &mut Console,
) -> Result<(), CliError> {
    files::create_dir_durable(out)?;
    let stamp_file = out.join(STAMP);
    let mut stamp = derived::stamp_in(out)?.flatten().unwrap_or_default();
    let current = console.current_dir()?;
    for (form, files) in forms {
        for file in &files {
            files::write_atomic(&out.join(&*file.name), file.text.as_bytes())?;
            stamp.add(file, form, source);
        }
        let main = files.first().map(|file| shown(&out.join(&*file.name), &current)).unwrap_or_default();
        let beside = match files.len() {
            0 | 1 => String::new(),
            more => format!(", and {} beside it", counted(more - 1, "file")),
        };
        console.print(&format!("{}{beside}\n", escape::terminal(&main)))?;
    }
    files::write_atomic(&stamp_file, stamp.text().as_bytes())?;
    Ok(())
}
