//! Every kind of change, captured and rebuilt.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;
use crate::workspace::prepare::baseline;

/// Changes a new workspace, and gives the patch.
fn change(name: &str, edit: impl Fn(&Path)) -> Captured {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    edit(&world.workspace());
    let captured = world.there_and_back(&fresh);
    let without_index = baseline(&world.repo_git(), T0, PLAIN).unwrap();
    assert_eq!(world.capture(&without_index), captured, "{name}");
    assert_eq!(world.capture(&fresh), captured, "{name} twice");
    captured
}

#[test]
fn an_untouched_workspace_gives_an_empty_patch() {
    let nothing = change("nothing", |_| ());
    assert_eq!((nothing.patch, nothing.left_out), (vec![], vec![]));
    assert!(change("touch", |workspace| write(&workspace.join("README.md"), b"one\ntwo\n")).patch.is_empty());
}

#[test]
fn a_change_of_text_is_a_patch_that_people_can_read() {
    let captured = change("text", |workspace| write(&workspace.join("src/main.rs"), b"fn main() { todo() }\n"));
    let patch = String::from_utf8(captured.patch).unwrap();
    assert!(patch.starts_with("diff --git a/src/main.rs b/src/main.rs\nindex "), "{patch}");
    assert!(patch.ends_with("@@ -1 +1 @@\n-fn main() {}\n+fn main() { todo() }\n"), "{patch}");
}

#[test]
fn every_kind_of_change_comes_back() {
    let edits: [(&str, Edit); 17] = [
        ("binary", |w| write(&w.join("binary"), &[0, 255, 10, 13, 0])),
        ("new binary", |w| write(&w.join("new/binary"), &[0; 5000])),
        ("mode", |w| set_mode(&w.join("README.md"), 0o755)),
        ("mode and text", |w| {
            write(&w.join("run.sh"), b"other\n");
            set_mode(&w.join("run.sh"), 0o644);
        }),
        ("deletion", |w| fs::remove_file(w.join("binary")).unwrap()),
        ("all deleted", |w| {
            for name in tree(w).keys() {
                fs::remove_file(w.join(OsStr::from_bytes(name))).unwrap();
            }
        }),
        ("folder deleted", |w| fs::remove_dir_all(w.join("src")).unwrap()),
        ("line ends", |w| write(&w.join("crlf.bat"), b"a\nb\r\nc\rd")),
        ("keyword", |w| write(&w.join("keyword.id"), b"$Id: 123 $\n")),
        ("empty file", |w| write(&w.join("also empty"), b"")),
        ("symbolic links", |w| {
            fs::remove_file(w.join("link")).unwrap();
            write(&w.join("link"), b"README.md");
            symlink("/nowhere/../\n", w.join("dangling")).unwrap();
        }),
        ("file becomes folder", |w| {
            fs::remove_file(w.join("README.md")).unwrap();
            write(&w.join("README.md/inside"), b"x");
        }),
        ("folder becomes link to its own files", |w| {
            fs::rename(w.join("src"), w.join("elsewhere")).unwrap();
            symlink("elsewhere", w.join("src")).unwrap();
        }),
        ("folder becomes link to itself", |w| {
            fs::remove_dir_all(w.join("src")).unwrap();
            symlink("src", w.join("src")).unwrap();
        }),
        ("folder becomes link to a place outside", |w| {
            fs::rename(w.join("src"), w.join("../outside")).unwrap();
            fs::remove_file(w.join("../outside/main.rs")).unwrap();
            make_pipe(&w.join("../outside/main.rs"));
            symlink("../outside", w.join("src")).unwrap();
        }),
        ("odd names", |w| {
            for name in ["-n", "--", ":(exclude)x", " ", "a\"b\\c", "tab\tline\nend", "*", "git~1", ".git ", "è", ":x"]
            {
                write(&w.join(name), name.as_bytes());
            }
            write(&w.join(OsStr::from_bytes(b"\xff\xfe/\x80")), b"not UTF-8");
        }),
        ("the agent's own commits and attributes", |w| {
            write(&w.join(".gitattributes"), b"* text=auto eol=crlf -diff\n[attr]binary text\n");
            write(&w.join("new.txt"), b"mixed\r\nends\n");
            git(w, &["add", "-A"]);
            git(w, &["commit", "--quiet", "-m", "mine"]);
            write(&w.join("after"), b"x");
        }),
    ];
    for (name, edit) in edits {
        let captured = change(name, edit);
        assert!(!captured.patch.is_empty() && captured.left_out.is_empty(), "{name}: {:?}", captured.left_out);
    }
}

#[test]
fn ignored_files_are_not_taken() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    write(&world.workspace().join("target/debug/out"), b"built");
    write(&world.workspace().join("noise.log"), b"noise");
    assert!(world.capture(&fresh).patch.is_empty());
    // A file of the baseline is captured although a rule ignores it.
    write(&world.workspace().join("kept.log"), b"changed");
    assert!(!world.capture(&fresh).patch.is_empty());
}

