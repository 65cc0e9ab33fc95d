//! The script of the jobs of a batch. It takes nothing of the environment in which it was submitted, and holds no key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::model::job::JobResources;

use crate::text::words::shell_word;

/// What all batches of an experiment have in common.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The experiment's folder, from the root.
    pub(super) folder: PathBuf,
    /// This program, from the root: it is to be there on every machine.
    pub(super) program: PathBuf,
    /// The name of the jobs.
    pub(super) name: String,
    /// Where programs are looked for, as at the coordinator.
    pub(super) path: String,
    /// Whether runs are made in the scratch folder that the cluster gives a job: nobody asked for another place.
    pub(super) uses_scratch: bool,
}

/// One batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfBatch<'a> {
    /// How many jobs it has.
    pub(super) jobs: usize,
    /// Its folder.
    pub(super) place: &'a Path,
    /// The file of its tasks.
    pub(super) tasks: &'a Path,
    /// The file of the variables that workers are given.
    pub(super) variables: &'a Path,
    /// The file by which no further run may begin.
    pub(super) stopped: &'a Path,
    /// The comment that names it.
    pub(super) comment: &'a str,
    /// What its jobs may use.
    pub(super) resources: &'a JobResources,
}

/// The script.
pub(super) fn script(frame: &Frame, batch: OfBatch<'_>) -> String {
    let mut script = "#!/bin/sh\n".to_owned();
    let mut option = |text: String| _ = writeln!(script, "#SBATCH {text}");
    let JobResources { cpus, memory, time_seconds, partition, options } = batch.resources;
    let asked = [
        cpus.map(|cpus| format!("--cpus-per-task={cpus}")),
        // Slurm counts memory in units of 1024 as well, and knows no fractions of a kibibyte.
        memory.map(|memory| format!("--mem={}K", memory.bytes() >> 10)),
        time_seconds.map(|seconds| format!("--time={}", clock(seconds))),
        partition.as_ref().map(|partition| format!("--partition={}", quoted(partition))),
    ];
    for one in asked.into_iter().flatten().chain(options.iter().cloned()) {
        option(one);
    }
    // Of two options of one name Slurm takes the later one: jobs are found by these, whatever else was asked for.
    option(format!("--job-name={}", quoted(&frame.name)));
    option(format!("--comment={}", quoted(batch.comment)));
    option(format!("--array=1-{}", batch.jobs));
    option("--export=NONE".to_owned());
    option("--ntasks=1".to_owned());
    option("--requeue".to_owned());
    option(format!("--chdir={}", quoted(&batch.place.display().to_string()).replace('%', "%%")));
    option("--output=%a.log".to_owned());
    option("--open-mode=append".to_owned());
    let word = |path: &Path| shell_word(&path.display().to_string());
    let scratch = if frame.uses_scratch { " ${SLURM_TMPDIR:+--work-dir \"$SLURM_TMPDIR\"}" } else { "" };
    let worker = format!("{} scylla worker {}", word(&frame.program), word(&frame.folder));
    let _ = write!(
        script,
        "\n\
         # Whoever asks this script to end asks the worker, which ends its agent; it is waited for.\n\
         worker= stopped=\n\
         end() {{ stopped=1; [ -z \"$worker\" ] || kill -TERM \"$worker\" 2> /dev/null; }}\n\
         trap end TERM\n\
         export PATH={path}\n\
         echo \"job ${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}} on ${{SLURMD_NODENAME:-$(uname -n)}}\"\n\
         code=0\n\
         for task in $(sed -n \"${{SLURM_ARRAY_TASK_ID}}p\" {tasks}); do\n\
         \x20   [ -z \"$stopped\" ] && ! [ -e {stopped} ] || exit 143\n\
         \x20   [ -e {variables} ] || {{ echo 'the variables of agents are not there any more: '{variables}; exit 1; }}\n\
         \x20   run=${{task%%:*}} attempts=${{task#*:}}\n\
         \x20   {worker} --run \"$run\" --attempts \"${{attempts%%:*}}\" --lease \\\n\
         \x20       --log \"$PWD/${{SLURM_ARRAY_TASK_ID}}.log\"{scratch} &\n\
         \x20   worker=$! ended=0\n\
         \x20   [ -z \"$stopped\" ] || kill -TERM \"$worker\"\n\
         \x20   while wait \"$worker\" || ended=$?; kill -0 \"$worker\" 2> /dev/null; do :; done\n\
         \x20   [ \"$ended\" = 0 ] || code=$ended\n\
         \x20   case $ended in 129 | 130 | 137 | 143) exit \"$ended\" ;; esac\n\
         done\n\
         exit $code\n",
        path = shell_word(&frame.path),
        variables = word(batch.variables),
        stopped = word(batch.stopped),
        tasks = word(batch.tasks),
    );
    script
}

