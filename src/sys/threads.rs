//! What the threads of a process wait for, read from `/proc/PID/task/TID/syscall`.

use std::fs;
use std::path::PathBuf;

/// What one thread does at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThreadState {
    pub(crate) tid: i32,
    pub(crate) name: String,
    /// The letter in `/proc/PID/stat`.
    pub(crate) state: char,
    pub(crate) wait: Wait,
}

impl ThreadState {
    /// Whether it has ended, as a main thread may while others go on.
    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether it waits for what only a thread of its own process can do.
    pub(crate) const fn is_on_private_lock(&self) -> bool {
        matches!(self.wait, Wait::PrivateFutex | Wait::ThreadEnd)
    }
}

/// What a thread waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It runs, or the kernel does not say.
    Nothing,
    /// A futex that only this process can wake, without a time limit: a lock, a condition, a join.
    PrivateFutex,
    /// The end of another thread of this process, without a time limit (`pthread_join`).
    ThreadEnd,
    /// Another system call, by name, and on what.
    Call { name: String, on: Option<String> },
}

/// The threads of the process `pid`.
pub(crate) fn of(pid: i32) -> Vec<ThreadState> {
    let tasks = tasks(pid);
    let tids: Vec<i32> = tasks.iter().map(|task| task.tid).collect();
    let state_of = |task: &Task| {
        let (name, state) = task.name_and_state()?;
        let call = fs::read_to_string(task.path.join("syscall")).unwrap_or_default();
        Some(ThreadState { tid: task.tid, name, state, wait: wait(pid, &call, &tids) })
    };
    tasks.iter().filter_map(state_of).collect()
}

/// The letters of the states of all threads of the process `pid`.
pub(crate) fn states(pid: i32) -> Vec<char> {
    tasks(pid).iter().filter_map(Task::state).collect()
}

/// One thread's place in `/proc`.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) tid: i32,
    pub(super) path: PathBuf,
}

impl Task {
    fn name_and_state(&self) -> Option<(String, char)> {
        let stat = fs::read(self.path.join("stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        let (_, rest) = stat.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        Some((name.to_owned(), rest.trim_start().chars().next()?))
    }

    /// The letter of its state; `None` when it is gone.
    pub(super) fn state(&self) -> Option<char> {
        self.name_and_state().map(|(_, state)| state)
    }
}

/// The threads of the process `pid`, the main thread first.
pub(super) fn tasks(pid: i32) -> Vec<Task> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let task = |entry: fs::DirEntry| {
        Some(Task { tid: entry.file_name().to_str()?.parse().ok()?, path: entry.path() })
    };
    let mut tasks: Vec<Task> = tasks.flatten().filter_map(task).collect();
    tasks.sort_unstable_by_key(|task| task.tid);
    tasks
}

/// The number of the call that a line of the file shows, and its arguments; `None` for a thread that is in
/// none.
pub(super) fn numbers(line: &str) -> Option<(i64, Vec<u64>)> {
    let mut words = line.split_ascii_whitespace();
    let number = words.next()?.parse().ok().filter(|number| *number >= 0)?;
    let argument = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0);
    Some((number, words.take(6).map(argument).collect()))
}

/// Reads one line of the file: the call's number and six arguments, or `running`.
fn wait(pid: i32, line: &str, tids: &[i32]) -> Wait {
    let Some((number, arguments)) = numbers(line) else { return Wait::Nothing };
    let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
    if number == libc::SYS_futex && is_untimed_wait(argument(1), argument(3)) {
        if is_private(argument(1)) {
            return Wait::PrivateFutex;
        }
        // To join a thread glibc waits while a word holds the id of that thread, which the kernel clears
        // at its end, and not privately.
        if tids.iter().any(|tid| u64::try_from(*tid) == Ok(argument(2))) {
            return Wait::ThreadEnd;
        }
    }
    let on = takes_descriptor(number)
        .then(|| fs::read_link(format!("/proc/{pid}/fd/{}", argument(0))).ok())
        .flatten()
        .map(|target| format!("{} ({})", argument(0), target.display()));
    Wait::Call { name: call_name(number), on }
}

const FUTEX_PRIVATE: u64 = 128;

/// Whether only threads of the same process can end the wait (man 2 futex).
const fn is_private(operation: u64) -> bool {
    operation & FUTEX_PRIVATE != 0
}

/// `FUTEX_WAIT` or `FUTEX_WAIT_BITSET` without a timeout.
const fn is_untimed_wait(operation: u64, timeout: u64) -> bool {
    const WAIT: u64 = 0;
    const WAIT_BITSET: u64 = 9;
    const CLOCK_REALTIME: u64 = 256;
    matches!(operation & !(FUTEX_PRIVATE | CLOCK_REALTIME), WAIT | WAIT_BITSET) && timeout == 0
}

