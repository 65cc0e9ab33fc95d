//! The real podman with a storage of its own, and images that are made here: of a shell alone, because no registry is asked.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenes::{containments, files_below, is_missing, output};
use crate::world::{Output, World};

/// What the image's shell can do.
const APPLETS: [&str; 12] = ["sh", "cat", "ls", "mkdir", "echo", "test", "sleep", "env", "touch", "id", "grep", "wget"];

/// A world in which podman has a storage of its own, that goes with it.
pub(super) struct Podman {
    pub(super) world: World,
}

/// One where podman and bubblewrap work; says so where they do not.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(super) fn podman() -> Option<Podman> {
    let is_ci = std::env::var_os("CI").is_some();
    if is_missing("podman") || busybox().is_none() {
        assert!(!is_ci, "podman and busybox-static are not installed");
        return None;
    }
    if !containments().contains(&"bubblewrap") {
        assert!(!is_ci, "bubblewrap does not work here");
        return None;
    }
    let world = World::new();
    let (root, run) = (world.path("podman/root"), world.path("podman/run"));
    let storage =
        format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n", root.display(), run.display());
    world.write("podman/storage.conf", &storage);
    world.write(
        "podman/containers.conf",
        &format!("[engine]\nevents_logger = \"none\"\ntmp_dir = \"{}/tmp\"\n", run.display()),
    );
    let podman = Podman { world };
    let tried = podman.podman(&["info"]);
    if tried.code != Some(0) {
        assert!(!is_ci, "podman does not work here: {tried}");
        println!("skipped: podman does not work here: {}", tried.stderr);
        return None;
    }
    Some(podman)
}

/// The shell of the images: it needs no library.
fn busybox() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("busybox")).find(|program| program.is_file())
}

/// Writes the files of an image into a folder: the shell, and a file that says which image it is.
pub(super) fn write_files(folder: &Path, which: &str) {
    for below in ["bin", "etc", "opt/tools", "home"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    fs::copy(busybox().unwrap(), folder.join("bin/busybox")).unwrap();
    for applet in APPLETS {
        symlink("busybox", folder.join("bin").join(applet)).unwrap();
    }
    fs::write(folder.join("etc/which"), format!("{which}\n")).unwrap();
    for (name, said) in [("only-here", "a tool of the image"), ("codex", "codex-cli 0.1.0")] {
        let tool = folder.join("opt/tools").join(name);
        fs::write(&tool, format!("#!/bin/sh\necho {said}\n")).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Podman {
    pub(super) fn podman(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("podman");
        self.world.seal(&mut command);
        self.private(&mut command);
        output(command.args(arguments).current_dir(self.world.path("")))
    }

    /// Keeps podman to the storage of this world.
    fn private(&self, command: &mut Command) {
        command.env("CONTAINERS_STORAGE_CONF", self.world.path("podman/storage.conf"));
        command.env("CONTAINERS_CONF", self.world.path("podman/containers.conf"));
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        self.private(&mut command);
        command
    }

    pub(super) fn scylla(&self, arguments: &[&str]) -> Output {
        output(&mut self.command(arguments))
    }

    /// Makes an image of this name, with the search path `/bin:/opt/tools`; gives its id.
    pub(super) fn import(&self, name: &str, which: &str) -> String {
        let files = self.world.path(&format!("files-{which}"));
        write_files(&files, which);
        let archive = self.world.path(&format!("{which}.tar"));
        let packed = Command::new("tar").arg("-C").arg(&files).arg("-cf").arg(&archive).arg(".").status().unwrap();
        assert!(packed.success());
        let (path, colour) = ("ENV PATH=/bin:/opt/tools", "ENV COLOUR=blue");
        let archive = archive.to_str().unwrap();
        self.podman(&["import", "--change", path, "--change", colour, archive, name]).exits(0);
        self.podman(&["image", "inspect", "--format", "{{.Id}}", name]).exits(0).stdout.trim().to_owned()
    }

    /// What is laid out of images, by whomever.
    pub(super) fn laid_out(&self) -> Vec<PathBuf> {
        let work = self.world.path("work");
        let below = if work.exists() { files_below(&work) } else { Vec::new() };
        below.into_iter().filter(|path| path.ends_with("image.lock") || path.ends_with("etc/which")).collect()
    }

    pub(super) fn run(&self, fixture: &str, more: &[&str]) -> Output {
        let work = self.world.path("work");
        let run = ["run", fixture, "--runs", "1", "--results-dir", "results", "--work-dir", work.to_str().unwrap()];
        self.scylla(&[&run[..], more].concat())
    }
}
