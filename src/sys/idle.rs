//! Whether a process and all that it started are asleep, waiting for something to come.
//!
//! One look says that each thread is in a call that waits, and how often each has been put to sleep so far.
//! Where a later look says the same, none of them has run in between (a thread that runs and sleeps again
//! is counted). What is not taken for waiting: a pause (`nanosleep`), for which nothing needs to come; a
//! write, which waits for a reader; a wait for a disk, which the kernel calls by another state.

use std::fs;

use super::proc::{self, ProcessInfo};
use super::threads::{self, Task};

/// The threads of one or several processes, all of them asleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asleep(Vec<Sleeper>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sleeper {
    thread: i32,
    /// How often it has given up the processor, or was made to.
    switches: (u64, u64),
}

/// Looks at the process `pid` and all that it started.
///
/// # Errors
///
/// Says what is not asleep, where something is not.
pub(crate) fn look_at_tree(pid: i32) -> Result<Asleep, String> {
    let mut sleepers = look_at(pid, "the target")?.0;
    for process in proc::started_by(pid) {
        if !process.is_zombie() {
            sleepers.extend(look_at(process.pid, &named(&process))?.0);
        }
    }
    Ok(Asleep(sleepers))
}

/// Looks at the threads of one process, which an error calls `whose`.
///
/// # Errors
///
/// Says what is not asleep, where something is not.
pub(crate) fn look_at(pid: i32, whose: &str) -> Result<Asleep, String> {
    let tasks = threads::tasks(pid);
    if tasks.is_empty() {
        return Err(format!("{whose} has ended"));
    }
    let sleepers = tasks.iter().filter_map(|task| sleeper(task).transpose());
    let sleepers = sleepers.collect::<Result<Vec<_>, _>>().map_err(|what| format!("{whose} {what}"))?;
    Ok(Asleep(sleepers))
}

fn named(process: &ProcessInfo) -> String {
    format!("process {} ({}), which it started,", process.pid, process.name)
}

/// One thread, if it is asleep; `None` for one that has ended.
fn sleeper(task: &Task) -> Result<Option<Sleeper>, String> {
    // Read first: a thread that goes to sleep anew after this is counted in the next look.
    let switches =
        switches(&String::from_utf8_lossy(&fs::read(task.path.join("status")).unwrap_or_default()));
    match task.state() {
        None | Some('Z' | 'X') => return Ok(None),
        Some('S') => {}
        Some('T' | 't') => return Err("is stopped".to_owned()),
        Some(_) => return Err("is at work".to_owned()),
    }
    let call = fs::read_to_string(task.path.join("syscall"))
        .map_err(|error| format!("does not show what it waits for: {error}"))?;
    let Some((number, arguments)) = threads::numbers(&call) else { return Err("is at work".to_owned()) };
    if !waits(number, &arguments) {
        return Err(format!("is in {}, which waits for nothing that is to come", threads::call_name(number)));
    }
    Ok(Some(Sleeper { thread: task.tid, switches }))
}

fn switches(status: &str) -> (u64, u64) {
    let count = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let count = |name| count(name).unwrap_or(0);
    (count("voluntary_ctxt_switches:"), count("nonvoluntary_ctxt_switches:"))
}

/// Whether a call waits for something to come: input, a connection, a child, a signal, another thread.
fn waits(number: i64, arguments: &[u64]) -> bool {
    const FUTEX_WAITV: i64 = 449;
    let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // With no descriptor among its arguments it is but a pause.
    #[cfg(target_arch = "x86_64")]
    if (number == libc::SYS_poll && argument(1) == 0) || (number == libc::SYS_select && argument(0) == 0) {
        return false;
    }
    if (number == libc::SYS_ppoll && argument(1) == 0 && argument(2) != 0)
        || (number == libc::SYS_pselect6 && argument(0) == 0 && argument(4) != 0)
    {
        return false;
    }
    #[cfg(target_arch = "x86_64")]
    if [libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_wait, libc::SYS_pause, libc::SYS_open]
        .contains(&number)
    {
        return true;
    }
    [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_recvmmsg,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_ppoll,
        libc::SYS_pselect6,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
        libc::SYS_futex,
        FUTEX_WAITV,
        libc::SYS_rt_sigsuspend,
        libc::SYS_rt_sigtimedwait,
        libc::SYS_wait4,
        libc::SYS_waitid,
        libc::SYS_io_uring_enter,
        libc::SYS_io_getevents,
        libc::SYS_msgrcv,
        libc::SYS_semtimedop,
        libc::SYS_mq_timedreceive,
        // Of a named pipe, until somebody opens its other end.
        libc::SYS_openat,
    ]
    .contains(&number)
}

#[cfg(test)]
mod tests {
    use super::{switches, waits};

    #[test]
    fn the_switches_of_a_thread_are_read() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(switches(status), (12, 3));
        assert_eq!(switches(""), (0, 0));
    }

    #[test]
    fn a_pause_and_a_write_are_no_waits_and_a_poll_of_nothing_is_a_pause() {
        assert!(waits(libc::SYS_read, &[0, 0x1000, 1]));
        assert!(waits(libc::SYS_ppoll, &[0x1000, 2, 0x2000]));
        // Without a time limit it waits for a signal.
        assert!(waits(libc::SYS_ppoll, &[0, 0, 0]));
        assert!(!waits(libc::SYS_ppoll, &[0, 0, 0x2000]));
        for number in [libc::SYS_nanosleep, libc::SYS_clock_nanosleep, libc::SYS_write, libc::SYS_fsync] {
            assert!(!waits(number, &[]));
        }
    }
}
