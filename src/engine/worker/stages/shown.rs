//! What a judge is shown of the fixture: nothing that says what any work deserves, but the rubric and the criteria.

use std::path::PathBuf;

use crate::config::fixture::GOLD_FOLDER;
use crate::engine::worker::stages::Work;
use crate::model::judge::Run;
use crate::model::outcome::Failure;
use crate::os::files;
use crate::os::process::View;
use crate::store::work::WorkFolder;

/// The fixture as one judge sees it.
pub(super) struct Shown {
    /// The folder that it is told.
    pub(super) fixture: PathBuf,
    /// How paths of the experiment appear to it, on top of its whole folder.
    pub(super) views: Vec<View>,
}

impl Work<'_> {
    /// The fixture as a judge sees it that is this program: a folder of links beside its tree, without gold examples and
    /// solution. In a namespace, these are hidden in the experiment's folder too, with all that other gradings and the
    /// config say. Our own program reads the whole fixture, and gives nothing of it to its model but the prompt.
    pub(super) fn shown(&self, run: &Run<'_>, work: &WorkFolder) -> Result<Shown, Failure> {
        let grader = &self.place.grader;
        let (whole, fixture) = (grader.folder.clone(), &grader.fixture);
        let patches = fixture.gold.iter().filter_map(|gold| gold.patch_file.as_ref());
        let named = patches.chain(&fixture.solution_file).map(PathBuf::from);
        let mut without: Vec<PathBuf> = named.filter(|file| whole.join(file).exists()).collect();
        without.extend(Some(PathBuf::from(GOLD_FOLDER)).filter(|folder| whole.join(folder).exists()));
        if matches!(run, Run::Own(_)) || without.is_empty() {
            return Ok(Shown { fixture: whole, views: Vec::new() });
        }
        let mirror = work.make_aside()?;
        files::mirror_without(&whole, &mirror, &without)?;
        let mut views = vec![View::Hidden(self.place.folder.config_dir()), View::ReadOnly(whole.clone())];
        views.extend(without.iter().map(|path| View::Hidden(whole.join(path))));
        Ok(Shown { fixture: mirror, views })
    }
}
