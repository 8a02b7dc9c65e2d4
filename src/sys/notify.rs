//! Watching files (`inotify(7)`), so that a gate on a file needs no polling, and that what was there for a
//! moment only is known.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

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

/// Keeps the names of all that appears in some directories. Nobody has to read along: the kernel keeps
/// thousands of them.
#[derive(Debug)]
pub(crate) struct Arrivals(Inotify);

/// What appeared.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) names: Vec<(WatchDescriptor, OsString)>,
    /// More appeared than the kernel kept.
    pub(crate) incomplete: bool,
}

impl Arrivals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?))
    }

    /// Watches a directory from now on.
    pub(crate) fn add(&self, directory: &Path) -> io::Result<WatchDescriptor> {
        let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR;
        Ok(self.0.add_watch(directory, flags)?)
    }

    /// All that appeared up to now and was not taken before.
    pub(crate) fn take(&self) -> Arrived {
        let mut arrived = Arrived::default();
        loop {
            match self.0.read_events() {
                Ok(events) => {
                    for event in events {
                        arrived.incomplete |= event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
                        arrived.names.extend(event.name.map(|name| (event.wd, name)));
                    }
                }
                Err(Errno::EAGAIN) => return arrived,
                Err(Errno::EINTR) => {}
                Err(_) => return Arrived { incomplete: true, ..arrived },
            }
        }
    }
}
