//! What a run leaves on the system, looked at in two moments.
//!
//! Who holds a lock, a descriptor or a port is looked at when the target has ended and what it left is still
//! alive: with those processes all of that goes. What is in the file system is looked at when all is dead.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use nix::sys::inotify::WatchDescriptor;

use crate::error::Error;
use crate::exit_test::{WatchedPath, Watching};
use crate::kept::Bytes;
use crate::launch::TempDir;
use crate::sys::fd;
use crate::sys::notify::{Arrivals, Arrived};
use crate::sys::proc::{self, ProcessInfo};
use crate::sys::{holders, raw};
use crate::traces::{Appeared, Found, Held, Holder, Listener, PathTrace, TempFiles, Traces};

/// So many temporary files that were left are named.
const MOST_NAMED: usize = 128;

/// What there is to look at, and what was seen of it before the start.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    watching: Watching,
    arrivals: Option<Arrivals>,
    /// Of each path what was there before, the watch on its directory and its name in it.
    before: Vec<Before>,
    temp: Option<(TempDir, WatchDescriptor)>,
    /// What was looked at while what the target left was alive.
    held: Option<Look>,
}

#[derive(Debug)]
struct Before {
    there: bool,
    directory: WatchDescriptor,
    /// Its place without links, as `/proc` shows it.
    place: PathBuf,
}

/// Who held what, in the order of the paths.
#[derive(Debug, Default)]
struct Look {
    locks: Vec<Option<Held>>,
    descriptors: Vec<Option<Held>>,
    listeners: Option<Vec<Listener>>,
}

impl Lookout {
    /// Begins to watch. Nothing is done for a plan that asks for nothing.
    pub(crate) fn new(watching: Watching) -> Result<Self, Error> {
        if watching.paths.is_empty() && !watching.temp_dir {
            return Ok(Self { watching, ..Self::default() });
        }
        let trouble = |error| Error::harness("could not watch for traces (`inotify`)", error);
        let arrivals = Arrivals::new().map_err(trouble)?;
        let mut before = Vec::new();
        for watched in &watching.paths {
            before.push(Before::of(&watched.path, &arrivals)?);
        }
        let temp = if watching.temp_dir {
            let temp = TempDir::new()?;
            let watch = arrivals.add(temp.path()).map_err(trouble)?;
            Some((temp, watch))
        } else {
            None
        };
        Ok(Self { watching, arrivals: Some(arrivals), before, temp, held: None })
    }

    /// The directory for temporary files, where the target is to have one of its own.
    pub(crate) fn temp_dir(&self) -> Option<&Path> {
        self.temp.as_ref().map(|(temp, _)| temp.path())
    }

    /// Looks at what is held, the target having ended: by the processes that came from it, which are below
    /// `supervisor`, where it left any, and by others.
    pub(super) fn look(&mut self, supervisor: Option<i32>) {
        if self.watching.paths.is_empty() && !self.watching.ports {
            return;
        }
        let left = supervisor.and_then(|pid| proc::descendants_of(pid).ok()).unwrap_or_default();
        let left: Vec<ProcessInfo> = left.into_iter().filter(|process| !process.is_zombie()).collect();
        let paths = &self.watching.paths;
        self.held = Some(Look {
            locks: paths
                .iter()
                .map(|watched| watched.locks.then(|| lock_holders(&watched.path, &left)))
                .collect(),
            descriptors: paths
                .iter()
                .zip(&self.before)
                .map(|(watched, before)| watched.descriptors.then(|| open_at(watched, before, &left)))
                .collect(),
            listeners: self.watching.ports.then(|| listeners(&left)),
        });
    }

