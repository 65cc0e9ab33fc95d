//! The agent stage: from the subtest's setup to a durable `agent/result.json`.

use std::ffi::OsStr;
use std::time::Duration;

use crate::agent;
use crate::engine::error::with_causes;
use crate::engine::worker::stages::allowed::{KILL, KILLED_BY_CODE, is_ended_for_memory};
use crate::engine::worker::stages::metered::{no_ledger, outcome_of};
use crate::engine::worker::stages::priced::Used;
use crate::engine::worker::stages::trees::no_place;
use crate::engine::worker::stages::{Halt, Work, write_evidence};
use crate::engine::worker::workplace::Program;
use crate::gateway::{Door, Exchanged, Lease};
use crate::model::agent::{Agent, AgentStart, Assignment, EndedAgent, Paths, ProgramFacts};
use crate::model::flag::Flag;
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::result::AgentResult;
use crate::model::task::Subtest;
use crate::os::clock::{self, Stopwatch};
use crate::os::files::FileError;
use crate::os::process::{End, Ended, Overflow, View};
use crate::os::program;
use crate::store::work::WorkFolder;
use crate::workspace;

impl Work<'_> {
    /// Runs the agent until it ends or a limit ends it.
    pub(in crate::engine) fn agent(&mut self) -> Result<AgentResult, Halt> {
        self.enter(Stage::Agent, None)?;
        let place = self.place;
        let subtest = place
            .subtest(self.run)
            .ok_or_else(|| Failure::new(FailureKind::Workspace, "the fixture's copy has no such subtest"))?;
        self.not_asked_yet.set(true);
        let lease = self.lease(&subtest.agent)?;
        let door = self.door(lease.as_ref(), &self.folder.connections())?;
        let start = self.assign(subtest, lease.as_ref(), door.as_ref())?;
        let version = self.version_to_record(&subtest.agent)?;
        self.not_asked_yet.set(true);
        let (started_at, watch) = (clock::now(), Stopwatch::start());
        let program = ProgramFacts { agent_version: version, agent_models: Vec::new() };
        let mut result = AgentResult::begun(self.attempt, program, started_at);
        match start {
            AgentStart::Command { mut argv, is_ours, environment, needs } => {
                let path = environment.get(OsStr::new("PATH"));
                if let Some(needed) = needs.filter(|needed| !place.reach.finds(needed.as_ref(), path.map(|it| &**it))) {
                    let missing = format!("program `{needed}` is not found");
                    return Err(Failure::new(FailureKind::Spawn, missing).into());
                }
                if let Some(first) = argv.first_mut().filter(|_| is_ours) {
                    let own = program::own().map_err(|error| {
                        Failure::new(FailureKind::Spawn, format!("our own program cannot be started: {error}"))
                    })?;
                    *first = own.into();
                }
                let watch = self.watch(&subtest.agent, lease.as_ref().map(Lease::recall));
                let doorway = Self::doorway(door.as_ref())?;
                let program = self.program_of_agent(self.agents_folder()?, argv, environment);
                let program = Program { watch, door: doorway, ..program };
                let ended = self.contained(program, FailureKind::Spawn)?;
                Self::close(door, &ended)?;
                let exchanged = lease.map(Lease::end).transpose().map_err(|error| {
                    self.unwritten.set(error.exchanges);
                    no_ledger("agent's", &error)
                })?;
                self.apply_end(&ended, &subtest.agent, exchanged.as_ref(), &mut result)?;
                self.link.asked(true);
            }
            AgentStart::ApplyPatch(patch) => {
                workspace::checkout::apply(&self.agents_folder()?.workspace(), &patch)
                    .map_err(|error| Failure::new(FailureKind::Workspace, with_causes(&error)))?;
            }
            AgentStart::PlayBack(id) => self.play_back(&id, &mut result)?,
            AgentStart::Nothing => {}
        }
        self.not_asked_yet.set(false);
        result.duration_seconds = watch.worked().as_secs_f64();
        self.must_hold()?;
        self.keep_what_is_left(&mut result)?;
        self.must_hold()?;
        let written = self.store.write_agent_result(&result);
        // A write that failed at its last step may have left the whole file: then the agent must not be paid again.
        self.agent_complete = written.is_ok() || matches!(self.store.read_agent_result(), Ok(Some(_)));
        if self.agent_complete {
            self.count(result.usage.cost.into());
        }
        written?;
        Ok(result)
    }

    /// The folder that the agent works in.
    pub(super) fn agents_folder(&self) -> Result<&WorkFolder, Failure> {
        self.temporary.as_ref().ok_or_else(|| Failure::new(FailureKind::Workspace, "the agent has no work folder"))
    }

    /// Keeps the agent's record, and makes its tree durable before anything records that the agent is done.
    fn keep_what_is_left(&mut self, result: &mut AgentResult) -> Result<(), Halt> {
        let work = self.agents_folder()?;
        let replaced = work.put_back().map_err(|error| no_place(&error))?;
        result.flags.extend(self.keep_record()?);
        let work = self.agents_folder()?;
        if replaced || self.replaced.get() {
            result.flags.insert(Flag::FolderReplaced);
        }
        // If the disk refuses to sync a tree, the tree is still good until the machine stops.
        result.work = Some(work.place(work.sync().is_ok()));
        self.store.unpoint()?;
        Ok(())
    }

    /// Composes the prompt and the command, and writes both as evidence.
    fn assign(&self, subtest: &Subtest, lease: Option<&Lease>, door: Option<&Door>) -> Result<AgentStart, Halt> {
        let place = self.place;
        let work_folder = self.agents_folder()?;
        let (task, thinking) = (&place.fixture.prompt, &place.config.thinking_mode);
        let prompt = if subtest.agent.thinks_by_word() { agent::prompt(task, thinking) } else { task.clone() };
        let mut environment =
            place.reach.environment(&place.inherited, &place.fixture.variables_given_to(&subtest.agent));
        let addresses = subtest.agent.installation().map(|known| known.addresses);
        if let Some(lease) = lease {
            lease.redirect(&mut environment, addresses);
        }
        let assignment = Assignment {
            setup: &self.setup.setup,
            run: self.run,
            attempt: self.attempt,
            model: place.model(),
            prompt: &prompt,
            thinking,
            allowance: place.config.allowance(),
            environment,
            paths: Paths {
                workspace: work_folder.workspace(),
                prompt_file: work_folder.prompt(),
                record_file: work_folder.record(),
                fixture: place.folder.fixture(),
                solution: place.fixture.solution_file.as_ref().map(|file| place.folder.fixture().join(file)),
            },
        };
        let mut start = subtest.agent.start(&assignment);
        // The agent's own variables may name a key, an address or a proxy, too.
        if let AgentStart::Command { environment, .. } = &mut start {
            if let Some(lease) = lease {
                lease.redirect(environment, addresses);
            }
            if let Some(door) = door {
                door.lead(environment);
            }
        }
        let command = place.secrets.redact(agent::describe(&start, &subtest.agent).as_bytes()).into_owned();
        let prompt_file = work_folder.prompt();
        std::fs::write(&prompt_file, &prompt)
            .map_err(|error| no_place(&FileError::new("write", &prompt_file, error)))?;
        write_evidence(&self.folder.prompt(), prompt.as_bytes())?;
        write_evidence(&self.folder.command(), &command)?;
        Ok(start)
    }

    fn program_of_agent(
        &self,
        work: &WorkFolder,
        argv: Vec<std::ffi::OsString>,
        environment: std::collections::BTreeMap<std::ffi::OsString, std::ffi::OsString>,
    ) -> Program {
        Program {
            door: None,
            argv,
            environment,
            tree: work.workspace(),
            stdin: None,
            stdout: self.folder.agent_stdout(),
            stderr: self.folder.agent_stderr(),
            wall: Duration::from_secs(self.place.config.timeout_seconds),
            no_progress: self.place.config.no_progress_seconds.map(Duration::from_secs),
            overflow: Overflow::End,
            watch: None,
            // An agent that can read the solution, the rubric or other runs would not be measured by the task.
            views: vec![
                View::Hidden(self.place.folder.root().to_owned()),
                View::ReadOnly(self.place.folder.fixture()),
                View::Hidden(self.place.folder.fixture().join("expected")),
                View::Hidden(self.place.folder.recorded()),
                View::Hidden(self.place.work.path().to_owned()),
                View::ReadOnly(work.prompt()),
                View::Writable(work.workspace()),
                View::Writable(work.record_dir()),
            ],
            own: Some(work.own()),
        }
    }

    /// The outcome that follows from the process's end and its output together; an infrastructure failure is not an
    /// outcome.
    fn apply_end(
        &mut self,
        ended: &Ended,
        agent: &Agent,
        exchanged: Option<&Exchanged>,
        result: &mut AgentResult,
    ) -> Result<(), Halt> {
        let end = match ended.end {
            _ if is_ended_for_memory(ended) => EndedAgent::OverLimit,
            End::Exited(KILLED_BY_CODE) | End::Signaled(KILL) if ended.out_of_memory => EndedAgent::OutOfMemory,
            End::Exited(code) => EndedAgent::Exited(code),
            End::Signaled(signal) => EndedAgent::Signaled(signal),
            End::TimedOut => EndedAgent::TimedOut,
            End::NoProgress => EndedAgent::NoProgress,
            End::OutputLimit => EndedAgent::OutputLimit,
            End::Watched => EndedAgent::OverLimit,
            End::Stopped => return Err(Halt::Stopped),
        };
        let reader = self.read_output(agent);
        if let Some(reader) = &reader {
            let outcome = outcome_of(&**reader, end, exchanged)?;
            result.end = outcome.end;
            result.exit_code = outcome.exit_code;
            let requests = reader.reading(clock::now()).map(|reading| reading.requests).unwrap_or_default();
            let Used { usage, prices } = self.priced(outcome.usage, &requests, self.place.assigned_model(self.run));
            (result.usage, result.prices) = (usage, prices);
            let version = outcome.program.agent_version.or(result.program.agent_version.take());
            result.program = ProgramFacts { agent_version: version, ..outcome.program };
        }
        self.note_models(agent, exchanged, result)?;
        self.note_exceeded(reader.as_deref(), exchanged, result);
        self.place.containment.name().clone_into(&mut result.containment);
        self.note_resources(ended, result);
        result.leftover_processes = ended.leftovers;
        result.output_truncated = ended.output_truncated;
        Ok(())
    }
}
