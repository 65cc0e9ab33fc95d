//! The survey for one run: everything about the experiment as a whole, and of the runs only that one. So a single run
//! of a large experiment can be made without reading all others.

use crate::model::ids::RunId;
use crate::model::survey::Survey;

use super::levels::SubtestFolder;
use super::{Depth, config, read_subtests, see_fixture, settle_gradings};
use crate::store::form;
use crate::store::layout::{Base, ExperimentFolder, spelling};
use crate::store::{StoreError, checkpoint, evidence, gradings, inherited, repository};

/// Surveys the folder for one run. The caller has claimed it.
///
/// # Errors
/// When the folder cannot be looked at.
pub fn of_run(folder: &ExperimentFolder, run: RunId) -> Result<Survey, StoreError> {
    let config::Examined { seen, missing, fault, is_whole, is_current } = config::examine(folder);
    let mut survey = Survey {
        config: seen,
        config_missing: missing,
        config_is_whole: is_whole,
        config_fault: fault.map(str::to_owned),
        spelling: spelling(),
        ..Survey::default()
    };
    match inherited::see_all(folder) {
        Ok(seen) => survey.inherited = seen,
        Err(error) => survey.unknown.push((folder.relative(&folder.inherited_dir()), error.to_string())),
    }
    gradings::see(folder, &mut survey);
    let raw = checkpoint::load(folder);
    if survey.config.content().is_none()
        && let Some(mut recognised) = form::recognise(folder, &survey, &raw)
    {
        recognised.begin(&mut survey);
        return Ok(survey);
    }
    (survey.checkpoint, survey.duplicate_keys) = checkpoint::judge(&raw);
    survey.checkpoint_fault = checkpoint::fault(&raw).map(str::to_owned);
    survey.damaged = repository::check(folder, false, is_current);
    see_fixture(folder, evidence::digest_of_tree(&folder.fixture()), &mut survey);
    let form = form::of_ours(folder)?;
    let of = SubtestFolder { base: Base::Root, tier: run.tier, subtest: run.subtest };
    let mut survey = read_subtests((folder, Depth::Results, form, true), &[of], |other| other == run, survey).0;
    survey.claimed.remove(&run);
    settle_gradings(folder, &mut survey);
    Ok(survey)
}