    /// Puts the facts together, all being dead. Of a file at most `limit` bytes are kept.
    pub(super) fn finish(mut self, limit: usize) -> Traces {
        if self.held.is_none() {
            self.look(None);
        }
        let Look { mut locks, mut descriptors, listeners } = self.held.unwrap_or_default();
        let arrived = self.arrivals.as_ref().map(Arrivals::take).unwrap_or_default();
        let paths = self.watching.paths.into_iter().zip(&self.before).enumerate().map(
            |(index, (watched, before))| {
                let name = before.place.file_name();
                PathTrace {
                    before: before.there,
                    appeared: appeared(&arrived, |watch, arrived| {
                        *watch == before.directory && Some(arrived.as_os_str()) == name
                    }),
                    after: found(&watched.path, watched.content.then_some(limit)),
                    locks: locks[index].take(),
                    descriptors: descriptors[index].take(),
                    path: watched.path,
                }
            },
        );
        Traces {
            paths: paths.collect(),
            listeners,
            temp_files: self.temp.as_ref().map(|(temp, directory)| {
                let used = appeared(&arrived, |watch, _| watch == directory);
                temp_files(temp.path(), used)
            }),
        }
    }
}

impl Before {
    fn of(path: &Path, arrivals: &Arrivals) -> Result<Self, Error> {
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
            return Err(Error::bad_input(format!(
                "`{}` names nothing that could come and go",
                path.display()
            )));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let watched = arrivals.add(parent).and_then(|watch| Ok((watch, fs::canonicalize(parent)?)));
        let (directory, parent) = watched.map_err(|error| {
            Error::bad_input(format!(
                "could not watch `{}`: the directory in which it is to appear: {error}. It must exist when the run \
                 begins; watch the directory itself where the target makes it",
                path.display()
            ))
        })?;
        let there = match path.symlink_metadata() {
            Ok(_) => true,
            Err(error) if is_impossible(&error) => {
                return Err(Error::bad_input(format!("nothing can be at `{}`: {error}", path.display())));
            }
            Err(_) => false,
        };
        Ok(Self { there, directory, place: parent.join(name) })
    }
}

/// Whether a path was refused for itself, whatever is there: it has a zero byte in it, or is too long.
fn is_impossible(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput || error.raw_os_error() == Some(libc::ENAMETOOLONG)
}

fn appeared(arrived: &Arrived, is_it: impl Fn(&WatchDescriptor, &std::ffi::OsString) -> bool) -> Appeared {
    if arrived.names.iter().any(|(watch, name)| is_it(watch, name)) {
        Appeared::Yes
    } else if arrived.incomplete {
        Appeared::Unknown
    } else {
        Appeared::No
    }
}

/// What is there; of a file also the content where that is at most `limit` bytes.
fn found(path: &Path, limit: Option<usize>) -> Option<Found> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            let absent = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
            return (!absent).then_some(Found::Unknown);
        }
    };
    let kind = metadata.file_type();
    Some(if kind.is_file() {
        let limit = limit.filter(|limit| metadata.len() <= *limit as u64);
        let content = limit.and_then(|limit| content(path, limit).ok().flatten());
        Found::File { len: metadata.len(), content: content.map(Bytes) }
    } else if kind.is_dir() {
        Found::Directory
    } else if kind.is_socket() {
        Found::Socket
    } else if kind.is_symlink() && path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    {
        Found::BrokenLink
    } else {
        Found::Other
    })
}

