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
    /// The comment that names it.
    pub(super) comment: &'a str,
    /// What its jobs may use.
    pub(super) resources: &'a JobResources,
}

/// The script.
pub(super) fn script(frame: &Frame, batch: OfBatch<'_>) -> String {
    let mut script = "#!/bin/sh\n".to_owned();
    let mut option = |text: String| _ = writeln!(script, "#SBATCH {text}");
    option(format!("--job-name={}", quoted(&frame.name)));
    option(format!("--comment={}", quoted(batch.comment)));
    option(format!("--array=1-{}", batch.jobs));
    option("--export=NONE".to_owned());
    option("--ntasks=1".to_owned());
    option("--requeue".to_owned());
    option(format!("--chdir={}", quoted(&batch.place.display().to_string())));
    option("--output=%a.log".to_owned());
    option("--open-mode=append".to_owned());
    let JobResources { cpus, memory, time_seconds, partition, options } = batch.resources;
    let memory = memory.map(|memory| format!("--mem={}K", memory.bytes() >> 10));
    let asked = [
        cpus.map(|cpus| format!("--cpus-per-task={cpus}")),
        // Slurm counts memory in units of 1024 as well, and knows no fractions of a kibibyte.
        memory,
        time_seconds.map(|seconds| format!("--time={}", clock(seconds))),
        partition.as_ref().map(|partition| format!("--partition={}", quoted(partition))),
    ];
    for one in asked.into_iter().flatten().chain(options.iter().cloned()) {
        option(one);
    }
    let word = |path: &Path| shell_word(&path.display().to_string());
    let worker = format!("{} scylla worker {}", word(&frame.program), word(&frame.folder));
    let _ = write!(
        script,
        "\n\
         # Whoever asks this script to end asks the worker, which ends its agent; it is waited for.\n\
         worker=\n\
         trap '[ -z \"$worker\" ] || kill -TERM \"$worker\" 2> /dev/null' TERM\n\
         export PATH={path}\n\
         code=0\n\
         for task in $(sed -n \"${{SLURM_ARRAY_TASK_ID}}p\" {tasks}); do\n\
         \x20   run=${{task%%:*}} attempts=${{task#*:}}\n\
         \x20   {worker} --run \"$run\" --attempts \"${{attempts%%:*}}\" --lease \\\n\
         \x20       --log \"$PWD/${{SLURM_ARRAY_TASK_ID}}.log\" ${{SLURM_TMPDIR:+--work-dir \"$SLURM_TMPDIR\"}} &\n\
         \x20   worker=$! ended=0\n\
         \x20   while wait \"$worker\" || ended=$?; kill -0 \"$worker\" 2> /dev/null; do :; done\n\
         \x20   [ \"$ended\" = 0 ] || code=$ended\n\
         \x20   case $ended in 129 | 130 | 137 | 143) exit \"$ended\" ;; esac\n\
         done\n\
         exit $code\n",
        path = shell_word(&frame.path),
        tasks = word(batch.tasks),
    );
    script
}

/// A time as Slurm reads it: hours, minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A value as Slurm reads it in a script.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:+,=@".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("\"{}\"", text.replace(['\\', '"'], "")) }
}
