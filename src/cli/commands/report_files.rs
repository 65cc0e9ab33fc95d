//! What `report` writes, of experiments and of tables: the forms that are asked for, and their files with a stamp.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::cli::args::output::MessageFormat;
use crate::cli::args::report::Report as Args;
use crate::cli::console::Console;
use crate::cli::derived::{self, digest_of};
use crate::cli::error::{CliError, shown};
use crate::model::digest::Digest;
use crate::os::files::{self, Kind, TEMPORARY_PREFIX, remove_leftovers};
use crate::report::done::Written;
use crate::report::results::check::can_be_made;
use crate::report::results::stamp::{STAMP, Source, Stamp};
use crate::report::results::{FOR_MACHINES, FORMS, File, Form};
use crate::text::escape;
use crate::text::words::{counted, shell_word};

/// The files of some forms, by the names of the forms.
pub(super) type Made<'a> = Vec<(&'a str, Vec<File>)>;

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

/// Refuses to write over files that no report wrote, in a folder that a person named: its stamp names those that one did. A file
/// that would be the same is left over from a report that was killed.
///
/// # Errors
/// When there is such a file; when that cannot be determined.
pub(super) fn refuse_foreign(out: &Path, made: &Made<'_>, console: &Console) -> Result<(), CliError> {
    let stamp = derived::stamp_in(out)?.flatten().unwrap_or_default();
    for file in made.iter().flat_map(|(_, files)| files).filter(|file| !stamp.files.contains_key(&*file.name)) {
        let path = out.join(&*file.name);
        let is_same = || digest_of(&path) == Ok(Digest::of(file.text.as_bytes()));
        if files::kind_of(&path)?.is_some() && !is_same() {
            let current = console.current_dir()?;
            let why = format!(
                "`{}` is there, and no stamp says that a report wrote it",
                escape::terminal(&shown(&path, &current))
            );
            return Err(CliError::usage(why)
                .hint("name another folder with `--out DIR`, or write over it with `--force`; nothing was written"));
        }
    }
    Ok(())
}

/// Writes the files of some forms, and stamps them. Gives their names.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    out: &Path,
    forms: Made<'_>,
    source: &Source,
    console: &mut Console,
) -> Result<BTreeSet<String>, CliError> {
    files::create_dir_durable(out)?;
    let stamp_file = out.join(STAMP);
    let known = derived::stamp_in(out)?;
    if known.is_some() {
        remove_leftovers(out, TEMPORARY_PREFIX)?;
    }
    let mut stamp = known.flatten().unwrap_or_default();
    let mut names = BTreeSet::new();
    let current = console.current_dir()?;
    for (form, files) in forms {
        for file in &files {
            make_room(&out.join(&*file.name), &current, console)?;
        }
        let texts: Vec<_> = files.iter().map(|file| (out.join(&*file.name), file.text.as_bytes())).collect();
        files::write_all_atomic(out, &texts)?;
        stamp.add(&files, form, source);
        names.extend(files.iter().map(|file| file.name.clone().into_owned()));
        if console.message_format() == MessageFormat::Json {
            let paths = files.iter().map(|file| shown(&out.join(&*file.name), &current)).collect();
            console.print(&Written::new(form, paths).json())?;
            continue;
        }
        let main = files.first().map(|file| shown(&out.join(&*file.name), &current)).unwrap_or_default();
        let beside = match files.len() {
            0 | 1 => String::new(),
            more => format!(", and {} beside it", counted(more - 1, "file")),
        };
        console.print(&format!("{}{beside}\n", escape::terminal(&main)))?;
    }
    make_room(&stamp_file, &current, console)?;
    files::write_atomic(&stamp_file, stamp.text().as_bytes())?;
    Ok(names)
}

/// Moves a folder that lies where a file is to be written to a name that is free beside it: nobody knows whose it is.
fn make_room(path: &Path, current: &Path, console: &mut Console) -> Result<(), CliError> {
    if files::kind_of(path)? != Some(Kind::Folder) {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 1_u32;
    loop {
        let aside = path.with_file_name(format!("{name}.aside-{number}"));
        match files::rename_durable(path, &aside) {
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            moved => {
                moved?;
                let (path, aside) = (shell_word(&shown(path, current)), shell_word(&shown(&aside, current)));
                return Ok(console.say(&format!("note: {path} is a folder, and is {aside} now"))?);
            }
        }
    }
}

/// Takes out of the stamp what is not right and was not made again: files that are gone, or altered, and those that a form no
/// longer has, which are removed where they are as they were written.
///
/// # Errors
/// When that cannot be determined, or a file not be written or removed.
pub(super) fn forget(out: &Path, made: &BTreeSet<String>, console: &mut Console) -> Result<(), CliError> {
    let Some(read) = derived::stamp_in(out)? else { return Ok(()) };
    let is_torn = read.is_none();
    let mut stamp = read.unwrap_or_default();
    let named = stamp.files.len();
    let current = console.current_dir()?;
    for (name, stamped) in std::mem::take(&mut stamp.files) {
        if made.contains(&name) {
            stamp.files.insert(name, stamped);
            continue;
        }
        let path = out.join(&name);
        // Whoever altered a stamp may have written a place elsewhere into it.
        let is_beside = path.file_name() == Some(OsStr::new(&name));
        let is_there = is_beside && files::kind_of(&path)? == Some(Kind::File);
        let is_as_written = is_there && digest_of(&path) == Ok(stamped.digest);
        let is_of_one = can_be_made(&stamped);
        let shown = shell_word(&shown(&path, &current));
        if is_as_written && !is_of_one {
            stamp.files.insert(name, stamped);
        } else if is_as_written {
            fs::remove_file(&path).map_err(|error| files::FileError::new("remove", &path, error))?;
            console.say(&format!("{shown} is removed: the report has no such file any more"))?;
        } else if is_there {
            console.say(&format!("note: {shown} is not as it was written, and cannot be made again here"))?;
        }
    }
    if is_torn && stamp.files.is_empty() {
        console.say("note: no file of a report is there; its stamp, which could not be read, names none now")?;
    }
    if is_torn || stamp.files.len() < named {
        make_room(&out.join(STAMP), &current, console)?;
        files::write_atomic(&out.join(STAMP), Stamp::text(&stamp).as_bytes())?;
    }
    Ok(())
}
