//! What a sandbox shows of homes, however a program leads there.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;

/// What nothing but the user may read.
const SECRET: &str = "SECRET";
/// A program that prints what it can read of all that is secret.
const LOOKS: &str = "#!/bin/sh\necho started\nfor file in $SECRETS; do cat \"$file\"; done 2> /dev/null\n";

fn file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn link(target: impl AsRef<Path>, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

/// A home with secrets at this place: keys, and notes beside programs.
fn home_at(home: &Path) -> Vec<PathBuf> {
    let secrets = [".ssh/id", ".config/tool/key", ".local/share/keyrings/login", "notes", "Documents/letter"];
    let secrets: Vec<PathBuf> = secrets.map(|name| home.join(name)).into();
    for secret in &secrets {
        file(secret, SECRET);
    }
    secrets
}

/// What a program prints in a sandbox with this home and search path. All secrets are told to it.
fn printed(
    place: &Place,
    program: &Path,
    home: &Path,
    path: &[&Path],
    more: &[(&str, &Path)],
    secrets: &[PathBuf],
) -> String {
    let containment = Containment::probe(ContainmentChoice::Bubblewrap).unwrap();
    let tree = place.path("tree");
    fs::create_dir_all(&tree).unwrap();
    let mut task = place.task(&[program.to_str().unwrap()]);
    let path = path.iter().map(|path| path.as_os_str()).chain([OsStr::new("/usr/bin"), OsStr::new("/bin")]);
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.to_str().unwrap()).collect();
    task.environment = BTreeMap::from([
        ("PATH".into(), std::env::join_paths(path).unwrap()),
        ("HOME".into(), home.into()),
        ("SECRETS".into(), secrets.join(" ").into()),
    ]);
    task.environment.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    task.cwd.clone_from(&tree);
    task.views = vec![View::Writable(tree)];
    task.sandbox = Some(Sandbox { own: place.path("own"), has_network: true, readable: Vec::new(), image: None });
    run_free(&task, &containment).unwrap();
    place.stdout() + &fs::read_to_string(place.path("stderr.log")).unwrap()
}

fn works() -> bool {
    Containment::probe(ContainmentChoice::Bubblewrap).is_ok()
}

/// A folder that no sandbox hides, unless the program under test lies in one that is hidden.
fn visible() -> TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

#[test]
fn no_search_path_and_no_program_shows_the_home_around_it() {
    if !works() {
        return;
    }
    let place = Place::new();
    let home = place.path("home");
    let mut secrets = home_at(&home);
    file(&home.join("look"), LOOKS);
    let other = place.path("other");
    file(&other.join("bin/tool"), LOOKS);
    secrets.extend(home_at(&other));
    let plain = place.path("plain");
    file(&plain.join("bin/tool"), LOOKS);
    file(&plain.join("private"), SECRET);
    secrets.push(plain.join("private"));
    for (name, target) in [("deploy", "../look"), ("key", "../.ssh/id"), ("setting", "../.config/tool/key")] {
        link(target, &home.join("bin").join(name));
    }
    link(home.join(".config/tool"), &home.join("tools"));
    let (look, bin) = (home.join("look"), home.join("bin"));
    let around = home.join("bin/../bin");
    let settings = home.join(".config");
    let (of_other, of_plain) = (other.join("bin"), plain.join("bin"));
    let all: [(&Path, &[&Path]); 9] = [
        (&look, &[]),
        (&look, &[&bin]),
        (&look, &[&home]),
        (&look, &[&around]),
        (&look, &[&settings]),
        (&bin.join("deploy"), &[&bin]),
        (Path::new("deploy"), &[&bin]),
        (Path::new("tool"), &[&of_other]),
        (Path::new("tool"), &[&of_plain, place.folder.path(), &place.path("home/.local/share"), &other]),
    ];
    for (program, path) in all {
        let printed = printed(&place, program, &home, path, &[], &secrets);
        assert_eq!(printed, "started\n", "{} with {path:?}", program.display());
    }
    for (name, value) in [("CARGO_HOME", &home), ("RUSTUP_HOME", &settings), ("CARGO_HOME", &around.join(".."))] {
        let printed = printed(&place, &look, &home, &[], &[(name, value)], &secrets);
        assert_eq!(printed, "started\n", "{name} is {}", value.display());
    }
}

