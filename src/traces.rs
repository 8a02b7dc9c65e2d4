//! What a run left on the system: files, locks, open descriptors, listening sockets, temporary files.
//! Facts, taken at the end of the run and only where the plan announced the question.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kept::Bytes;

/// What was seen of all that the plan announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traces {
    pub(crate) paths: Vec<PathTrace>,
    /// The TCP sockets that listened.
    pub(crate) listeners: Option<Vec<Listener>>,
    pub(crate) temp_files: Option<TempFiles>,
}

impl Traces {
    pub(crate) fn of(&self, path: &Path) -> Option<&PathTrace> {
        self.paths.iter().find(|trace| trace.path == path)
    }
}

/// What became of one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PathTrace {
    /// As it was given.
    #[serde(with = "crate::kept::path")]
    pub(crate) path: PathBuf,
    /// Whether anything was there before the target was started.
    pub(crate) before: bool,
    /// Whether something appeared there during the run.
    pub(crate) appeared: Appeared,
    /// What is there when all is dead.
    pub(crate) after: Option<Found>,
    /// Who held a lock on it when the target had ended.
    pub(crate) locks: Option<Held>,
    /// Which of the processes that the target left had it open.
    pub(crate) descriptors: Option<Held>,
}

impl PathTrace {
    /// Whether anything was ever there.
    pub(crate) const fn existed(&self) -> bool {
        self.before || matches!(self.appeared, Appeared::Yes) || self.after.is_some()
    }
}

/// Whether a path appeared during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Appeared {
    No,
    Yes,
    /// So much happened in its directory that the kernel did not tell of all.
    Unknown,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Found {
    /// A regular file of so many bytes; the bytes, where they could be kept.
    File {
        len: u64,
        content: Option<Bytes>,
    },
    Directory,
    Socket,
    /// A link to what is not there.
    BrokenLink,
    Other,
    /// The test process may not look.
    Unknown,
}

/// The processes that hold something, and those of which it cannot be known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) by: Vec<Holder>,
    /// What the target left and whose descriptors cannot be read.
    pub(crate) hidden: Vec<Holder>,
}

/// A process that holds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) pid: i32,
    pub(crate) command: String,
    /// By what: `flock, exclusive`, `descriptor 3`.
    pub(crate) by: String,
}

/// A TCP socket that listened, and whose it was, as far as that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) holders: Vec<Holder>,
}

impl Listener {
    /// Whether nobody else can listen at `asked` as long as this one does.
    pub(crate) fn keeps(&self, asked: SocketAddr) -> bool {
        let (bound, wanted) = (self.address.ip().to_canonical(), asked.ip().to_canonical());
        // A wildcard of IPv6 takes IPv4 too, and not the other way round.
        let covers = |any: std::net::IpAddr, one: std::net::IpAddr| {
            any.is_unspecified() && (any.is_ipv6() || one.is_ipv4())
        };
        self.address.port() == asked.port()
            && (bound == wanted || covers(bound, wanted) || covers(wanted, bound))
    }
}

/// What was made in the directory for temporary files that was the target's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TempFiles {
    /// Whether anything ever was in it.
    pub(crate) used: Appeared,
    /// What was left, by its path in it; at most 128 of them.
    pub(crate) left: Vec<Bytes>,
    pub(crate) count: usize,
}

/// The file behind a POSIX shared memory object (`shm_open(3)`), to be asked for like any other:
/// `.removed(exeunt::shared_memory("/cache"))`.
#[must_use]
pub fn shared_memory(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(name.trim_start_matches('/'))
}

/// The file behind a named POSIX semaphore (`sem_open(3)`), to be asked for like any other:
/// `.removed(exeunt::named_semaphore("/jobs"))`.
#[must_use]
pub fn named_semaphore(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(format!("sem.{}", name.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::Listener;

    #[test]
    fn a_listener_keeps_its_address_and_what_a_wildcard_covers() {
        let keeps = |bound: &str, asked: &str| {
            let address = bound.parse().unwrap();
            Listener { address, holders: Vec::new() }.keeps(asked.parse().unwrap())
        };
        assert!(keeps("127.0.0.1:80", "127.0.0.1:80"));
        assert!(keeps("0.0.0.0:80", "127.0.0.1:80"));
        assert!(keeps("127.0.0.1:80", "0.0.0.0:80"));
        assert!(keeps("[::]:80", "127.0.0.1:80"));
        assert!(keeps("127.0.0.1:80", "[::]:80"));
        assert!(keeps("[::ffff:127.0.0.1]:80", "127.0.0.1:80"));
        assert!(!keeps("127.0.0.1:80", "127.0.0.1:81"));
        assert!(!keeps("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!keeps("0.0.0.0:80", "[::1]:80"));
    }
}