/// A time as Slurm reads it: hours, minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Options of `sbatch` by which jobs are found, begun and read: nobody else may set them. The letter is the short form.
const OURS: [(&str, Option<char>); 17] = [
    ("array", Some('a')),
    ("chdir", Some('D')),
    ("cluster", None),
    ("clusters", Some('M')),
    ("comment", None),
    ("error", Some('e')),
    ("export", None),
    ("export-file", None),
    ("job-name", Some('J')),
    ("no-requeue", None),
    ("ntasks", Some('n')),
    ("open-mode", None),
    ("output", Some('o')),
    ("parsable", None),
    ("test-only", None),
    ("wait", Some('W')),
    ("wrap", None),
];
/// Slurm takes the beginning of an option's name for the option; a shorter one may mean several.
const LEAST_BEGINNING: usize = 4;

/// The option of ours that an option is, where it is one.
pub(super) fn is_ours(option: &str) -> Option<&'static str> {
    let means = |(name, letter): &&(&'static str, Option<char>)| match option.strip_prefix("--") {
        Some(long) => {
            let given = long.split(['=', ' ']).next().unwrap_or_default();
            given == *name || (given.len() >= LEAST_BEGINNING && name.starts_with(given))
        }
        None => option.strip_prefix('-').is_some_and(|short| short.chars().next() == *letter && letter.is_some()),
    };
    OURS.iter().find(means).map(|(name, _)| *name)
}

/// Why a path cannot stand in a script: Slurm has no way to write it.
pub(super) fn unfit(path: &Path) -> Option<&'static str> {
    let text = path.to_string_lossy();
    if text.contains('\\') {
        Some("a backslash, which Slurm does not take in the folder of a job")
    } else if text.contains(char::is_control) {
        Some("a control character, which no line of a script can hold")
    } else {
        None
    }
}

/// A value as Slurm reads it in a script.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:+,=@".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\\\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_by_which_jobs_are_found_are_known_in_every_form_and_others_pass() {
        for (option, ours) in [
            ("--comment=mine", Some("comment")),
            ("--comm mine", Some("comment")),
            ("-Jmine", Some("job-name")),
            ("-o /dev/null", Some("output")),
            ("--array=1-3", Some("array")),
            ("-M other", Some("clusters")),
            ("--export=ALL", Some("export")),
            ("--account=mine", None),
            ("--exclusive", None),
            ("--gres=gpu:1", None),
            ("--ntasks-per-node=1", None),
            ("--error-on-nothing", None),
            ("-A mine", None),
            ("-C fast", None),
        ] {
            assert_eq!(is_ours(option), ours, "{option}");
        }
    }

    #[test]
    fn values_are_quoted_as_slurm_reads_them_and_paths_that_it_cannot_read_are_unfit() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("/a \"b\""), "\"/a \\\"b\\\"\"");
        assert_eq!(unfit(Path::new("/a b/50%/\"c\"")), None);
        assert!(unfit(Path::new("/a\\b")).is_some_and(|why| why.contains("backslash")));
        assert!(unfit(Path::new("/a\nb")).is_some_and(|why| why.contains("control character")));
    }
}
