//! The judge stage: each judge of the panel is asked once, and its raw answer is stored before it is parsed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::error::with_causes;
use crate::engine::worker::stages::metered::{limited, no_ledger};
use crate::engine::worker::stages::priced::Used;
use crate::engine::worker::stages::{Halt, Work, write_evidence};
use crate::engine::worker::workplace::Program;
use crate::gateway::Lease;
use crate::judge::asking::through::RUBRIC;
use crate::judge::prompt;
use crate::judge::score::{self, Judged};
use crate::model::ids::{JudgeNumber, ModelName};
use crate::model::judge::{Asks, Facts, Judge, Run, Seen, Way};
use crate::model::limits::OUTPUT_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::program::FIXTURE_COPY;
use crate::model::result::{AgentResult, ChecksResult, Judgment};
use crate::model::usage::{Cost, CostSource, Usage};
use crate::os::files::FileError;
use crate::os::process::{End, Ended, Overflow, View};
use crate::os::{clock, environment, files, program};
use crate::rules::retry::is_last;
use crate::store::work::WorkFolder;
use crate::workspace;

/// What judges are given about a run.
pub(super) struct Case<'a> {
    agent: &'a AgentResult,
    checks: &'a ChecksResult,
}

/// A judge that is a program, and has to be asked.
pub(super) struct Question<'a> {
    pub number: JudgeNumber,
    pub name: &'a str,
    judge: &'a dyn Asks,
    /// The model whose prices apply to it.
    pub model: Option<ModelName>,
}

impl Question<'_> {
    pub(super) fn failed(&self, why: &str) -> Failure {
        Failure::new(FailureKind::Judge, format!("judge `{}` {why}", self.name))
    }

    /// What is started to ask it.
    fn argv(&self) -> Result<Vec<OsString>, Failure> {
        match self.judge.run() {
            Run::Program(run) => Ok(run.words().into_iter().map(OsString::from).collect()),
            Run::Own(arguments) | Run::Through(arguments) => {
                let own = program::own().map_err(|error| self.failed(&format!("cannot be asked: {error}")))?;
                Ok([own.into()].into_iter().chain(arguments.into_iter().map(OsString::from)).collect())
            }
        }
    }
}

