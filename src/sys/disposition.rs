//! What a process would do with a signal, read from `/proc`.
//!
//! Three places tell, and none alone: `SigCgt` and `SigIgn` of the process, `SigBlk` of each thread,
//! and who waits for a blocked signal: a thread in `sigwait`, whose set must be read from its memory
//! (while it waits the kernel takes the signal out of its mask, so that the signal looks like one with
//! its default action), or a signalfd.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::signal::Disposition;

use super::proc;

/// The signal sets of one thread and its process.
#[derive(Debug, Clone, Copy, Default)]
struct Sets {
    pending: u64,
    shared_pending: u64,
    blocked: u64,
    ignored: u64,
    caught: u64,
    has_ended: bool,
}

impl Sets {
    fn read(status: &Path) -> Option<Self> {
        Some(Self::parse(&fs::read_to_string(status).ok()?))
    }

    fn parse(status: &str) -> Self {
        let mut sets = Self::default();
        for line in status.lines() {
            let Some((name, value)) = line.split_once(":\t") else { continue };
            let place = match name {
                "State" => {
                    sets.has_ended = value.starts_with(['Z', 'X']);
                    continue;
                }
                "SigPnd" => &mut sets.pending,
                "ShdPnd" => &mut sets.shared_pending,
                "SigBlk" => &mut sets.blocked,
                "SigIgn" => &mut sets.ignored,
                "SigCgt" => &mut sets.caught,
                _ => continue,
            };
            *place = u64::from_str_radix(value.trim(), 16).unwrap_or(0);
        }
        sets
    }

    /// Whether a signal is pending that is let in: the thread has not run since it came. SIGKILL does not count:
    /// the exit of a process is that to all its other threads.
    fn is_about_to_take_one(&self) -> bool {
        (self.pending | self.shared_pending) & !self.blocked & !bit(libc::SIGKILL) != 0
    }
}

fn bit(signal: i32) -> u64 {
    u32::try_from(signal - 1).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
}

fn threads(pid: i32) -> Vec<PathBuf> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks.flatten().map(|task| task.path()).collect()
}

/// The sets of the threads that could take a signal. One that has ended, as a main thread may while others go on, takes
/// none. But where the others are on their way out as well, the process is leaving, and would have done what all of
/// its threads say.
fn of_those_that_go_on(threads: &[PathBuf]) -> Vec<Sets> {
    let read = |thread: &PathBuf| Some((Sets::read(&thread.join("status"))?, thread.clone()));
    let all: Vec<(Sets, PathBuf)> = threads.iter().filter_map(read).collect();
    let goes_on = |(sets, thread): &(Sets, PathBuf)| {
        !sets.has_ended && sets.pending & bit(libc::SIGKILL) == 0 && !is_leaving(thread)
    };
    let some_have_ended = all.iter().any(|(sets, _)| sets.has_ended) && all.iter().any(goes_on);
    all.into_iter().filter(|(sets, _)| !some_have_ended || !sets.has_ended).map(|(sets, _)| sets).collect()
}

fn is_leaving(thread: &Path) -> bool {
    let tid = thread.file_name().and_then(|name| name.to_str()?.parse().ok());
    tid.and_then(proc::inspect).is_none_or(|thread| thread.exiting)
}

/// What the process `pid` would do with `signal` now; `None` when it is gone, and where it cannot be told.
pub(crate) fn of(pid: i32, signal: i32) -> Option<Disposition> {
    let wanted = bit(signal);
    let process = Sets::read(Path::new(&format!("/proc/{pid}/status")))?;
    let threads = threads(pid);

    let waited_for = || threads.iter().any(|thread| waits_for(pid, thread, wanted));
    if waited_for() {
        return Some(Disposition::WaitedFor);
    }
    let sets = of_those_that_go_on(&threads);
    if sets.is_empty() {
        return None;
    }
    let blocked = sets.iter().all(|sets| sets.blocked & wanted != 0);
    Some(if blocked && signalfd_takes(pid, wanted) {
        // Be it ignored: what is blocked is not dropped for that.
        Disposition::HeldBySignalfd
    } else if process.ignored & wanted != 0 {
        Disposition::Ignored
    } else if blocked && hides_its_descriptors(pid) {
        return None;
    } else if blocked {
        Disposition::Blocked
    } else if process.caught & wanted != 0 {
        Disposition::Handled
    } else if hides_its_waits(pid) || sets.iter().any(Sets::is_about_to_take_one) {
        // It may be in `sigwait`; or it has been woken there by that, and does not have its mask back yet.
        return None;
    } else if waited_for() {
        // It went to wait between the looks, where the kernel has the signal out of its mask.
        Disposition::WaitedFor
    } else {
        Disposition::Default
    })
}

/// The signals for which the process `pid` has handlers. Those that it has for its own faults, and those by which the
/// C library stops and changes its threads, are not among them.
pub(crate) fn handlers_of(pid: i32) -> Vec<i32> {
    const OF_FAULTS: [i32; 7] =
        [libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGBUS, libc::SIGFPE, libc::SIGSEGV, libc::SIGSYS];
    const OF_THE_C_LIBRARY: [i32; 2] = [32, 33];
    let caught = Sets::read(Path::new(&format!("/proc/{pid}/status"))).unwrap_or_default().caught;
    let counts = |signal: &i32| !OF_FAULTS.contains(signal) && !OF_THE_C_LIBRARY.contains(signal);
    (1..=64).filter(counts).filter(|signal| caught & bit(*signal) != 0).collect()
}

