//! The folders of a run while a program works that could replace them.

use super::RunStore;
use crate::os::files::Folder;
use crate::store::StoreError;

/// The folders of a run, each held open.
#[derive(Debug)]
pub struct HeldFolders(Vec<Folder>);

impl RunStore {
    /// Opens the run's folders, so that what takes their places is not taken for them.
    ///
    /// # Errors
    /// When one cannot be opened, or is none.
    pub fn hold(&self) -> Result<HeldFolders, StoreError> {
        let mut held = Vec::new();
        for path in self.folder.folders() {
            held.extend(Folder::open(&path)?);
        }
        Ok(HeldFolders(held))
    }
}

impl HeldFolders {
    /// Puts every folder back that is not in its place any more; whether there was one.
    ///
    /// # Errors
    /// When one cannot be put back.
    pub fn put_back(&self) -> Result<bool, StoreError> {
        let mut any = false;
        for folder in &self.0 {
            any |= folder.put_back()?;
        }
        Ok(any)
    }
}