impl Work<'_> {
    /// Asks every judge that has not answered yet; gives the panel's judgments in order. Where the fixture says how many must
    /// answer, one that fails keeps nobody from asking the others, and is left out in the last of `attempts` when enough have.
    pub(in crate::engine) fn judges(
        &mut self,
        mut answered: BTreeMap<JudgeNumber, Judgment>,
        agent: &AgentResult,
        checks: &ChecksResult,
        attempts: u32,
    ) -> Result<Vec<Judgment>, Halt> {
        let place = self.place;
        let case = Case { agent, checks };
        let (mut judgments, mut failures) = (Vec::new(), Vec::new());
        for (number, judge) in place.panel() {
            if let Some(judgment) = answered.remove(&number) {
                judgments.push(judgment);
                continue;
            }
            match self.judge(number, judge, &case) {
                Ok(judgment) => judgments.push(judgment),
                Err(Halt::Failed(failure)) if self.may_be_left_out(&failure) => {
                    self.link.asked(false);
                    failures.push(failure);
                }
                Err(halt) => return Err(halt),
            }
        }
        let is_last = failures.iter().all(|failure| is_last(failure.kind, attempts));
        let enough = is_last && judgments.len() >= place.grader.fixture.least_judges();
        if let Some(failure) = failures.first().filter(|_| !enough) {
            return Err(Halt::Failed(failure.clone()));
        }
        for failure in failures {
            self.notice(&format!("the verdict is without a judge: {}", failure.message));
        }
        Ok(judgments)
    }

    /// Whether the verdict may do without a judge that failed so.
    fn may_be_left_out(&self, failure: &Failure) -> bool {
        self.place.grader.fixture.min_judges.is_some()
            && matches!(failure.kind, FailureKind::Judge | FailureKind::Provider)
    }

    fn judge(&mut self, number: JudgeNumber, judge: &Judge, case: &Case<'_>) -> Result<Judgment, Halt> {
        self.may_ask(Stage::Judge, self.place.judge_model(judge))?;
        self.enter(Stage::Judge, Some(number))?;
        let judgment = match judge.way() {
            Way::FromChecks(answer) => {
                self.graded_store.begin_judge(number)?;
                let rubric = &self.place.grader.fixture.rubric;
                let judged = Judged { number, model: judge.name().to_owned(), duration_seconds: 0.0 };
                answer(rubric, &case.checks.checks)
                    .and_then(|answer| score::judgment(rubric, judged, answer).map_err(|error| error.to_string()))
                    .map_err(|why| Failure::new(FailureKind::Judge, why))?
            }
            Way::Asks(asked) => {
                let model = self.place.judge_model(judge);
                let question = Question { number, name: judge.name(), judge: asked, model };
                match self.recorded_for(&question)? {
                    Some(answers) => self.answer_again(&question, case, &answers)?,
                    None => match self.stored(&question)? {
                        Some(judgment) => {
                            // The worker that asked may have been killed before the answer was durable.
                            self.graded_store.sync_judge(number)?;
                            judgment
                        }
                        None => self.ask(&question, case)?,
                    },
                }
            }
        };
        self.link.asked(true);
        self.must_hold()?;
        self.graded_store.write_judgment(&judgment)?;
        Ok(judgment)
    }

    /// The judgment of an answer that an earlier session received but did not parse. Anything else that it left is set
    /// aside, so that the judge is asked again and nothing is lost.
    fn stored(&self, question: &Question<'_>) -> Result<Option<Judgment>, Halt> {
        let number = question.number;
        if files::kind_of(&self.graded.judge(number))?.is_none() {
            return Ok(None);
        }
        // What it cost was counted when it arrived, or by the survey of this session.
        if let Ok(judgment) = self.read_answer(question, None) {
            return Ok(Some(judgment));
        }
        let Used { usage, prices } = self.used_by(question.number, question.judge, question.model.as_ref())?;
        self.graded_store.set_judge_aside(number, usage, prices)?;
        Ok(None)
    }

    fn ask(&mut self, question: &Question<'_>, case: &Case<'_>) -> Result<Judgment, Halt> {
        let &Question { number, judge, .. } = question;
        let tree = self.graded_tree()?;
        let attempt = self.graded_store.judge_attempt(number)?;
        self.graded_store.begin_judge(number)?;
        let request = self.request(question, case, &tree.workspace())?;
        write_evidence(&self.graded.judge_prompt(number), &request)?;
        let mut environment = environment::allowed(&self.place.inherited, &self.place.config.environment);
        let own = judge.variables().into_iter().map(OsString::from);
        environment.extend(own.filter_map(|name| Some((name.clone(), self.place.inherited.get(&name)?.clone()))));
        let shown = self.shown(&judge.run(), &tree)?;
        environment.insert(FIXTURE_COPY.into(), shown.fixture.clone().into());
        environment.insert("SCYLLA_ATTEMPT".into(), attempt.to_string().into());
        let works_in = self.works_in(&judge.run(), &tree)?;
        let ledger = self.graded.judge_usage(number);
        let lease = self.judge_lease(&ledger, judge, question.model.as_ref(), &mut environment)?;
        // Each judge has its own tree, so that it cannot see what another one did.
        let views = std::iter::once(View::ReadOnly(self.place.folder.root().to_owned()))
            .chain(shown.views)
            .chain([
                View::Hidden(self.place.work.path().to_owned()),
                View::ReadOnly(shown.fixture.clone()),
                View::Writable(works_in.clone()),
            ])
            .collect();
        let program = Program {
            door: None,
            argv: question.argv()?,
            environment,
            tree: works_in,
            stdin: Some(request),
            stdout: self.graded.judge_response(number),
            stderr: self.graded.judge_stderr(number),
            wall: Duration::from_secs(judge.timeout_seconds()),
            no_progress: None,
            overflow: Overflow::Cut,
            watch: None,
            views,
            // A judge is a program that the person trusts who runs the experiment, and asks its model.
            own: None,
        };
        let asked = self
            .contained(program, FailureKind::Judge)
            .map_err(|halt| halt.of(&format!("judge `{}`", question.name)))
            .and_then(|ended| self.read_answer(question, Some(&ended)).map_err(Halt::Failed));
        let asked = until_its_limit(asked, lease)?;
        self.remove(tree);
        if self.not_asked_yet.replace(false) {
            // The prompt shows that a judge was asked.
            let prompt = self.graded.judge_prompt(number);
            std::fs::remove_file(&prompt).map_err(|error| FileError::new("remove", &prompt, error))?;
        }
        // Whatever the outcome, it was paid for.
        let Used { usage, prices } = self.used_by(question.number, question.judge, question.model.as_ref())?;
        let cost = usage.cost;
        self.count_judge(cost.into());
        asked.map_err(|halt| match (self.graded_store.set_judge_aside(number, usage, prices), halt) {
            (Err(error), _) => error.into(),
            (Ok(()), Halt::Failed(mut failure)) => {
                failure.message.push_str(&counted(cost));
                self.judge_excerpt(failure, (number, attempt), &shown.fixture).into()
            }
            (Ok(()), halt) => halt,
        })
    }

    /// The folder that the program of a judge works in: the graded tree, or one that is empty but for the rubric.
    fn works_in(&self, run: &Run<'_>, tree: &WorkFolder) -> Result<PathBuf, Halt> {
        let Run::Through(_) = run else { return Ok(tree.workspace()) };
        let aside = tree.make_aside()?;
        let rubric = serde_json::to_vec(&self.place.grader.fixture.rubric).unwrap_or_default();
        write_evidence(&aside.join(RUBRIC), &rubric)?;
        Ok(aside)
    }

    /// Parses the stored answer and validates it against the rubric. For an answer of an earlier session, the end of
    /// its process is not known.
    pub(super) fn read_answer(&self, question: &Question<'_>, ended: Option<&Ended>) -> Result<Judgment, Failure> {
        let rubric = &self.place.grader.fixture.rubric;
        let response = files::read_start(&self.graded.judge_response(question.number), OUTPUT_BYTES)
            .map_err(|error| question.failed(&format!("left an answer that cannot be read: {error}")))?
            .unwrap_or_default();
        if let Some(failure) = question.judge.failure(&response, clock::now()) {
            return Err(failure);
        }
        ended.map_or(Ok(()), must_have_ended_well).map_err(|why| question.failed(&why))?;
        let is_cut = ended.is_some_and(|ended| ended.output_truncated);
        let cut = if is_cut { "; its output was cut at the output limit" } else { "" };
        let answer = question
            .judge
            .answer(&response, rubric)
            .map_err(|error| question.failed(&format!("gave no valid answer: {error}{cut}")))?;
        let duration_seconds = ended.map_or(0.0, |ended| ended.duration.as_secs_f64());
        let judged = Judged { number: question.number, model: question.name.to_owned(), duration_seconds };
        let judgment = score::judgment(rubric, judged, answer).map_err(|error| question.failed(&error.to_string()))?;
        let Used { usage: Usage { tokens, cost }, prices } =
            self.used_by(question.number, question.judge, question.model.as_ref())?;
        Ok(Judgment { tokens, cost, prices, ..judgment })
    }

    pub(super) fn request(&self, question: &Question<'_>, case: &Case<'_>, tree: &Path) -> Result<Vec<u8>, Failure> {
        let place = self.place;
        let patch = self.store.read_patch()?.unwrap_or_default();
        // The patch on disk is never edited; what judges are given leaves the machine.
        let patch = place.secrets.redact(&patch);
        let fixture = &place.grader.fixture;
        let seen = if question.judge.looks() { self.seen(case.checks, tree)? } else { Seen::default() };
        let facts = Facts {
            experiment_id: &place.config.experiment_id,
            run: self.run,
            judge: question.name,
            model: place.configured_judge_model(),
            prompt: &fixture.prompt,
            criteria: &fixture.criteria,
            rubric: &fixture.rubric,
            agent: case.agent,
            checks: &case.checks.checks,
            patch: &patch,
            workspace: tree,
            seen: &seen,
        };
        question.judge.request(&facts).map_err(|why| Failure::new(FailureKind::Judge, why))
    }
}

