//! One file with all that others need to check an experiment, and what hostile ones come to.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use tar::{Builder, EntryType, Header};

use crate::fixture::TestFixture;
use crate::scenes::experiment;
use crate::world::World;

fn finished(agent: &str) -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-solves", agent).agent("T0/01-idles", "exit 0").write(&world);
    let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"];
    world.scylla(&[&words[..], &["--keep-workspaces", "all"]].concat()).exits(0);
    let dir = experiment(&world);
    (world, dir)
}

#[test]
fn a_bundle_is_the_same_bytes_each_time_and_is_verified_without_being_unpacked_by_hand() {
    let (world, dir) = finished("touch done; mkdir -p deep; echo x > deep/file");
    world.scylla(&["seal", &dir]).exits(0);
    let made = world.scylla(&["publish", &dir, "--out", "bundle.tar.zst", "--require-seal"]).exits(0);
    assert_eq!(made.stdout, "bundle.tar.zst\n");
    assert!(made.stderr.contains("to check it: `cargo scylla verify bundle.tar.zst --require-seal`"), "{made}");
    // What a killed one has left goes; a file of somebody else stays.
    for name in [".tmp-of-cargo-scylla-abc", ".tmp-theirs"] {
        let left = fs::File::create(world.path(name)).unwrap();
        left.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let again = ["publish", &dir, "--out", "again.tar.zst", "--message-format", "json", "--min-runs", "2"];
    let told: serde_json::Value = serde_json::from_str(&world.scylla(&again).exits(0).stdout).unwrap();
    assert_eq!((&told["bundle"], told["seal"].is_string()), (&"again.tar.zst".into(), true), "{told:#}");
    assert_eq!(
        [".tmp-of-cargo-scylla-abc", ".tmp-theirs"].map(|name| world.path(name).exists()),
        [false, true],
        "left over"
    );
    let odd = ["publish", &dir, "--out=-my bundle.tar.zst", "--min-runs", "2", "--min-pass-rate", "T0/00=0.5"];
    let odd = world.scylla(&odd).exits(0);
    let hint = "`cargo scylla verify './-my bundle.tar.zst' --min-runs 2 --min-pass-rate T0/00=0.5`";
    assert!(odd.stderr.contains(hint), "{odd}");
    let bytes = |name: &str| fs::read(world.path(name)).unwrap();
    assert!(bytes("bundle.tar.zst") == bytes("again.tar.zst"), "the same results give the same bytes");
    let told = world.scylla(&["verify", "bundle.tar.zst", "--require-seal", "--report", "--deny-warnings"]).exits(0);
    assert!(told.stdout.contains("4 of 4 planned runs agree."), "{told}");
    world.scylla(&["publish", &dir, "--out", "bundle.tar.zst"]).exits(2);
    world.scylla(&["publish", &dir, "--out", "bundle.zip"]).exits(2);

    let bytes = zstd::decode_all(fs::File::open(world.path("bundle.tar.zst")).unwrap()).unwrap();
    fs::create_dir(world.path("elsewhere")).unwrap();
    tar::Archive::new(bytes.as_slice()).unpack(world.path("elsewhere")).unwrap();
    let root = format!("elsewhere/{}", world.experiment().file_name().unwrap().to_str().unwrap());
    for place in
        ["report/report.md", "report/stamp.json", "SHA256SUMS", "config/experiment.json", "T0/00/run_01/changes.patch"]
    {
        assert!(world.path(&root).join(place).is_file(), "{place}");
    }
    assert!(!world.path(&root).join("T0/00/run_01/workspace").exists());
    assert!(fs::read_to_string(world.path("elsewhere/README.md")).unwrap().contains("sha256sum -c SHA256SUMS"));
    world.scylla(&["verify", &root]).exits(0);
    world.scylla(&["checkout", &root, "--run", "T0/00/1", "--to", "tree"]).exits(0);
    assert!(world.path("tree/deep/file").is_file());

    // What was altered in it is found.
    fs::write(world.path(&root).join("T0/00/run_01/changes.patch"), "").unwrap();
    let mut altered = Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    altered.append_dir_all(".", world.path("elsewhere")).unwrap();
    let altered = altered.into_inner().unwrap().finish().unwrap();
    fs::write(world.path("altered.tar.zst"), altered).unwrap();
    world.scylla(&["verify", "altered.tar.zst"]).exits(5);
}

#[test]
fn links_of_a_fixture_are_in_the_bundle_unless_they_lead_out_of_it() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-solves", "touch done").write(&world);
    fs::create_dir_all(world.path("fixture/source/deep")).unwrap();
    let long = format!("deep/{}", "x".repeat(120));
    for (name, target) in [("to-deep", "deep"), ("deep/up", "../to-deep"), ("long", long.as_str())] {
        symlink(target, world.path("fixture/source").join(name)).unwrap();
    }
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    world.scylla(&run).exits(0);
    world.scylla(&["publish", &experiment(&world), "--out", "bundle.tar.zst"]).exits(0);
    let told = world.scylla(&["verify", "bundle.tar.zst", "--deny-warnings"]).exits(0);
    assert!(told.stdout.contains("1 of 1 planned run agrees."), "{told}");

    symlink("/etc/hostname", world.path("fixture/source/out")).unwrap();
    fs::remove_dir_all(world.path("results")).unwrap();
    // It is told before one pays, by every command that reads the fixture.
    let told = "`source/out` is a link out of the fixture, to `/etc/hostname`";
    for words in [&[&run[..], &["--dry-run"]].concat()[..], &["fixture", "check", &fixture], &run] {
        let output = world.scylla(words).exits(0);
        assert!(output.stderr.contains(told), "{output}");
        assert!(!output.stderr.contains("source/to-deep"), "{output}");
    }
    let refused = world.scylla(&["publish", &experiment(&world), "--out", "other.tar.zst"]);
    assert_ne!(refused.code, Some(0), "{refused}");
    let why = "source/out` leads out of the experiment, to `/etc/hostname`";
    assert!(refused.stderr.contains(why) && !world.path("other.tar.zst").exists(), "{refused}");
}

