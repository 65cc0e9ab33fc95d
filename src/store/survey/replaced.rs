//! Whether the folders of a committed run are those that its stages wrote into.

use serde::Deserialize;

use super::read::Reader;
use crate::model::flag::Flag;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::ProblemKind;
use crate::os::files::{self, Kind};
use crate::store::layout::RunFolder;

/// The flags in an agent's result. Flags that this version does not know are ignored.
#[derive(Deserialize)]
struct Unusual {
    #[serde(default)]
    flags: Vec<serde_json::Value>,
}

impl Reader<'_> {
    /// Reports folders of a committed run that are links or anything else but folders, and whether one was replaced
    /// while the agent worked.
    pub(super) fn folders(&mut self, run: RunId, folder: &RunFolder) {
        for path in folder.folders() {
            match files::kind_of(&path) {
                Ok(None | Some(Kind::Folder)) | Err(_) => {}
                Ok(Some(kind)) => {
                    let place = self.setting.folder.relative(&path);
                    self.problem_at(run, ProblemKind::ReplacedFolder, place, format!("it is {kind}, not a folder"));
                }
            }
        }
        let Some(bytes) = files::read_if_readable(&folder.agent_result(), MOST_STAGE_FILE_BYTES) else { return };
        let Ok(Unusual { flags }) = serde_json::from_slice(&bytes) else { return };
        if flags
            .iter()
            .any(|flag| serde_json::from_value(flag.clone()).is_ok_and(|flag: Flag| flag == Flag::FolderReplaced))
        {
            let found = "a folder of ours was replaced while the agent worked; what was written into it may be lost";
            self.problem_at(run, ProblemKind::ReplacedFolder, run.to_string(), found.to_owned());
        }
    }
}
