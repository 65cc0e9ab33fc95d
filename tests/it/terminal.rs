//! Screens that are drawn again and again, on a real terminal: nothing wraps, nothing scrolls, and the title stays.

use std::process::Command;

use indicatif::{InMemoryTerm, TermLike};
use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{experiment, is_missing, output, planned};
use crate::world::{Live, World};

/// Starts a program on a terminal. For each triple of rows, columns and a pattern: gives the terminal that size, and reads until what
/// comes after it fits. Then lets the program go on by making a file, reads to its end, and prints what it wrote under each size.
const ON_A_TERMINAL: &str = r#"
import fcntl, json, os, pty, re, select, struct, sys, termios, time
steps, opened, program = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]
def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
ready, go = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.execvp(program[0], program)
deadline = time.monotonic() + 100
def read(until):
    seen = b""
    while time.monotonic() < deadline and not (until and re.search(until.encode(), seen)):
        if select.select([terminal], [], [], 1)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            seen += piece
    return seen.decode(errors="replace")
written = []
for number, (rows, columns, until) in enumerate(steps):
    resize(rows, columns)
    if number == 0:
        os.write(go, b"1")
    written.append([rows, columns, read(until)])
open(opened, "w").close()
written.append([written[-1][0], written[-1][1], read(None)])
print(json.dumps(written))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// An agent that waits for a file of its world.
fn waits(world: &World) -> String {
    format!("until test -e {}; do sleep 0.02; done; touch done", world.path("opened").display())
}

/// What a command writes on a terminal under each size.
pub(crate) fn written(world: &World, steps: &[(u16, u16, &str)], arguments: &[&str]) -> Vec<(u16, u16, String)> {
    let tool = world.command(arguments);
    let mut python = Command::new("python3");
    world.seal(&mut python);
    python.args(["-c", ON_A_TERMINAL, &serde_json::to_string(steps).unwrap()]).arg(world.path("opened"));
    // A pager that leaves what it was given.
    python.env("PAGER", format!("tee {}", world.path("paged").display()));
    python.arg(tool.get_program()).args(tool.get_args()).env("TERM", "xterm").current_dir(world.path(""));
    let printed = output(&mut python).exits(0).stdout;
    serde_json::from_value(serde_json::from_str::<Value>(&printed).unwrap()).unwrap()
}

/// What a terminal of this size shows after all that was written.
fn shown(rows: u16, columns: u16, text: &str) -> String {
    let screen = InMemoryTerm::new(rows, columns);
    screen.write_str(text).unwrap();
    screen.contents()
}

fn fixture_with_wide_names(world: &World) -> String {
    let agent = waits(world);
    let names = [
        "T0/00-nothing",
        "T0/01-寿司とラーメンと天ぷらとうどんと蕎麦",
        "T1/00-a-name-that-is-longer-than-forty-columns-are",
    ];
    names.iter().fold(TestFixture::new(), |fixture, name| fixture.agent(name, &agent)).write(world)
}

#[test]
fn a_watched_status_keeps_its_title_and_never_wraps_or_scrolls_whatever_size_the_terminal_has() {
    if is_missing("python3") {
        return;
    }
    let world = World::new();
    let dir = planned(&world, &fixture_with_wide_names(&world), &["--runs", "2"]);
    let mut run = Live::start(&mut world.command(&["resume", &dir, "--max-cost-usd", "9", "--jobs", "4"]));
    run.wait_for("an agent", |event| event["reason"] == "stage-started" && event["stage"] == "agent");
    let end = "\u{1b}\\[J";
    let steps = [(24, 80, end), (10, 40, end), (10, 90, end), (30, 25, end), (5, 100, end)];
    let written = written(&world, &steps, &["status", "--watch", &dir]);
    for (rows, columns, text) in &written[..steps.len()] {
        // Whoever resized sees the frame that was drawn after it.
        let frame = text.rsplit("\u{1b}[H").next().unwrap();
        assert_eq!(frame.matches('\n').count(), frame.lines().count() - 1, "{frame:?}");
        assert!(frame.matches('\n').count() < usize::from(*rows), "{rows}x{columns}: {frame:?}");
        let screen = shown(*rows, *columns, &format!("\u{1b}[H{frame}"));
        assert!(screen.starts_with("tested: running\n"), "{rows}x{columns}:\n{screen}");
        let one_row_each = frame.matches('\n').count();
        assert!(screen.lines().count() <= one_row_each, "{rows}x{columns}: a line wraps\n{screen}\n{frame:?}");
    }
    assert!(
        shown(10, 40, &written[1].2).contains(" more\n") || shown(10, 40, &written[1].2).ends_with(" more"),
        "{written:#?}"
    );
    assert!(shown(24, 80, &written[0].2).contains("寿司とラーメン"), "{written:#?}");
    run.end();
}

#[test]
fn a_patch_on_a_terminal_is_colored_and_paged_and_gives_no_command() {
    if is_missing("python3") {
        return;
    }
    let world = World::new();
    let agent = r"printf 'one \033[2J\033]0;evil\007\n' > done";
    let fixture = TestFixture::new().agent("T0/00-one", agent).write(&world);
    world.scylla(&["run", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let dir = crate::scenes::experiment(&world);
    let paged = world.path("paged");
    for command in [&["diff", &dir, "T0/00/1"][..], &["show", &dir, "T0/00/1", "--diff"]] {
        for no_pager in [&[][..], &["--no-pager"]] {
            let written = written(&world, &[(24, 80, "evil")], &[command, no_pager].concat());
            let text: String = written.iter().map(|(_, _, text)| text.as_str()).collect();
            assert!(text.contains("\u{1b}[32m+one \\u{1b}[2J\\u{1b}]0;evil\\u{7}\u{1b}[0m"), "{text:?}");
            assert_eq!(paged.exists(), no_pager.is_empty(), "{command:?} {no_pager:?}");
            if no_pager.is_empty() {
                assert!(std::fs::read_to_string(&paged).unwrap().contains("+one"));
                std::fs::remove_file(&paged).unwrap();
            }
        }
    }
    // What is printed elsewhere is the patch itself.
    let patch = std::fs::read(world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    assert_eq!(world.command(&["diff", &dir, "T0/00/1", "--color", "always"]).output().unwrap().stdout, patch);
}

#[test]
fn bars_of_a_run_neither_wrap_nor_scroll_and_name_the_setup() {
    if is_missing("python3") {
        return;
    }
    for (rows, columns) in [(24, 80), (10, 40)] {
        let world = World::new();
        let fixture = fixture_with_wide_names(&world);
        let arguments = ["run", &fixture, "--results-dir", "results", "--runs", "1", "--jobs", "4"];
        // Time goes on in the bars: they were drawn several times. What follows is of the same frame, or of a later one.
        let next = if columns == 80 { "寿司とラーメン" } else { "T0/01/run_01" };
        let drawn = format!("(?s)T0/00/run_01  agent +[1-9].*{next}");
        let written = written(&world, &[(rows, columns, &drawn)], &arguments);
        let screen = shown(rows, columns, &written[0].2);
        assert_eq!(screen.matches("0 of 3 runs").count(), 1, "{rows}x{columns}:\n{screen}");
        assert!(screen.contains("T0/00/run_01  agent"), "{rows}x{columns}:\n{screen}");
        if columns == 80 {
            assert!(screen.contains("寿司とラーメン"), "{screen}");
        }
        experiment(&world);
    }
}
