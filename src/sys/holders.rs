//! Who holds a file open, a lock on it, or a listening socket: what `/proc` tells.
//!
//! Nothing is opened and no lock is tried. A process that opens and closes a file loses its own POSIX locks
//! on it, and trying a lock takes it for a moment from whoever asks just then.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::proc;

/// What a lock is called that belongs to a process and to no descriptor of it.
pub(crate) const POSIX: &str = "fcntl (POSIX)";

/// Device and inode: which file it is, by whatever name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// Which file is at `path`.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::metadata(path).ok()?;
    Some(Identity { device: metadata.dev(), inode: metadata.ino() })
}

/// One open descriptor of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) number: i32,
    /// What the link in `/proc/PID/fd` shows.
    pub(crate) link: PathBuf,
    place: PathBuf,
}

impl Descriptor {
    pub(crate) fn is(&self, wanted: Identity) -> bool {
        identity(&self.place) == Some(wanted)
    }

    /// The locks that it holds: each its kind and whether it excludes all others.
    pub(crate) fn locks(&self, pid: i32) -> Vec<(String, bool)> {
        let of_process = PathBuf::from(format!("/proc/{pid}"));
        let place = self.place.ancestors().nth(2).unwrap_or(&of_process);
        let info = fs::read_to_string(place.join(format!("fdinfo/{}", self.number))).unwrap_or_default();
        let locks = info.lines().filter_map(|line| line.strip_prefix("lock:"));
        locks.filter_map(|line| parse_lock(line).map(|lock| (lock.kind, lock.exclusive))).collect()
    }

    /// The socket behind it, by its inode.
    pub(crate) fn socket(&self) -> Option<u64> {
        self.link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    }
}

/// The open descriptors of a process.
///
/// # Errors
///
/// Fails where they cannot be read, as those of another user.
pub(crate) fn descriptors(pid: i32) -> io::Result<Vec<Descriptor>> {
    let found = descriptors_in(Path::new(&format!("/proc/{pid}/fd")))?;
    if !found.is_empty() {
        return Ok(found);
    }
    // That of a process is its main thread's, and empty where that has ended before the others.
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))?.flatten();
    let of_tasks = tasks.filter_map(|task| descriptors_in(&task.path().join("fd")).ok());
    Ok(of_tasks.into_iter().find(|found| !found.is_empty()).unwrap_or_default())
}

fn descriptors_in(directory: &Path) -> io::Result<Vec<Descriptor>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let place = entry?.path();
        let number = place.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        // One that was closed meanwhile has no link any more.
        if let (Some(number), Ok(link)) = (number, fs::read_link(&place)) {
            found.push(Descriptor { number, link, place });
        }
    }
    Ok(found)
}

/// All processes that this one can see.
pub(crate) fn all_processes() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A lock as `/proc/locks` and `/proc/PID/fdinfo` print it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) kind: String,
    pub(crate) exclusive: bool,
    pub(crate) pid: i32,
    device: (u64, u64),
    inode: u64,
}

/// The locks on a file that the kernel's own table shows. A lock of a descriptor that a fork inherited is
/// shown with the process that took it, be it dead. On some file systems (btrfs, overlayfs) the table knows
/// a file by another device than everybody else.
pub(crate) fn locks_on(file: Identity) -> Vec<Lock> {
    let device = (u64::from(libc::major(file.device)), u64::from(libc::minor(file.device)));
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let locks = table.lines().filter_map(parse_lock);
    locks.filter(|lock| lock.inode == file.inode && lock.device == device).collect()
}

/// `1: FLOCK  ADVISORY  WRITE 359 fe:00:11691 0 EOF`. One that is waited for has an arrow behind its number.
fn parse_lock(line: &str) -> Option<Lock> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let kind = match fields.next()? {
        "FLOCK" => "flock",
        "POSIX" => POSIX,
        "OFDLCK" => "fcntl (open file description)",
        "LEASE" | "DELEG" | "->" => return None,
        other => other,
    };
    let exclusive = fields.nth(1)? != "READ";
    let pid = fields.next()?.parse().ok()?;
    let mut place = fields.next()?.split(':');
    let mut hexadecimal = || u64::from_str_radix(place.next()?, 16).ok();
    let device = (hexadecimal()?, hexadecimal()?);
    let inode = place.next()?.parse().ok()?;
    Some(Lock { kind: kind.to_owned(), exclusive, pid, device, inode })
}

/// The TCP sockets that listen in the network of each of these processes and of this one, with their inodes.
pub(crate) fn listeners(processes: &[i32]) -> Vec<(SocketAddr, u64)> {
    let mut found = Vec::new();
    let places = processes.iter().map(|pid| format!("/proc/{pid}/net"));
    for place in std::iter::once("/proc/thread-self/net".to_owned()).chain(places) {
        for table in ["tcp", "tcp6"] {
            let text = fs::read_to_string(format!("{place}/{table}")).unwrap_or_default();
            found.extend(text.lines().skip(1).filter_map(proc::parse_listener));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{Lock, parse_lock};

    #[test]
    fn locks_are_read_as_the_kernel_prints_them() {
        let lock = |kind: &str, exclusive, device, inode| {
            Some(Lock { kind: kind.to_owned(), exclusive, pid: 359, device, inode })
        };
        assert_eq!(
            parse_lock("1: FLOCK  ADVISORY  WRITE 359 fe:00:11691 0 EOF"),
            lock("flock", true, (254, 0), 11691)
        );
        assert_eq!(
            parse_lock("\t2: POSIX  ADVISORY  READ 359 00:1b:7 0 9"),
            lock("fcntl (POSIX)", false, (0, 27), 7)
        );
        let ofd = "3: OFDLCK ADVISORY  WRITE 359 00:1b:7 0 EOF";
        assert_eq!(parse_lock(ofd), lock("fcntl (open file description)", true, (0, 27), 7));
        assert_eq!(parse_lock("1: -> FLOCK  ADVISORY  WRITE 360 fe:00:11691 0 EOF"), None);
        assert_eq!(parse_lock("1: LEASE  ACTIVE    WRITE 360 fe:00:11691 0 EOF"), None);
        assert_eq!(parse_lock(""), None);
    }
}
