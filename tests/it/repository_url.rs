//! A token in a repository's URL is for the clone alone: it is never stored, printed or shown to anybody.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixture::{FULL_SCORE, TestFixture};
use crate::scenes::{edit, experiment, files_below, json, output};
use crate::world::{Output, World};

const TOKEN: &str = "t0ken%2Fof-me";
const MEANT: &str = "t0ken/of-me";

/// A server that gives files to whoever names `me` and the token, and writes down how it was asked.
const SERVER: &str = r#"
import base64, http.server, sys
right = "Basic " + base64.b64encode(b"me:t0ken/of-me").decode()
class Files(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        given = self.headers.get("Authorization")
        open("asked.log", "a").write(("right" if given == right else "wrong" if given else "none") + "\n")
        if given == right:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="files"')
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// It ends with its test.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(world: &World) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", SERVER]).current_dir(world.path("")).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.invalid"]).args(arguments).current_dir(folder);
    output(&mut git).exits(0).stdout.trim().to_owned()
}

/// A fixture whose repository is behind the server, and the commit.
fn fixture(world: &World, port: u16) -> (String, String) {
    let fixture = TestFixture::new()
        .agent("T0/00-one", "touch done; cat file")
        .judge(FULL_SCORE)
        .extra(&format!(
            "# Once it was http://me:{TOKEN}@127.0.0.1:{port}/task.git\n\
             source:\n  repo: http://me:{TOKEN}@127.0.0.1:{port}/task.git\n  hash: COMMIT\n"
        ))
        .write(world);
    let source = world.path("fixture/source");
    git(world.path("").as_path(), &["init", "--quiet", "task"]);
    fs::rename(source.join("readme.txt"), world.path("task/file")).unwrap();
    fs::remove_dir(source).unwrap();
    git(&world.path("task"), &["add", "."]);
    git(&world.path("task"), &["commit", "--quiet", "-m", "The task"]);
    git(world.path("").as_path(), &["clone", "--quiet", "--bare", "task", "task.git"]);
    git(&world.path("task.git"), &["update-server-info"]);
    let commit = git(&world.path("task"), &["rev-parse", "HEAD"]);
    edit(world, "fixture/test.yaml", "COMMIT", &commit);
    (fixture, commit)
}

#[track_caller]
fn shows_no_token(said: &Output) {
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains(TOKEN) && !text.contains(MEANT) && !text.contains("t0ken"), "{said}");
    }
}

#[track_caller]
fn keeps_no_token(folder: &Path) {
    for file in files_below(folder) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"t0ken"), "{} has the token", file.display());
    }
}

#[test]
fn a_token_in_a_repositorys_url_clones_and_is_never_stored_or_printed() {
    let world = World::new();
    let server = Server::start(&world);
    let (fixture, commit) = fixture(&world, server.port);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--verbose"];
    shows_no_token(&world.scylla(&[&arguments[..], &["--dry-run"]].concat()).exits(0));
    shows_no_token(&world.scylla(&[&arguments[..], &["--message-format", "json"]].concat()).exits(0));
    let asked = fs::read_to_string(world.path("asked.log")).unwrap();
    assert!(asked.contains("right") && !asked.contains("wrong"), "{asked}");
    keeps_no_token(&world.results());
    let dir = experiment(&world);
    let named = format!("http://127.0.0.1:{}/task.git", server.port);
    assert_eq!(json(&world.experiment().join("config/experiment.json"))["task_repo"], named);
    let copy = fs::read_to_string(world.experiment().join("config/fixture/test.yaml")).unwrap();
    assert!(copy.contains(&format!("repo: {named}\n  hash: {commit}")), "{copy}");
    shows_no_token(&world.scylla(&["verify", &dir]).exits(0));
    // The fixture is the same as before, also with another token.
    let files = files_below(&world.experiment());
    shows_no_token(&world.scylla(&arguments).exits(0));
    edit(&world, "fixture/test.yaml", TOKEN, "another-t0ken");
    shows_no_token(&world.scylla(&arguments).exits(0));
    assert_eq!(files_below(&world.experiment()), files, "it is the same experiment");
    // What is left to do needs neither the server nor a token.
    drop(server);
    shows_no_token(&world.scylla(&["extend", &dir, "--runs", "2"]).exits(0));
    edit(&world, "fixture/test.yaml", "test -f done", "test -e done");
    shows_no_token(&world.scylla(&["regrade", &dir, "--from", &fixture]).exits(0));
    world.scylla(&["verify", &dir]).exits(0);
    shows_no_token(&world.scylla(&["checkout", &dir, "--run", "T0/00/2", "--to", "tree"]).exits(0));
    let exported = world.scylla(&["export", &dir, "--format", "scylla-3.1", "--to", "exported"]).exits(0);
    shows_no_token(&exported);
    for folder in ["results", "tree", "exported"] {
        keeps_no_token(&world.path(folder));
    }
}

#[test]
fn no_mistake_and_no_message_of_git_shows_the_token_of_a_url() {
    let world = World::new();
    let server = Server::start(&world);
    let (fixture, commit) = fixture(&world, server.port);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let text = fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    let port = format!(":{}", server.port);
    let url = format!("http://me:{TOKEN}@127.0.0.1{port}/task.git");
    for (from, to, code) in [
        // The server refuses it.
        (TOKEN, "wrong-t0ken", 1),
        // No such commit, no such repository, nobody there.
        (&commit[..], &"1".repeat(40)[..], 1),
        ("/task.git", "/other.git", 1),
        (&port, ":1", 1),
        // Mistakes in the file.
        (&format!("  repo: {url}"), &format!("  repo: [\"{url}\"]"), 2),
        (&format!("  repo: {url}"), &format!("  repo: -{url}"), 2),
        (&format!("source:\n  repo: {url}\n  hash: {commit}\n"), &format!("source: {url}\n"), 2),
        (&format!("  repo: {url}"), &format!("  {url}: here"), 2),
        (&format!("  repo: {url}"), "  repo: \"http://me:t0ken\\x40127.0.0.1/task.git\"", 2),
    ] {
        let written = text.replace(from, to);
        assert_ne!(written, text, "{from}");
        world.write("fixture/test.yaml", &written);
        let refused = world.scylla(&run);
        assert!(refused.code.is_some_and(|code| code != 0), "{to}: {refused}");
        shows_no_token(&refused);
        keeps_no_token(&world.results());
        let checked = world.scylla(&["fixture", "check", &fixture]);
        assert!(code == 1 || checked.code == Some(2), "{to}: {checked}");
        shows_no_token(&checked);
    }
}
