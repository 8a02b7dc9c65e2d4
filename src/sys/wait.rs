//! Waiting for children: always for those of a supervisor or the launcher, or for one child by
//! its id; never for "any child" in the test process.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What became of one child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    /// The status as `wait(2)` encodes it.
    pub(crate) raw_status: i32,
    pub(crate) usage: RawUsage,
}

/// The part of `struct rusage` that Linux fills in and that is of use here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RawUsage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) max_resident_kib: u64,
}

/// The id of a child of this process that has ended and was not waited for, without waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// This one.
    Child(i32),
    /// There are children, and all are alive.
    NoneYet,
    /// There are no children.
    NoChildren,
}

/// Looks for a child that has ended, and leaves it as it is.
pub(crate) fn peek_any() -> io::Result<Ended> {
    loop {
        // SAFETY: an all-zero siginfo_t is a valid value to be overwritten.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: `info` is live and writable.
        let done = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, flags) };
        if done != 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ECHILD) => Ok(Ended::NoChildren),
                Some(libc::EINTR) => Ok(Ended::NoneYet),
                _ => Err(error),
            };
        }
        // SAFETY: waitid filled the member for a child's end, or left it zero where none has ended.
        let pid = unsafe { info.si_pid() };
        if pid == 0 {
            return Ok(Ended::NoneYet);
        }
        if matches!(info.si_code, libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED) {
            return Ok(Ended::Child(pid));
        }
        // A child that asked to be traced (`PTRACE_TRACEME`) tells of its stops whether that was asked
        // for or not. It has not ended, and would hide those that have.
        take_stop(pid);
    }
}

/// Takes the news that a child has stopped, and no other.
fn take_stop(pid: i32) {
    let Ok(id) = libc::id_t::try_from(pid) else { return };
    // SAFETY: an all-zero siginfo_t is a valid value to be overwritten.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is live and writable.
    unsafe { libc::waitid(libc::P_PID, id, &raw mut info, libc::WSTOPPED | libc::WNOHANG) };
}

/// The id of a child of this process that has stopped, once for each stop.
pub(crate) fn next_stopped() -> Option<i32> {
    // SAFETY: an all-zero siginfo_t is a valid value to be overwritten.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is live and writable.
    let done = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, libc::WSTOPPED | libc::WNOHANG) };
    // SAFETY: waitid filled the member for a child that stopped, or left it zero.
    let pid = unsafe { info.si_pid() };
    (done == 0 && pid != 0).then_some(pid)
}

/// The status of a child that has ended, as `wait(2)` encodes it, without waiting for it.
pub(crate) fn peek_status(pid: i32) -> Option<i32> {
    let id = libc::id_t::try_from(pid).ok()?;
    // SAFETY: an all-zero siginfo_t is a valid value to be overwritten.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is live and writable.
    let done = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, flags) };
    // SAFETY: waitid filled the member for a child's end, or left it zero.
    let found = unsafe { info.si_pid() };
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    const CORE: i32 = 0x80;
    match info.si_code {
        _ if done != 0 || found == 0 => None,
        libc::CLD_EXITED => Some((status & 0xff) << 8),
        libc::CLD_DUMPED => Some(status | CORE),
        _ => Some(status),
    }
}

/// Waits for the end of one child and takes its status.
pub(crate) fn reap(pid: i32) -> io::Result<Reaped> {
    let mut raw_status = 0;
    // SAFETY: an all-zero rusage is a valid value to be overwritten.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both places are live and writable.
        let done = unsafe { libc::wait4(pid, &raw mut raw_status, 0, &raw mut usage) };
        if done == pid && (libc::WIFEXITED(raw_status) || libc::WIFSIGNALED(raw_status)) {
            break;
        }
        if done == pid {
            // A stop of a child that asked to be traced.
            continue;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(Reaped { raw_status, usage: usage_of(&usage) })
}

pub(super) fn usage_of(usage: &libc::rusage) -> RawUsage {
    RawUsage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        max_resident_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// What a raw status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Code(i32),
    Signal { number: i32, core_dumped: bool },
}

pub(crate) const fn decode(raw_status: i32) -> Status {
    if libc::WIFSIGNALED(raw_status) {
        Status::Signal { number: libc::WTERMSIG(raw_status), core_dumped: libc::WCOREDUMP(raw_status) }
    } else {
        Status::Code(libc::WEXITSTATUS(raw_status))
    }
}
