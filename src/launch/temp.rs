//! The directory for temporary files that a target is given for itself.

use std::path::{Path, PathBuf};

use crate::error::Error;

use super::launcher::{self, Launcher};

/// The variable that names it.
pub(super) const TEMP_VARIABLE: &str = "TMPDIR";

/// The directory; removed with all that is in it when the run is over. It lies where the launcher removes
/// it should the test process not come to that.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes an empty one.
    pub(crate) fn new() -> Result<Self, Error> {
        let path = Launcher::get()?.next_mark_file().with_extension("tmp");
        std::fs::create_dir(&path)
            .map_err(|error| Error::harness("could not make a directory for temporary files", error))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        launcher::remove(&self.0);
    }
}
