//! The processes that a target starts in these tests: each kind escapes in another way from what
//! usually ends a child. They report to the test through a named pipe, before the target goes on.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{PATIENCE, Process};

/// Every way to escape, by its name.
pub const KINDS: [&str; 8] = [
    "child",
    "double-forked",
    "in a session of its own",
    "without environment",
    "stopped",
    "ignoring all signals",
    "naming itself like the harness",
    "chain of ten",
];

/// Where they report themselves, a named pipe; and a lock that each of them holds as long as it lives.
pub struct Registry {
    directory: tempfile::TempDir,
    reports: File,
}

impl Registry {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        File::create(directory.path().join("lock")).unwrap();
        let pipe = directory.path().join("reports");
        let name = CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: the name is NUL-terminated.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        // With a writer of its own it has no end, and opens at once.
        let reports = File::options().read(true).write(true).open(pipe).unwrap();
        Self { directory, reports }
    }

    /// What the target is told.
    pub fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// The next process that reported itself, at the latest after the patience of the tests.
    #[track_caller]
    pub fn next(&self) -> Process {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            assert!(is_readable(&self.reports), "no process reports itself");
            let mut byte = [0];
            (&self.reports).read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        Process::described(std::str::from_utf8(&line).unwrap())
    }

    /// Whether none of the processes that inherited the lock is alive, reported or not.
    pub fn all_are_gone(&self) -> bool {
        let file = File::open(self.directory.path().join("lock")).unwrap();
        // SAFETY: the descriptor is open; the rest are numbers.
        unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
    }
}

fn is_readable(file: &File) -> bool {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let patience = i32::try_from(PATIENCE.as_millis()).unwrap();
    // SAFETY: one live entry, as stated; the descriptor is open.
    unsafe { libc::poll(&raw mut poll, 1, patience) == 1 }
}

/// How many processes a kind is.
pub fn count(kind: &str) -> usize {
    if kind == "chain of ten" { 10 } else { 1 }
}

/// In the target: takes the lock, which all that it starts will hold too.
pub fn take_lock(registry: &Path) {
    let lock = OwnedFd::from(File::open(registry.join("lock")).unwrap());
    // SAFETY: the descriptor is open; the rest are numbers.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_SH) }, 0);
    // SAFETY: the same; it survives exec from here on.
    assert_eq!(unsafe { libc::fcntl(lock.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    std::mem::forget(lock);
}

/// Reports this process to the test, in one write.
pub fn report(registry: &Path) {
    let stat = std::fs::read("/proc/self/stat").unwrap();
    File::options().write(true).open(registry.join("reports")).unwrap().write_all(&stat).unwrap();
}

pub fn wait_for_ever() -> ! {
    loop {
        // SAFETY: no preconditions.
        unsafe { libc::pause() };
    }
}

/// Forks; zero in the child.
pub fn fork() -> libc::pid_t {
    // SAFETY: the targets of these tests have one thread.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    pid
}

fn leave() -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(0) }
}

fn new_session() {
    // SAFETY: no preconditions.
    unsafe { libc::setsid() };
}

/// In the target: starts one of each kind, and comes back when all have reported themselves and are
/// what they are to be.
pub fn start_all(registry: &Path) {
    take_lock(registry);
    for kind in KINDS {
        start(kind, registry);
    }
}

/// In the target: starts this kind.
pub fn start(kind: &str, registry: &Path) {
    let (mut settled, done) = UnixStream::pair().unwrap();
    let pid = fork();
    if pid == 0 {
        drop(settled);
        become_kind(kind, registry, done);
    }
    drop(done);
    // One byte for each, then the end.
    let mut bytes = Vec::new();
    settled.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), count(kind), "{kind}");
    if kind == "stopped" {
        let mut status = 0;
        // SAFETY: `status` is live.
        unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) };
        assert!(libc::WIFSTOPPED(status), "{status}");
    }
}

/// In the new process: becomes what the kind says, reports itself, and never comes back.
fn become_kind(kind: &str, registry: &Path, mut done: UnixStream) -> ! {
    match kind {
        "double-forked" => {
            new_session();
            if fork() != 0 {
                leave();
            }
        }
        "in a session of its own" => new_session(),
        "ignoring all signals" => {
            for number in 1..=libc::SIGRTMAX() {
                // SAFETY: SIG_IGN runs no code.
                unsafe { libc::signal(number, libc::SIG_IGN) };
            }
        }
        // SAFETY: the name is NUL-terminated.
        "naming itself like the harness" => unsafe {
            libc::prctl(libc::PR_SET_NAME, c"exeunt-daemon".as_ptr());
        },
        "chain of ten" => {
            // Each is the child of the one before.
            for _ in 1..count(kind) {
                if fork() != 0 {
                    break;
                }
            }
        }
        _ => {}
    }
    report(registry);
    done.write_all(b".").unwrap();
    drop(done);
    match kind {
        "without environment" => {
            let error = Command::new("sleep").arg("1000").env_clear().exec();
            panic!("sleep: {error}");
        }
        "stopped" => {
            // SAFETY: no preconditions.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
        _ => {}
    }
    wait_for_ever()
}

/// In the target: starts a chain without an end. Each link makes the next and is gone at once, so that
/// no id stays the same for long; the lock is held as long as there is a link.
pub fn start_endless_chain(registry: &Path) {
    let (mut settled, done) = UnixStream::pair().unwrap();
    if fork() == 0 {
        new_session();
        report(registry);
        drop(done);
        loop {
            if fork() != 0 {
                leave();
            }
        }
    }
    drop(done);
    std::io::copy(&mut settled, &mut std::io::sink()).unwrap();
}