/// The bytes of a file. One on which this process has a POSIX lock is not read: closing it would give the
/// lock up.
fn content(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let own = raw::process_id();
    let Some(file) = holders::identity(path) else { return Ok(None) };
    for descriptor in holders::descriptors(own)?.iter().filter(|descriptor| descriptor.is(file)) {
        if descriptor.locks(own).iter().any(|(kind, _)| kind == holders::POSIX) {
            return Ok(None);
        }
    }
    let mut bytes = Vec::new();
    fd::open_file(path)?.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// All that is in the directory for temporary files.
fn temp_files(directory: &Path, used: Appeared) -> TempFiles {
    let mut files = TempFiles { used, left: Vec::new(), count: 0 };
    match directory.symlink_metadata() {
        // The target has removed it, with all that was in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return files,
        Ok(found) if !found.is_dir() => {
            return TempFiles { left: vec![Bytes(b"(no directory any more)".to_vec())], count: 1, ..files };
        }
        _ => {}
    }
    let mut next = vec![directory.to_owned()];
    while let Some(place) = next.pop() {
        let Ok(entries) = fs::read_dir(&place) else {
            // What cannot be looked into is not empty for that.
            files.count += 1;
            files.left.push(Bytes(below(directory, &place.join("(cannot be read)"))));
            continue;
        };
        for entry in entries.flatten() {
            files.count += 1;
            let path = entry.path();
            if files.left.len() < MOST_NAMED {
                files.left.push(Bytes(below(directory, &path)));
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                next.push(path);
            }
        }
    }
    files.left.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn below(directory: &Path, path: &Path) -> Vec<u8> {
    path.strip_prefix(directory).unwrap_or(path).as_os_str().as_bytes().to_vec()
}

fn holder(pid: i32, by: impl Into<String>) -> Holder {
    let command = proc::inspect(pid).map_or_else(
        || "ended since".to_owned(),
        |process| if process.command.is_empty() { format!("[{}]", process.name) } else { process.command },
    );
    Holder { pid, command, by: by.into() }
}

/// What of `left` has descriptors that nobody may read.
fn hidden(left: &[ProcessInfo]) -> Vec<Holder> {
    let unreadable = |process: &&ProcessInfo| {
        holders::descriptors(process.pid).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    left.iter().filter(unreadable).map(|process| holder(process.pid, "unknown")).collect()
}

/// Who has a lock on the file, of whatever kind.
fn lock_holders(path: &Path, left: &[ProcessInfo]) -> Held {
    let Some(file) = holders::identity(path) else { return Held::default() };
    let lock =
        |kind: &str, exclusive: bool| format!("{kind}, {}", if exclusive { "exclusive" } else { "shared" });
    let mut held = Held { by: Vec::new(), hidden: hidden(left) };
    for pid in holders::all_processes() {
        for descriptor in holders::descriptors(pid).unwrap_or_default() {
            if descriptor.is(file) {
                let locks = descriptor.locks(pid).into_iter();
                held.by.extend(locks.map(|(kind, exclusive)| holder(pid, lock(&kind, exclusive))));
            }
        }
    }
    held.by.dedup();
    if held.by.is_empty() {
        // Of a process whose descriptors cannot be read.
        let locks = holders::locks_on(file).into_iter();
        held.by.extend(locks.map(|found| holder(found.pid, lock(&found.kind, found.exclusive))));
    }
    held
}

/// Which of the processes that the target left have the file open, be it under this name no more.
fn open_at(watched: &WatchedPath, before: &Before, left: &[ProcessInfo]) -> Held {
    let file = holders::identity(&watched.path);
    let mut deleted = before.place.clone().into_os_string();
    deleted.push(" (deleted)");
    let mut held = Held { by: Vec::new(), hidden: hidden(left) };
    for process in left {
        for descriptor in holders::descriptors(process.pid).unwrap_or_default() {
            if descriptor.link.as_os_str() == deleted || file.is_some_and(|file| descriptor.is(file)) {
                held.by.push(holder(process.pid, format!("descriptor {}", descriptor.number)));
            }
        }
    }
    held
}

/// Every listening socket, and who has it.
fn listeners(left: &[ProcessInfo]) -> Vec<Listener> {
    let left: Vec<i32> = left.iter().map(|process| process.pid).collect();
    let found = holders::listeners(&left);
    let mut listeners: Vec<Listener> =
        found.iter().map(|(address, _)| Listener { address: *address, holders: Vec::new() }).collect();
    for pid in holders::all_processes() {
        for descriptor in holders::descriptors(pid).unwrap_or_default() {
            let Some(socket) = descriptor.socket() else { continue };
            if let Some(place) = found.iter().position(|(_, inode)| *inode == socket) {
                listeners[place].holders.push(holder(pid, format!("descriptor {}", descriptor.number)));
            }
        }
    }
    listeners
}
