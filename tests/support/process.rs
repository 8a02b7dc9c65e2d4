//! What the tests see of processes and descriptors, from `/proc` and by pidfd.
//!
//! A process is known by its id *and* its start time: an id alone may by now belong to another. The
//! waits here end by an event of the kernel, at the latest after [`PATIENCE`].
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use exeunt::{ExitTest, program};

/// How long a test waits for what must come: far more than it takes on a machine that is very busy,
/// and well within the time that runners give a test.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Set in the environment of the tests that only another test runs.
const INNER: &str = "EXEUNT_TESTS_INNER";

/// Runs one `#[ignore]`d test of this very test binary as a program.
pub fn inner_test(name: &str) -> ExitTest {
    program(own_executable())
        .args(inner_arguments(name))
        .env(INNER, "1")
        .env_remove("EXEUNT_TIMEOUT_SCALE")
        .env_remove("RUST_TEST_THREADS")
}

/// The arguments by which the test binary runs this one test.
pub fn inner_arguments(name: &str) -> [&str; 5] {
    [name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]
}

/// The variable without which an inner test does nothing.
pub const fn inner_variable() -> (&'static str, &'static str) {
    (INNER, "1")
}

/// For the child of a `Command` that is to end by a signal: a shell that starts these tests in the
/// background has SIGINT ignored, `nohup` SIGHUP, and so would the child.
///
/// # Errors
///
/// Never.
pub fn as_at_a_terminal() -> std::io::Result<()> {
    for signal in [libc::SIGHUP, libc::SIGINT] {
        // SAFETY: SIG_DFL runs no code.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

/// Whether an inner test was started by the test that it belongs to, and not by `--ignored`.
pub fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

/// This test binary.
pub fn own_executable() -> PathBuf {
    std::env::current_exe().expect("the path of this test binary")
}

/// Makes an executable file. A shell does so: a descriptor of this process, open for writing, might
/// be inherited by what another thread starts, and the file could not be executed meanwhile.
#[track_caller]
pub fn executable(path: &Path, content: &str) {
    let script = r#"printf %s "$2" > "$1" && chmod 755 "$1""#;
    let status = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .args([path.as_os_str(), content.as_ref()])
        .status()
        .expect("a shell");
    assert!(status.success(), "could not write `{}`", path.display());
}

/// One process, told from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: i32,
    /// In clock ticks since the machine started.
    started: u64,
}

impl Process {
    /// The process that has this id now; `None` where there is none, or a zombie.
    pub fn alive(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (process, state) = Self::parse(&stat)?;
        (!matches!(state, 'Z' | 'X')).then_some(process)
    }

    /// The process that `/proc/PID/stat` described by this line, when somebody read it. The tests let
    /// targets print theirs.
    #[track_caller]
    pub fn described(stat: &str) -> Self {
        Self::parse(stat).unwrap_or_else(|| panic!("a line of /proc/PID/stat, not {stat:?}")).0
    }

    fn parse(stat: &str) -> Option<(Self, char)> {
        let pid = stat.split_once(' ')?.0.parse().ok()?;
        // The name may hold spaces and parentheses (man 5 proc).
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let started = fields.get(19)?.parse().ok()?;
        Some((Self { pid, started }, fields[0].chars().next()?))
    }

    /// Whether this very process is still alive.
    pub fn is_alive(self) -> bool {
        Self::alive(self.pid) == Some(self)
    }

    /// What the kernel calls it: at most 15 bytes.
    pub fn name(self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default().trim_end().to_owned()
    }

    /// The id of its parent.
    pub fn parent(self) -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// Waits until it has ended, at the latest until `deadline`; whether it has.
    pub fn ends_before(self, deadline: Instant) -> bool {
        let Some(handle) = pidfd(self.pid) else { return !self.is_alive() };
        if !self.is_alive() {
            return true;
        }
        let mut poll = libc::pollfd { fd: handle.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let rest = deadline.saturating_duration_since(Instant::now()).as_millis();
        let rest = i32::try_from(rest).unwrap_or(i32::MAX);
        // SAFETY: one live entry, as stated; the descriptor is open.
        unsafe { libc::poll(&raw mut poll, 1, rest) };
        !self.is_alive()
    }

    /// Kills it, which must be a process that the test started.
    pub fn kill(self) {
        let Some(handle) = pidfd(self.pid) else { return };
        if !self.is_alive() {
            return;
        }
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: no siginfo is passed; the rest are numbers.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, handle.as_raw_fd(), libc::SIGKILL, none, 0) };
    }
}

fn pidfd(pid: i32) -> Option<OwnedFd> {
    // SAFETY: the call takes numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel just made this descriptor for us.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// All processes that descend from `pid` and are alive.
pub fn descendants(pid: i32) -> Vec<Process> {
    let mut found = Vec::new();
    let mut next = vec![pid];
    while let Some(pid) = next.pop() {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for child in children.split_ascii_whitespace().filter_map(|child| child.parse().ok()) {
                found.extend(Process::alive(child));
                next.push(child);
            }
        }
    }
    found
}

/// The descendants of this process that are not of the harness: targets, and what they left.
pub fn strangers() -> Vec<String> {
    let own = i32::try_from(std::process::id()).expect("a process id");
    let names = descendants(own).into_iter().map(Process::name);
    names.filter(|name| !name.starts_with("exeunt-") && !name.is_empty()).collect()
}

/// The open descriptors of a process, with what each is; without those on `/proc`, by which it, or this
/// function, looks at processes at this moment.
pub fn descriptors(pid: impl std::fmt::Display) -> Vec<(OsString, PathBuf)> {
    let directory = fs::read_dir(format!("/proc/{pid}/fd")).expect("the descriptors of a process");
    let mut found: Vec<_> = directory
        .flatten()
        .filter_map(|entry| Some((entry.file_name(), entry.path().read_link().ok()?)))
        .filter(|(_, target)| !target.starts_with("/proc"))
        .collect();
    found.sort();
    found
}

/// The launcher of this process; panics unless there is exactly one.
#[track_caller]
pub fn launcher() -> Process {
    let own = i32::try_from(std::process::id()).expect("a process id");
    // A supervisor has the same name for a moment, but another parent.
    let is_launcher =
        |process: &Process| process.parent() == Some(own) && process.name() == "exeunt-launcher";
    let found: Vec<_> = descendants(own).into_iter().filter(is_launcher).collect();
    let [launcher] = found[..] else { panic!("one launcher, not {found:?}") };
    launcher
}
