//! A judge of a recorded run, which is not asked again: what it answered then is its answer, where it would be asked the same. It was
//! paid for when it was recorded, so that nothing of it is spent here.

use crate::engine::worker::stages::judges::{Case, Question};
use crate::engine::worker::stages::{Halt, Work, write_evidence};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::result::Judgment;
use crate::model::usage::Cost;
use crate::store::recorded::{Answers, JudgeAnswer};
use crate::text::likeness::{compared, difference};

/// Keys of a request that are of one attempt alone: how long its checks took, and where its tree is.
const OWN_KEYS: [&str; 2] = ["duration_seconds", "workspace"];

impl Work<'_> {
    /// What models answered in the recorded run that is replayed here, where that answers this judge. A later grading is no part of it.
    pub(super) fn recorded_for(&self, question: &Question<'_>) -> Result<Option<Answers>, Halt> {
        if question.model.is_none() || !self.place.grader.number.is_first() {
            return Ok(None);
        }
        Ok(self.replayed()?)
    }

    /// The judgment of what a judge answered when it was recorded.
    pub(super) fn answer_again(
        &mut self,
        question: &Question<'_>,
        case: &Case<'_>,
        answers: &Answers,
    ) -> Result<Judgment, Halt> {
        let (number, name) = (question.number, question.name);
        let tree = self.graded_tree()?;
        let request = self.request(question, case, &tree.workspace());
        self.remove(tree);
        let request = request?;
        let JudgeAnswer { asked, answered, tokens } = answers.of_judge(name).map_err(|why| question.failed(&why))?;
        let [is, was] = [&request, &asked].map(|text| compared(&String::from_utf8_lossy(text), &[], &OWN_KEYS));
        if is != was {
            let (is, was) = difference(&is, &was);
            let why = format!("judge `{name}` would be asked what was not recorded: `{is}` where `{was}` was recorded");
            return Err(Failure::new(FailureKind::Unrecorded, self.redacted(&why)).into());
        }
        self.graded_store.begin_judge(number)?;
        write_evidence(&self.graded.judge_response(number), &answered)?;
        write_evidence(&self.graded.judge_prompt(number), &request)?;
        let judgment = self.read_answer(question, None)?;
        Ok(Judgment { tokens, cost: Cost::NOTHING, prices: None, ..judgment })
    }
}
