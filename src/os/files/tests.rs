use std::os::unix::fs::symlink;
use std::process::Command;

use rustix::fs::{FileType, Mode, mknodat};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
}

#[test]
fn an_atomic_write_leaves_one_file_with_usual_rights() {
    let folder = folder();
    let path = folder.path().join("checkpoint.json");
    for bytes in [&b"old and longer"[..], b"new"] {
        write_atomic(&path, bytes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    assert_eq!(names(folder.path()), ["checkpoint.json"]);
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode(), fs::metadata(&plain).unwrap().mode());
}

#[test]
fn a_bare_name_is_written_into_the_current_folder() {
    assert_eq!(parent(Path::new("name")), Path::new("."));
    assert_eq!(parent(Path::new("a/name")), Path::new("a"));
    assert_eq!(parent(Path::new("/")), Path::new("/"));
}

#[test]
fn a_new_file_never_takes_the_place_of_another() {
    let folder = folder();
    let path = folder.path().join("run_result.json");
    write_new(&path, b"first").unwrap();
    assert_eq!(write_new(&path, b"second").unwrap_err().error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(names(folder.path()), ["run_result.json"]);
}

#[test]
fn of_files_that_are_written_together_each_is_in_its_place_or_none_is() {
    let folder = folder();
    let texts: Vec<String> = (0..50).map(|number| format!("text {number}")).collect();
    let place = |number: usize| folder.path().join(format!("{number:02}"));
    let files: Vec<_> = texts.iter().enumerate().map(|(number, text)| (place(number), text.as_bytes())).collect();
    write_all_atomic(folder.path(), &files).unwrap();
    for (path, bytes) in &files {
        assert_eq!(fs::read(path).unwrap(), *bytes);
    }
    assert_eq!(names(folder.path()).len(), 50);
    // Nothing can be made beside a file, so nothing is replaced.
    let beside = folder.path().join("00/beside");
    let others: Vec<(PathBuf, &[u8])> = vec![(folder.path().join("01"), b"other"), (beside.clone(), b"other")];
    assert!(write_all_atomic(parent(&beside), &others).is_err());
    assert_eq!(fs::read(folder.path().join("01")).unwrap(), b"text 1");
    assert_eq!(names(folder.path()).len(), 50);
    write_all_atomic(folder.path(), &[]).unwrap();
}

#[test]
fn after_a_failed_sync_the_bytes_go_to_another_file_once() {
    let folder = folder();
    let path = folder.path().join("checkpoint.json");
    fs::write(&path, "old").unwrap();
    let mut synced = Vec::new();
    // While the test holds a second name of it, the inode's number is not given to another file.
    let mut failing = |times: usize| {
        let mut calls = 0;
        let kept = folder.path();
        let outcome = write_with(&path, b"new", Place::Replace, |file| {
            calls += 1;
            synced.push(file.metadata().unwrap().ino());
            for name in names(kept).iter().filter(|name| name.starts_with(TEMPORARY_PREFIX)) {
                fs::hard_link(kept.join(name), kept.join(format!("kept-{name}"))).ok();
            }
            if calls <= times { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
        });
        (outcome, calls)
    };

    let (outcome, calls) = failing(2);
    assert!(outcome.is_err());
    assert_eq!(calls, 2, "no third try");
    assert_eq!(fs::read(&path).unwrap(), b"old", "what was there is still there");

    let (outcome, calls) = failing(1);
    outcome.unwrap();
    assert_eq!(calls, 3, "two files and the folder");
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_ne!(synced[0], synced[1], "the file whose sync failed is not trusted again");
    assert_ne!(synced[2], synced[3]);
    assert_eq!(fs::metadata(&path).unwrap().ino(), synced[3]);
    assert!(!names(folder.path()).iter().any(|name| name.starts_with(TEMPORARY_PREFIX)));
}

#[test]
fn a_failed_sync_of_the_folder_is_an_error() {
    let folder = folder();
    let mut calls = 0;
    let outcome = write_with(&folder.path().join("a"), b"a", Place::Replace, |_| {
        calls += 1;
        if calls == 2 { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
    });
    assert_eq!(outcome.unwrap_err().tried, "sync the folder");
}

#[test]
fn folders_are_made_with_those_that_they_lie_in() {
    let folder = folder();
    let deep = folder.path().join("a/b/c");
    create_dir_durable(&deep).unwrap();
    create_dir_durable(&deep).unwrap();
    assert!(deep.is_dir());
    assert_eq!(create_new_dir(&deep).unwrap_err().error.kind(), io::ErrorKind::AlreadyExists);
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(create_dir_durable(&folder.path().join("file")).is_err());
    assert!(create_dir_durable(&folder.path().join("file/below")).is_err());
}

#[test]
fn a_rename_never_goes_over_something() {
    let folder = folder();
    let (from, to) = (folder.path().join("from"), folder.path().join("below/to"));
    fs::create_dir_all(&from).unwrap();
    fs::create_dir_all(&to).unwrap();
    // A plain rename would replace an empty folder.
    assert_eq!(rename_durable(&from, &to).unwrap_err().error.kind(), io::ErrorKind::AlreadyExists);
    fs::remove_dir(&to).unwrap();
    rename_durable(&from, &to).unwrap();
    assert_eq!(names(folder.path()), ["below"]);
}

#[test]
fn only_a_regular_file_is_read_and_nothing_blocks() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "bytes").unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::create_dir(at("folder")).unwrap();
    fifo(&at("fifo"));
    symlink("file", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

    assert_eq!(read_bounded(&at("file"), 5).unwrap().as_deref(), Some(&b"bytes"[..]));
    assert_eq!(read_bounded(&at("empty"), 0).unwrap().as_deref(), Some(&b""[..]));
    assert!(read_bounded(&at("absent"), 5).unwrap().is_none());
    assert!(matches!(read_bounded(&at("file"), 4), Err(ReadError::TooLarge { bytes: 5, most: 4, .. })));
    for (name, expected) in [
        ("folder", Kind::Folder),
        ("fifo", Kind::Fifo),
        ("link", Kind::Link),
        ("dangling", Kind::Link),
        ("socket", Kind::Socket),
    ] {
        let read = read_bounded(&at(name), 5);
        assert!(matches!(&read, Err(ReadError::NotRegular { kind, .. }) if *kind == expected), "{name}: {read:?}");
    }
    assert!(matches!(read_bounded(Path::new("/dev/null"), 5), Err(ReadError::NotRegular { kind: Kind::Device, .. })));
    assert!(matches!(read_bounded(&at("file/below"), 5), Err(ReadError::Io(_))), "an error is not absence");
}

#[test]
fn a_huge_sparse_file_is_refused_by_its_size() {
    let folder = folder();
    let path = folder.path().join("run_result.json");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(read_bounded(&path, 8 << 20), Err(ReadError::TooLarge { .. })));
}

#[test]
fn a_buffer_is_used_again_and_holds_only_the_last_file() {
    let folder = folder();
    fs::write(folder.path().join("long"), vec![b'x'; 10_000]).unwrap();
    fs::write(folder.path().join("short"), "short").unwrap();
    let open = Folder::open(folder.path()).unwrap().unwrap();
    let mut bytes = Vec::new();
    assert!(open.read_into("long", 1 << 20, &mut bytes).unwrap());
    assert_eq!(bytes.len(), 10_000);
    assert!(open.read_into("short", 1 << 20, &mut bytes).unwrap());
    assert_eq!(bytes, b"short");
    assert!(!open.read_into("absent", 1 << 20, &mut bytes).unwrap());
    assert!(bytes.is_empty());
}

#[test]
fn only_a_small_whole_file_is_read_at_once() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("small"), "bytes").unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("large"), vec![b'x'; 1 << 20]).unwrap();
    fs::create_dir(at("folder")).unwrap();
    fifo(&at("fifo"));
    symlink("small", at("link")).unwrap();
    let open = Folder::open(folder.path()).unwrap().unwrap();
    let mut bytes = Vec::new();
    for name in ["empty", "large", "folder", "fifo", "link", "absent"] {
        assert!(!open.read_at_once(name, &mut bytes), "{name}");
    }
    assert!(open.read_at_once("small", &mut bytes));
    assert_eq!(bytes, b"bytes");
}