macro_rules! calls {
    ($($(#[$attribute:meta])* $constant:ident $name:literal,)*) => {
        /// The calls in which processes are found waiting.
        pub(super) fn call_name(number: i64) -> String {
            $($(#[$attribute])* if number == libc::$constant { return $name.to_owned(); })*
            format!("system call {number}")
        }
    };
}

calls! {
    SYS_read "read",
    SYS_write "write",
    SYS_readv "readv",
    SYS_writev "writev",
    SYS_futex "futex",
    SYS_ppoll "ppoll",
    SYS_pselect6 "pselect",
    SYS_epoll_pwait "epoll_wait",
    SYS_epoll_pwait2 "epoll_wait",
    SYS_wait4 "wait4 (for a child)",
    SYS_waitid "waitid (for a child)",
    SYS_nanosleep "nanosleep",
    SYS_clock_nanosleep "clock_nanosleep",
    SYS_restart_syscall "a call that goes on after a stop",
    SYS_rt_sigsuspend "sigsuspend (for a signal)",
    SYS_rt_sigtimedwait "sigwait (for a signal)",
    SYS_accept "accept",
    SYS_accept4 "accept",
    SYS_connect "connect",
    SYS_recvfrom "recv",
    SYS_recvmsg "recvmsg",
    SYS_sendto "send",
    SYS_sendmsg "sendmsg",
    SYS_flock "flock",
    SYS_fcntl "fcntl (a file lock)",
    SYS_fsync "fsync",
    SYS_io_getevents "io_getevents",
    SYS_io_uring_enter "io_uring_enter",
    SYS_openat "open",
    SYS_semtimedop "semop",
    SYS_msgrcv "msgrcv",
    SYS_msgsnd "msgsnd",
    SYS_mq_timedreceive "mq_receive",
    SYS_mq_timedsend "mq_send",
    SYS_recvmmsg "recvmmsg",
    SYS_sendmmsg "sendmmsg",
    SYS_pread64 "pread",
    SYS_pwrite64 "pwrite",
    SYS_sendfile "sendfile",
    SYS_splice "splice",
    SYS_copy_file_range "copy_file_range",
    SYS_fdatasync "fdatasync",
    SYS_sync "sync",
    SYS_syncfs "syncfs",
    SYS_clone "clone",
    SYS_execve "exec",
    SYS_getrandom "getrandom",
    SYS_close "close",
    SYS_statx "stat",
    SYS_newfstatat "stat",
    SYS_unlinkat "unlink",
    SYS_sched_yield "sched_yield",
    #[cfg(target_arch = "x86_64")]
    SYS_poll "poll",
    #[cfg(target_arch = "x86_64")]
    SYS_select "select",
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait "epoll_wait",
    #[cfg(target_arch = "x86_64")]
    SYS_pause "pause (for a signal)",
    #[cfg(target_arch = "x86_64")]
    SYS_open "open",
    #[cfg(target_arch = "x86_64")]
    SYS_vfork "vfork (for its child to execute a program or to end)",
}

/// Whether the first argument is the descriptor that is waited for.
fn takes_descriptor(number: i64) -> bool {
    [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_connect,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_flock,
        libc::SYS_fcntl,
        libc::SYS_fsync,
    ]
    .contains(&number)
}

#[cfg(test)]
mod tests {
    use super::{Wait, wait};

    #[test]
    fn only_private_untimed_futex_waits_are_locks_inside_the_process() {
        let futex = libc::SYS_futex;
        let line = |op: u32, timeout: u32| {
            format!("{futex} 0x7f00 {op:#x} 0x2 {timeout:#x} 0x0 0x0 0x7ffc 0x7f01\n")
        };
        for op in [128, 128 | 9, 128 | 256 | 9] {
            assert_eq!(wait(1, &line(op, 0), &[]), Wait::PrivateFutex);
        }
        for (op, timeout) in [(0, 0), (128, 0x7f00), (128 | 1, 0)] {
            let other = Wait::Call { name: "futex".to_owned(), on: None };
            assert_eq!(wait(1, &line(op, timeout), &[]), other);
        }
    }

    #[test]
    fn a_shared_untimed_wait_on_the_id_of_a_thread_is_for_its_end() {
        let line = |op: u32, value: u32, timeout: u32| {
            format!(
                "{} 0x7f00 {op:#x} {value:#x} {timeout:#x} 0x0 0xffffffff 0x7ffc 0x7f01\n",
                libc::SYS_futex
            )
        };
        let threads = [4711, 4712];
        assert_eq!(wait(1, &line(9 | 256, 4712, 0), &threads), Wait::ThreadEnd);
        for (value, timeout) in [(2, 0), (4712, 0x7f00)] {
            let other = Wait::Call { name: "futex".to_owned(), on: None };
            assert_eq!(wait(1, &line(9 | 256, value, timeout), &threads), other);
        }
    }

    #[test]
    fn what_runs_waits_for_nothing_and_unknown_calls_have_their_number() {
        assert_eq!(wait(1, "running\n", &[]), Wait::Nothing);
        assert_eq!(wait(1, "-1 0x0 0x0\n", &[]), Wait::Nothing);
        assert_eq!(
            wait(1, "99999 0x0\n", &[]),
            Wait::Call { name: "system call 99999".to_owned(), on: None }
        );
    }
}
