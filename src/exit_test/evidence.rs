//! What of the system a plan wants to be looked at: paths, ports, a directory for temporary files.

use std::path::PathBuf;

use super::ExitTest;

/// All that is to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Watching {
    pub(crate) paths: Vec<WatchedPath>,
    pub(crate) ports: bool,
    pub(crate) temp_dir: bool,
}

/// A path, and what beside its existence is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchedPath {
    pub(crate) path: PathBuf,
    pub(crate) content: bool,
    pub(crate) locks: bool,
    pub(crate) descriptors: bool,
}

/// A question that an assertion is going to ask.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub enum Question {
    /// Whether it is there.
    Path(PathBuf),
    /// What is in it.
    Content(PathBuf),
    /// Whether it is locked.
    Lock(PathBuf),
    /// Whether it is open.
    Descriptors(PathBuf),
    /// Who listens.
    Ports,
    /// What is left of temporary files.
    TempDir,
    /// Who waited for whom.
    Zombies,
}

impl Watching {
    fn path(&mut self, path: PathBuf) -> &mut WatchedPath {
        let known = self.paths.iter().position(|watched| watched.path == path);
        let place = known.unwrap_or_else(|| {
            self.paths.push(WatchedPath { path, content: false, locks: false, descriptors: false });
            self.paths.len() - 1
        });
        &mut self.paths[place]
    }
}

impl ExitTest {
    /// Watches a path, so that all can be asked of it later: whether it was removed or left, whether it is
    /// whole, locked or still open. An assertion on the plan itself, which is the first, announces its own
    /// path; those that follow need this.
    ///
    /// A relative path counts from the working directory of the test process. The directory in which the
    /// path appears must exist when the run begins: from there it is watched, so that a file is known that
    /// was there for a moment only.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let (lock, log) = (directory.path().join("lock"), directory.path().join("log"));
    /// program("sh")
    ///     .args(["-c", ": > \"$0\"; echo done > \"$1\"; rm \"$0\""])
    ///     .args([&lock, &log])
    ///     .watch(&log)
    ///     .removed(&lock)
    ///     .left(&log);
    /// ```
    pub fn watch(mut self, path: impl Into<PathBuf>) -> Self {
        let watched = self.watching.path(path.into());
        (watched.content, watched.locks, watched.descriptors) = (true, true, true);
        self
    }

    /// Looks at the end which TCP ports are listened at, so that `port_free` can be asked later; see
    /// [`watch`](Self::watch).
    pub const fn watch_ports(mut self) -> Self {
        self.watching.ports = true;
        self
    }

    /// Gives the target a directory for temporary files that is its own and empty, by the variable `TMPDIR`,
    /// so that `no_temp_files_left` can be asked later. It is removed at the end of the run.
    pub const fn own_temp_dir(mut self) -> Self {
        self.watching.temp_dir = true;
        self
    }

    pub(crate) fn ask(mut self, question: Question) -> Self {
        match question {
            Question::Path(path) => {
                self.watching.path(path);
            }
            Question::Content(path) => {
                if path.is_relative() && self.directory.is_some() {
                    self.mistake(format!(
                        "`{}` counts from the working directory of the test, and the target runs in another \
                         (`current_dir`): that it is absent there would prove nothing. Give the whole path",
                        path.display()
                    ));
                }
                self.watching.path(path).content = true;
            }
            Question::Lock(path) => self.watching.path(path).locks = true,
            Question::Descriptors(path) => self.watching.path(path).descriptors = true,
            Question::Ports => self.watching.ports = true,
            Question::TempDir => self.watching.temp_dir = true,
            Question::Zombies => self = self.traced(),
        }
        self
    }
}
