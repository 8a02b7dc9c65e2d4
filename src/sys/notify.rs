//! Watching files (`inotify(7)`), so that a gate on a file needs no polling.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// A set of watches. Readable when something happened at one of them.
#[derive(Debug)]
pub(crate) struct Watch(Inotify);

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?))
    }

    /// Watches what is at `path`: a directory for entries that come and change, a file for writes.
    pub(crate) fn add(&self, path: &Path) -> io::Result<()> {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CLOSE_WRITE;
        self.0.add_watch(path, flags)?;
        Ok(())
    }

    /// Takes what happened; the caller looks at the files themselves.
    pub(crate) fn drain(&self) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
