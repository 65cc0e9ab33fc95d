//! The release as one archive: the program with what a person needs beside it.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use scylla::model::digest::Digest;

use crate::failure::Failure;
use crate::program::{self, Program};
use crate::{place, say};

/// The program's name.
const PROGRAM: &str = "cargo-scylla";

/// Pages that go with the program.
const PAGES: [&str; 3] = ["README.md", "LICENSE", "CHANGELOG.md"];

/// The list of digests, in the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";

/// Builds the release and packs it as `target/dist/cargo-scylla-<version>-<host>.tar.gz`.
pub(crate) fn dist() -> Result<(), Failure> {
    Program::cargo().args(["build", "--release", "--locked", "--package", PROGRAM, "--bin", PROGRAM]).run()?;
    let workspace = MetadataCommand::new().current_dir(place::root()).no_deps().exec()?;
    let target = workspace.target_directory.into_std_path_buf();
    let name = format!("{PROGRAM}-{}-{}", env!("CARGO_PKG_VERSION"), program::host()?);
    let dist = target.join("dist");
    let files = contents(&target.join("release").join(PROGRAM))?;
    lay_out(&dist.join(&name), &files)?;
    let archive = pack(&dist, &name)?;
    fs::remove_dir_all(dist.join(&name)).map_err(Failure::file("remove", &dist.join(&name)))?;
    let bytes = fs::read(&archive).map_err(Failure::file("read", &archive))?;
    let sums = dist.join(SUMS);
    fs::write(&sums, sums_of(&[(format!("{name}.tar.gz"), bytes)])).map_err(Failure::file("write", &sums))?;
    say::line(&archive.display().to_string());
    say::line(&sums.display().to_string());
    Ok(())
}

/// What the archive holds: paths in it, each with its bytes.
fn contents(program: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let pages = PAGES.iter().map(|page| ((*page).to_owned(), place::root().join(page)));
    let mut files = Vec::new();
    for (name, path) in pages.chain([(PROGRAM.to_owned(), program.to_owned())]) {
        let bytes = fs::read(&path).map_err(Failure::file("read", &path))?;
        files.push((name, bytes));
    }
    files.extend(scylla::cli::generated::released_files().map_err(Failure::Generating)?);
    files.sort();
    Ok(files)
}

/// Lays the files out in a new folder, with the list of their digests.
fn lay_out(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Failure::file("remove", folder))?;
    }
    let sums = (SUMS.to_owned(), sums_of(files).into_bytes());
    for (name, bytes) in files.iter().chain([&sums]) {
        let path = folder.join(name);
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).map_err(Failure::file("create", above))?;
        fs::write(&path, bytes).map_err(Failure::file("write", &path))?;
        set_mode(&path, if name == PROGRAM { 0o755 } else { 0o644 })?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Failure::file("set the mode of", path))
}

/// One line for each file, as `sha256sum` prints it.
fn sums_of(files: &[(String, Vec<u8>)]) -> String {
    let lines: Vec<String> = files.iter().map(|(name, bytes)| format!("{}  {name}", Digest::of(bytes).hex())).collect();
    lines.join("\n") + "\n"
}

/// Packs `name` below `dist`: the same files give the same bytes, whoever packs them and when.
fn pack(dist: &Path, name: &str) -> Result<PathBuf, Failure> {
    let archive = dist.join(format!("{name}.tar.gz"));
    let folder = dist.to_string_lossy();
    let to = archive.to_string_lossy();
    let same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"];
    let tar = Program::new("tar").args(same).args(["--use-compress-program=gzip -n", "-C", &folder, "-cf", &to, name]);
    tar.run()?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(String, Vec<u8>)> {
        [(PROGRAM, "#!/bin/sh\n"), ("README.md", "read"), ("man/a.1", "page")]
            .map(|(name, text)| (name.to_owned(), text.into()))
            .into()
    }

    #[test]
    fn the_archive_holds_the_files_with_digests_that_sha256sum_accepts() {
        let dist = tempfile::tempdir().unwrap();
        lay_out(&dist.path().join("a"), &files()).unwrap();
        let archive = pack(dist.path(), "a").unwrap();
        let out = tempfile::tempdir().unwrap();
        let (archive, out) = (archive.to_string_lossy(), out.path().to_string_lossy());
        Program::new("tar").args(["-xf", &archive, "-C", &out]).run().unwrap();
        let check = format!("cd '{out}/a' && sha256sum --check --strict SHA256SUMS && test -x {PROGRAM}");
        let said = Program::new("sh").args(["-c", &check]).read().unwrap();
        assert_eq!(said.matches(": OK").count(), 3, "{said}");
    }

    #[test]
    fn the_same_files_give_the_same_archive() {
        let bytes = || {
            let dist = tempfile::tempdir().unwrap();
            lay_out(&dist.path().join("a"), &files()).unwrap();
            fs::read(pack(dist.path(), "a").unwrap()).unwrap()
        };
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn a_folder_of_a_former_pack_is_not_mixed_in() {
        let dist = tempfile::tempdir().unwrap();
        let folder = dist.path().join("a");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("old"), "").unwrap();
        lay_out(&folder, &files()).unwrap();
        assert!(!folder.join("old").exists());
    }
}