#[test]
fn an_open_folder_lists_every_name_with_its_kind() {
    let folder = folder();
    for number in 0..3000 {
        fs::write(folder.path().join(format!("file-{number:04}-with-a-name-that-fills-the-buffer")), "").unwrap();
    }
    fs::create_dir(folder.path().join("folder")).unwrap();
    fifo(&folder.path().join("fifo"));
    symlink("folder", folder.path().join("link")).unwrap();
    let open = Folder::open(folder.path()).unwrap().unwrap();
    let mut seen = Vec::new();
    open.each(|name, kind| seen.push((name.to_owned(), kind))).unwrap();
    assert_eq!(seen.len(), 3003);
    for (name, kind) in [("folder", Kind::Folder), ("fifo", Kind::Fifo), ("link", Kind::Link)] {
        assert!(seen.contains(&(name.into(), kind)), "{name}");
    }
    assert!(open.folder("link").is_err(), "no folder is opened through a link");
    assert!(open.folder("absent").unwrap().is_none());
}

#[test]
fn a_copied_tree_is_the_same_tree() {
    let folder = folder();
    let from = folder.path().join("from");
    fs::create_dir_all(from.join("a/b")).unwrap();
    fs::write(from.join("a/b/script"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(from.join("a/b/script"), Permissions::from_mode(0o755)).unwrap();
    symlink("b/script", from.join("a/link")).unwrap();
    let bounds = Bounds { entries: 4, bytes: 10, depth: 3 };
    copy_tree(&from, &folder.path().join("to"), bounds).unwrap();
    sync_tree(&folder.path().join("to")).unwrap();
    let same = Command::new("diff").args(["-r", "--no-dereference", "from", "to"]).current_dir(folder.path()).status();
    assert!(same.unwrap().success());
    assert_eq!(fs::metadata(folder.path().join("to/a/b/script")).unwrap().mode() & 0o777, 0o755);

    let smaller = [Bounds { entries: 3, ..bounds }, Bounds { bytes: 9, ..bounds }, Bounds { depth: 2, ..bounds }];
    for (number, bounds) in smaller.into_iter().enumerate() {
        assert!(copy_tree(&from, &folder.path().join(number.to_string()), bounds).is_err(), "{bounds:?}");
    }
    fifo(&from.join("fifo"));
    let wide = Bounds { entries: 100, bytes: 100, depth: 100 };
    assert!(copy_tree(&from, &folder.path().join("fifo"), wide).unwrap_err().to_string().contains("it is a FIFO"));
}

#[test]
fn a_tree_without_rights_is_removed_and_links_are_not_followed() {
    let folder = folder();
    fs::write(folder.path().join("outside"), "").unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("locked/below")).unwrap();
    symlink("../outside", tree.join("link")).unwrap();
    fs::set_permissions(tree.join("locked"), Permissions::from_mode(0o000)).unwrap();
    make_accessible(&tree).unwrap();
    assert_eq!(fs::metadata(tree.join("locked")).unwrap().mode() & 0o700, 0o700);
    fs::set_permissions(tree.join("locked"), Permissions::from_mode(0o000)).unwrap();
    remove_tree(&tree).unwrap();
    remove_tree(&tree).unwrap();
    assert_eq!(names(folder.path()), ["outside"]);
}

#[test]
fn trees_are_the_same_when_files_rights_and_links_are() {
    let folder = tempfile::tempdir().unwrap();
    let tree = |name: &str| {
        let tree = folder.path().join(name);
        fs::create_dir_all(tree.join("below")).unwrap();
        fs::write(tree.join("below/file"), "text").unwrap();
        std::os::unix::fs::symlink("below/file", tree.join("link")).unwrap();
        tree
    };
    let (one, other) = (tree("one"), tree("other"));
    let is_same = || is_same_tree(&one, &other).unwrap();
    assert!(is_same());
    fs::write(other.join("below/file"), "txet").unwrap();
    assert!(!is_same(), "another content");
    fs::write(other.join("below/file"), "text").unwrap();
    fs::set_permissions(other.join("below/file"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(!is_same(), "one may be run");
    fs::set_permissions(one.join("below/file"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(is_same());
    fs::write(other.join("more"), "").unwrap();
    assert!(!is_same(), "one has more");
    fs::write(one.join("most"), "").unwrap();
    assert!(!is_same(), "another name");
    assert!(is_same_tree(&one, &folder.path().join("none")).is_err());
}