#[test]
fn nested_repositories_are_taken_as_files() {
    let captured = change("nested", |w| {
        for name in ["hollow", "with", "with/in", "src/deep", "README.md"] {
            if name == "README.md" {
                fs::remove_file(w.join(name)).unwrap();
            }
            fs::create_dir_all(w.join(name)).unwrap();
            git(&w.join(name), &["init", "--quiet"]);
            write(&w.join(name).join("file"), name.as_bytes());
        }
        fs::remove_file(w.join("hollow/file")).unwrap();
        git(&w.join("with"), &["add", "file"]);
        git(&w.join("with"), &["commit", "--quiet", "-m", "x"]);
    });
    let patch = String::from_utf8(captured.patch).unwrap();
    assert!(patch.contains("+++ b/with/in/file\n") && patch.contains("+++ b/README.md/file\n"), "{patch}");
    assert!(!patch.contains("Subproject"), "{patch}");
}

/// One step of a random agent. There are few names, so that steps affect the same files.
#[derive(Debug, Clone)]
enum Step {
    Write(usize, Vec<u8>),
    Remove(usize),
    Link(usize, usize),
    Mode(usize, bool),
    Repository(usize),
}

const NAMES: [&str; 9] = ["README.md", "src", "src/main.rs", "src/deep", "a", "a/b", "a/b/c", "link", "sp ace\n\u{e9}"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0..NAMES.len();
    let step = prop_oneof![
        4 => (name.clone(), prop_oneof![Just(b"one\ntwo\n".to_vec()), prop::collection::vec(any::<u8>(), 0..40)])
            .prop_map(|(name, bytes)| Step::Write(name, bytes)),
        2 => name.clone().prop_map(Step::Remove),
        1 => (name.clone(), name.clone()).prop_map(|(name, to)| Step::Link(name, to)),
        1 => (name.clone(), any::<bool>()).prop_map(|(name, executable)| Step::Mode(name, executable)),
        1 => name.prop_map(Step::Repository),
    ];
    prop::collection::vec(step, 1..12)
}

/// Carries out the step as far as the tree allows it.
fn take(workspace: &Path, step: &Step) {
    let clear = |path: &Path| {
        let _ = fs::remove_file(path);
        let _ = fs::remove_dir_all(path);
        let _ = fs::create_dir_all(path.parent().unwrap());
    };
    match step {
        Step::Write(name, bytes) => {
            clear(&workspace.join(NAMES[*name]));
            let _ = fs::write(workspace.join(NAMES[*name]), bytes);
        }
        Step::Remove(name) => clear(&workspace.join(NAMES[*name])),
        Step::Link(name, to) => {
            clear(&workspace.join(NAMES[*name]));
            let _ = symlink(NAMES[*to], workspace.join(NAMES[*name]));
        }
        Step::Mode(name, executable) => {
            let path = workspace.join(NAMES[*name]);
            if path.is_file() {
                set_mode(&path, if *executable { 0o755 } else { 0o644 });
            }
        }
        Step::Repository(name) => {
            let path = workspace.join(NAMES[*name]);
            if path.is_dir() {
                git(&path, &["init", "--quiet"]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_comes_back(steps in steps()) {
        let world = World::made();
        let fresh = world.prepare(PLAIN);
        for step in &steps {
            take(&world.workspace(), step);
        }
        world.there_and_back(&fresh);
    }
}

#[test]
fn what_is_included_counts_in_nested_repositories_too_and_the_rest_of_them_is_counted_as_ignored() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    let workspace = world.workspace();
    // The tree's `.gitignore` excludes one of them completely.
    for nested in ["vendor/inner", "target/inner"] {
        let nested = workspace.join(nested);
        fs::create_dir_all(&nested).unwrap();
        git(&nested, &["init", "--quiet"]);
        for name in ["built/app", "built/other", "plain"] {
            write(&nested.join(name), b"x");
        }
        write(&nested.join(".gitignore"), b"built/\n");
    }
    let include = ["vendor/*/built/app", "target/**/app"].map(str::to_owned);
    let captured = capture(&workspace, &world.path("run/private"), &fresh, &include).unwrap();
    let patch = String::from_utf8(captured.patch).unwrap();
    let named: Vec<&str> = patch.lines().filter_map(|line| line.strip_prefix("diff --git a/")).collect();
    let taken: Vec<&str> = named.iter().map(|names| names.split(' ').next().unwrap()).collect();
    let vendored = ["vendor/inner/.gitignore", "vendor/inner/built/app", "vendor/inner/plain"];
    assert_eq!(taken, [&["target/inner/built/app"], &vendored[..]].concat());
    let ignored = ["target/inner/.gitignore", "target/inner/built/other", "target/inner/plain"];
    assert_eq!(captured.ignored.names, [&ignored[..], &["vendor/inner/built/other"]].concat());
    assert_eq!(captured.left_out, Vec::<PathBuf>::new());
}