impl Work<'_> {
    /// What a judge that looks is told of the graded tree.
    fn seen(&self, checks: &ChecksResult, tree: &Path) -> Result<Seen, Failure> {
        let repo = self.place.folder.repo();
        let tree = workspace::listing::of_graded(&repo, self.run.tier, self.run.subtest, tree)
            .map_err(|error| Failure::new(FailureKind::Workspace, with_causes(&error)))?;
        let tree = tree.iter().map(|name| self.redacted(name)).collect();
        let output = |name: &str| {
            let logs = [name.to_owned(), format!("{name}.stderr")];
            let ends = logs.iter().filter_map(|log| {
                let end = files::read_end(&self.graded.check_log(log), prompt::MOST_OUTPUT as u64).ok()??;
                Some(String::from_utf8_lossy(&end).into_owned())
            });
            ends.collect::<String>()
        };
        let outputs = checks.checks.iter().map(|check| (check.name.clone(), output(&check.name))).collect();
        Ok(Seen { tree, outputs })
    }
}

/// What came of asking, when the judge asks no more; where its provider has said until when it waits, that is why there is no answer.
fn until_its_limit(asked: Result<Judgment, Halt>, lease: Option<Lease>) -> Result<Result<Judgment, Halt>, Failure> {
    let exchanged = lease.map(Lease::end).transpose().map_err(|error| no_ledger("judge's", &error))?;
    Ok(match (asked, exchanged.and_then(|exchanged| exchanged.limited)) {
        (Err(Halt::Failed(failure)), until) => Err(Halt::Failed(limited(failure, until))),
        (asked, _) => asked,
    })
}

/// What is said of the cost of a judge that failed: what is known of it counts.
fn counted(cost: Cost) -> String {
    let Some((usd, source)) = cost.at_least().filter(|(usd, _)| *usd > Usd::ZERO) else { return String::new() };
    let at_least = if cost.usd().is_some() { "" } else { "at least " };
    match source {
        CostSource::Estimated => format!("; {at_least}the ~{usd} that its tokens cost are counted"),
        CostSource::Reported => format!("; {at_least}the {usd} that it says it cost are counted"),
        CostSource::Metered => format!("; {at_least}the {usd} that its requests cost are counted"),
    }
}

fn must_have_ended_well(ended: &Ended) -> Result<(), String> {
    match ended.end {
        End::Exited(0) => Ok(()),
        End::Exited(code) => Err(format!("exited with {code}")),
        End::Signaled(signal) => Err(format!("was ended by signal {signal}")),
        End::TimedOut | End::NoProgress => Err("did not answer in time".to_owned()),
        End::OutputLimit => Err("answered more than the output limit allows".to_owned()),
        End::Watched | End::Stopped => Err("was stopped".to_owned()),
    }
}