#[test]
fn what_programs_need_beside_them_is_shown_by_the_names_that_lead_to_it() {
    if !works() {
        return;
    }
    let place = Place::new();
    let home = place.path("home");
    home_at(&home);
    let needs = |name: &str| format!("#!/bin/sh\ncat \"$(dirname \"$0\")/{name}\"\n");
    file(&home.join(".versions/tool-3/bin/tool"), &needs("../lib/data"));
    file(&home.join(".versions/tool-3/lib/data"), "of the tool\n");
    link("tool-3", &home.join(".versions/current"));
    file(&home.join("scripts/job"), &needs("beside"));
    file(&home.join("scripts/beside"), "of the script\n");
    let of_the_tool = home.join(".versions/current/bin");
    let told = |program: &Path, path: &[&Path]| printed(&place, program, &home, path, &[], &[]);
    assert_eq!(told(Path::new("tool"), &[&of_the_tool]), "of the tool\n");
    // A folder that is shown whole has the link in it.
    assert_eq!(told(Path::new("tool"), &[&home.join(".versions"), &of_the_tool]), "of the tool\n");
    assert_eq!(told(Path::new("job"), &[&home.join("scripts")]), "of the script\n");
    assert_eq!(told(&home.join("scripts/job"), &[]), "of the script\n");
}

#[test]
fn a_home_that_is_a_link_is_hidden_by_its_name_and_where_it_lies() {
    if !works() {
        return;
    }
    let (place, visible) = (Place::new(), visible());
    for (lies, named) in [
        (visible.path().join("data/ada"), visible.path().join("srv/ada")),
        (visible.path().join("data/bob"), place.path("homes/bob")),
        (place.path("data/eve"), visible.path().join("srv/eve")),
    ] {
        let mut secrets = home_at(&lies);
        link(&lies, &named);
        secrets.extend(["notes", ".ssh/id"].map(|name| named.join(name)));
        file(&lies.join("bin/look"), LOOKS);
        let printed = printed(&place, &named.join("bin/look"), &named, &[&named.join("bin")], &[], &secrets);
        assert_eq!(printed, "started\n", "{}", named.display());
        assert!(fs::read_dir(&lies).unwrap().count() > 3, "its own home is beside the real one");
    }
}

#[test]
fn the_keys_of_every_home_of_cargos_are_hidden() {
    if !works() {
        return;
    }
    let (place, visible) = (Place::new(), visible());
    let home = place.path("home");
    let look = home.join("look");
    file(&look, LOOKS);
    let of_the_machine = visible.path().join("cargo");
    let in_path = visible.path().join("rust");
    let other = place.path("elsewhere/cargo");
    let cargo_homes = [&home.join(".cargo"), &of_the_machine, &in_path, &other];
    let mut secrets = Vec::new();
    for cargo in cargo_homes {
        file(&cargo.join("bin/cargo"), "");
        file(&cargo.join("registry/index"), "index");
        secrets.extend(["credentials", "credentials.toml"].map(|name| cargo.join(name)));
    }
    for secret in &secrets {
        file(secret, SECRET);
    }
    // Keys that lie elsewhere are hidden there.
    fs::remove_file(&secrets[3]).unwrap();
    secrets.push(visible.path().join("keys"));
    file(secrets.last().unwrap(), SECRET);
    link(secrets.last().unwrap(), &of_the_machine.join("credentials.toml"));
    for named in [&of_the_machine, &other] {
        let more: [(&str, &Path); 1] = [("CARGO_HOME", named)];
        let index = [named.join("registry/index"), home.join(".cargo/registry/index")];
        let path: [&Path; 2] = [&in_path.join("bin"), &of_the_machine.join("bin")];
        let printed = printed(&place, &look, &home, &path, &more, &[&secrets[..], &index].concat());
        assert_eq!(printed, "started\nindexindex", "{}", named.display());
    }
}
