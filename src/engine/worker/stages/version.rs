//! The version of an agent's program, where its output does not say it: the program is asked before its first run.

use crate::engine::version::{Aside, MOST_ANSWERING, Question};
use crate::engine::worker::stages::{Halt, Work};
use crate::engine::worker::workplace::{Program, locked};
use crate::model::agent::Agent;
use crate::model::installation::Answer;
use crate::model::outcome::{Failure, FailureKind};
use crate::os::files;
use crate::os::process::{Overflow, View};

impl Work<'_> {
    /// The version to record of an agent whose output does not say it. A program is asked once in each session.
    ///
    /// # Errors
    /// When the fixture demands a version and the program does not say that one: then nothing is paid.
    pub(super) fn version_to_record(&self, agent: &Agent) -> Result<Option<String>, Halt> {
        let Some(installation) = agent.installation() else { return Ok(None) };
        if installation.says_version && agent.version().is_none() {
            return Ok(None);
        }
        let answer = match Question::of(agent, &self.place.inherited, &self.place.reach) {
            Some(Ok(question)) => self.answer(&question)?,
            Some(Err(_)) | None => Answer::NotInstalled,
        };
        if let Some((why, install)) = agent.version().and_then(|wanted| installation.differs(wanted, &answer)) {
            let message = format!("{why}: `{install}` installs it");
            return Err(Failure::new(FailureKind::Spawn, message).into());
        }
        Ok(answer.version())
    }

    /// What a program answers. Other workers that need the same answer wait for it.
    fn answer(&self, question: &Question) -> Result<Answer, Halt> {
        let known = self.place.versions.of(question.program.clone());
        let mut known = locked(&known);
        if let Some(answer) = &*known {
            return Ok(answer.clone());
        }
        let answer = match self.ask_program(question) {
            // A program that cannot be asked leaves its version unknown; if it cannot be started either, its run says why.
            Err(Halt::Failed(_)) => Answer::Silent,
            asked => asked?,
        };
        Ok(known.insert(answer).clone())
    }

    fn ask_program(&self, question: &Question) -> Result<Answer, Halt> {
        let folder = self.agents_folder()?.make_aside()?;
        let aside = Aside::make(&folder)?;
        let ended = self.contained(
            Program {
                door: None,
                argv: question.argv(),
                environment: question.environment(&aside),
                tree: aside.home.clone(),
                stdin: None,
                stdout: aside.stdout.clone(),
                stderr: aside.stderr.clone(),
                wall: MOST_ANSWERING,
                no_progress: None,
                overflow: Overflow::Cut,
                watch: None,
                views: vec![
                    View::Hidden(self.place.folder.root().to_owned()),
                    View::Hidden(self.place.work.path().to_owned()),
                    View::Writable(aside.home.clone()),
                ],
                own: Some(folder.join("own")),
            },
            FailureKind::Spawn,
        )?;
        let answer = aside.answer(&ended);
        // What cannot be removed now is removed with the work folder.
        let _ = files::remove_tree(&folder);
        Ok(answer)
    }
}