/// Whether `signal` is pending for the process `pid` or for one of its threads.
pub(crate) fn is_pending(pid: i32, signal: i32) -> bool {
    let wanted = bit(signal);
    threads(pid)
        .iter()
        .filter_map(|thread| Sets::read(&thread.join("status")))
        .any(|sets| (sets.pending | sets.shared_pending) & wanted != 0)
}

/// Whether this thread is in `rt_sigtimedwait` for a set that holds the signal.
fn waits_for(pid: i32, thread: &Path, wanted: u64) -> bool {
    let Ok(call) = fs::read_to_string(thread.join("syscall")) else { return false };
    let mut words = call.split_ascii_whitespace();
    if words.next().and_then(|number| number.parse().ok()) != Some(libc::SYS_rt_sigtimedwait) {
        return false;
    }
    let set = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    let mut bytes = [0; 8];
    let read = set.is_some_and(|set| {
        File::open(format!("/proc/{pid}/mem"))
            .is_ok_and(|memory| memory.read_exact_at(&mut bytes, set).is_ok())
    });
    read && u64::from_ne_bytes(bytes) & wanted != 0
}

/// Whether it cannot be seen what the threads of a process wait for: one of another user, or that has protected
/// itself (`PR_SET_DUMPABLE`), shows it to nobody without privileges.
pub(crate) fn hides_its_waits(pid: i32) -> bool {
    is_forbidden(fs::read(format!("/proc/{pid}/syscall")))
}

fn hides_its_descriptors(pid: i32) -> bool {
    is_forbidden(fs::read_dir(format!("/proc/{pid}/fdinfo")))
}

fn is_forbidden<T>(looked: io::Result<T>) -> bool {
    looked.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn signalfd_takes(pid: i32, wanted: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return false };
    descriptors.flatten().any(|descriptor| {
        fs::read_to_string(descriptor.path()).is_ok_and(|text| {
            text.lines()
                .filter_map(|line| line.strip_prefix("sigmask:"))
                .any(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & wanted != 0))
        })
    })
}

/// Whose handler it is that this process has for this signal, where that says nothing of the program's
/// readiness: a runtime installs it at its own start.
pub(crate) fn runtime_handler(pid: i32, signal: i32) -> Option<&'static str> {
    let path = PathBuf::from(format!("/proc/{pid}/exe"));
    let executable = fs::read_link(&path).ok()?;
    let name = executable.file_name()?.to_str()?;
    runtime_by_name(name, signal).or_else(|| is_go_program(&path).then_some("Go's runtime"))
}

fn runtime_by_name(name: &str, signal: i32) -> Option<&'static str> {
    use libc::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    match (name, signal) {
        // dash from its start, bash whenever it waits for a command.
        ("dash" | "bash", SIGINT) => Some("the shell"),
        ("node" | "nodejs", SIGINT | SIGTERM) => Some("Node"),
        ("java", SIGINT | SIGTERM | SIGHUP) => Some("the JVM"),
        (_, SIGINT) if name.starts_with("python") => Some("Python"),
        (_, SIGALRM | SIGHUP | SIGINT | SIGQUIT | SIGTERM | SIGUSR1 | SIGUSR2)
            if name.starts_with("ruby") =>
        {
            Some("Ruby")
        }
        _ => None,
    }
}

/// Whether Go's linker made the executable, whose programs catch every signal that can be caught. It
/// leaves a note of type 4 and of this name in the first pages.
fn is_go_program(executable: &Path) -> bool {
    const NOTE: &[u8] = b"\x04\0\0\0Go\0\0";
    let mut first = [0; 8192];
    let read = File::open(executable).and_then(|file| file.read_at(&mut first, 0));
    read.is_ok_and(|count| memchr::memmem::find(&first[..count], NOTE).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Sets, bit, runtime_by_name};

    #[test]
    fn the_sets_of_a_status_file_are_read() {
        let status = "Name:\tx\nState:\tS (sleeping)\nSigQ:\t0/96365\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000004000\n\
                      SigBlk:\t0000000000000002\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180004002\n";
        let sets = Sets::parse(status);
        assert_eq!(sets.shared_pending, bit(libc::SIGTERM));
        assert_eq!(sets.ignored, bit(libc::SIGPIPE));
        assert_eq!(sets.caught & bit(libc::SIGTERM), bit(libc::SIGTERM));
        assert_eq!((sets.pending, sets.blocked), (bit(1), bit(2)));
        assert_eq!(bit(64), 1 << 63);
        assert!(sets.is_about_to_take_one(), "SIGTERM");
        let blocked = Sets { blocked: sets.pending | sets.shared_pending, ..sets };
        assert!(!blocked.is_about_to_take_one());
        assert!(!sets.has_ended);
        assert!(Sets::parse("State:\tZ (zombie)\n").has_ended);
    }

    #[test]
    fn runtimes_are_known_for_the_signals_that_they_catch_and_no_others() {
        assert_eq!(runtime_by_name("python3.11", libc::SIGINT), Some("Python"));
        assert_eq!(runtime_by_name("ruby3.1", libc::SIGTERM), Some("Ruby"));
        assert_eq!(runtime_by_name("dash", libc::SIGINT), Some("the shell"));
        for (name, signal) in
            [("python3.11", libc::SIGTERM), ("bash", libc::SIGTERM), ("server", libc::SIGINT)]
        {
            assert_eq!(runtime_by_name(name, signal), None, "{name} {signal}");
        }
    }
}