#[test]
fn what_is_not_in_order_or_holds_a_secret_is_not_published() {
    let key = format!("ghp_{}", "aB3".repeat(12));
    let (world, dir) = finished(&format!("echo {key}; touch done"));
    let refused = world.scylla(&["publish", &dir, "--out", "bundle.tar.zst"]).exits(7);
    assert!(refused.stdout.contains("agent/stdout.log` holds a token of GitHub in line 1"), "{refused}");
    assert!(!refused.stdout.contains(&key), "{refused}");
    let words = ["publish", &dir, "--out", "bundle.tar.zst", "--message-format", "json"];
    let told: serde_json::Value = serde_json::from_str(&world.scylla(&words).exits(7).stdout).unwrap();
    assert_eq!(told["policy_not_met"].as_array().map(Vec::len), Some(5), "{told:#}");
    let (world, dir) = finished("touch done");
    for (policy, exit) in [(&["--min-pass-rate", "0.9"][..], 7), (&["--require-seal"], 7), (&["--min-runs", "3"], 7)] {
        let told = world.scylla(&[&["publish", &dir, "--out", "bundle.tar.zst"], policy].concat()).exits(exit);
        assert!(told.stdout.contains("Policy not met:") && told.stderr.contains("nothing was written"), "{told}");
    }
    fs::remove_file(world.path(&dir).join("checkpoint.json")).unwrap();
    world.scylla(&["publish", &dir, "--out", "bundle.tar.zst"]).exits(4);
    world.scylla(&["repair", &dir]).exits(0);
    fs::write(world.path(&dir).join("T0/00/run_01/changes.patch"), "altered").unwrap();
    world.scylla(&["publish", &dir, "--out", "bundle.tar.zst"]).exits(5);
    world.scylla(&["extend", &dir, "--runs", "3", "--plan-only"]).exits(0);
    assert!(!world.path("bundle.tar.zst").exists());
}

#[test]
fn a_hostile_bundle_is_refused_and_writes_nothing_outside() {
    let world = World::new();
    let bundle = |entries: &[(&str, EntryType, &str, u64)]| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        for (name, kind, target, size) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(*size);
            header.set_cksum();
            encoder.write_all(header.as_bytes()).unwrap();
            if *size > 0 && *size < 4096 {
                encoder.write_all(&vec![b'x'; usize::try_from(size.next_multiple_of(512)).unwrap()]).unwrap();
            }
        }
        encoder.write_all(&[0; 1024]).unwrap();
        fs::write(world.path("hostile.tar.zst"), encoder.finish().unwrap()).unwrap();
        world.scylla(&["verify", "hostile.tar.zst"]).exits(2).stderr
    };
    let outside = world.path("outside");
    let absolute = outside.to_str().unwrap();
    for (entries, why) in [
        (&[(absolute, EntryType::Regular, "", 5)][..], "leads out of it"),
        (&[("e/../../outside", EntryType::Regular, "", 5)], "leads out of it"),
        (&[("e/link", EntryType::Symlink, absolute, 0)], "leads out of the experiment"),
        (&[("e/in/link", EntryType::Symlink, "../../x", 0)], "leads out of the experiment"),
        (&[("e/in/link", EntryType::Symlink, "down/../../x", 0)], "leads out of the experiment"),
        (&[("e/link", EntryType::Symlink, "in", 0), ("e/link/file", EntryType::Regular, "", 5)], "cannot be made"),
        (&[("e/link", EntryType::Symlink, "in", 0), ("e/link/b", EntryType::Symlink, "c", 0)], "behind a link"),
        (&[("e/target", EntryType::GNULongLink, "", 1 << 30)], "too long"),
        (&[("e/link", EntryType::Link, absolute, 0)], "neither a file nor a folder"),
        (&[("e/zero", EntryType::Char, "", 0)], "neither a file nor a folder"),
        (&[("e/pipe", EntryType::Fifo, "", 0)], "neither a file nor a folder"),
        (&[("e/big", EntryType::Regular, "", 1 << 40)], "far more room"),
        (&[("e/name", EntryType::GNULongName, "", 1 << 30)], "too long"),
        (&[("e/one", EntryType::Regular, "", 5), ("e/one", EntryType::Regular, "", 5)], "cannot be written"),
        (&[("e/short", EntryType::Regular, "", 5000)], "middle of a file"),
        (&[("e/pax", EntryType::XHeader, "", 5)], "neither a file nor a folder"),
        (&[], "it is empty"),
        (&[("e/notes.txt", EntryType::Regular, "", 5)], "holds no experiment"),
    ] {
        let told = bundle(entries);
        assert!(told.contains(why), "{why}: {told}");
        assert!(!outside.exists(), "{entries:?}");
    }
    fs::write(world.path("hostile.tar.zst"), "no archive").unwrap();
    world.scylla(&["verify", "hostile.tar.zst"]).exits(2);
}
