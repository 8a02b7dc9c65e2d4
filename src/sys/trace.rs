//! Following the processes of a tree: `ptrace` as a supervisor uses it, which is told of every fork, end and
//! signal, and lets everything go on as it would have.

use std::io;

use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::wait::{RawUsage, usage_of};

/// What a traced thread, or a process that is waited for, has to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News {
    pub(crate) tid: i32,
    pub(crate) what: Happened,
}

/// What happened to it. Of a stop, it stays stopped until it is let go on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happened {
    /// It ended, and its status was taken.
    Ended { raw_status: i32, usage: RawUsage },
    /// It made a process or a thread.
    Made { tid: i32 },
    /// It executed a program; the thread that did so had this id, which is gone.
    Executed { by: i32 },
    /// A signal is about to be delivered to it.
    Signalled { number: i32, from: Option<i32> },
    /// A stop signal stopped it, together with its whole process.
    Halted,
    /// It stopped for no reason but that it is traced.
    Noted,
}

/// Follows the process `pid` and all that come from it, without stopping it. They die with this process.
pub(crate) fn seize(pid: i32) -> io::Result<()> {
    let options = Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    Ok(ptrace::seize(Pid::from_raw(pid), options)?)
}

/// The next news, if there is any.
pub(crate) fn next() -> Option<News> {
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid value to be overwritten.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let flags = libc::WNOHANG | libc::__WALL;
    // SAFETY: both places are live and writable.
    let tid = unsafe { libc::wait4(-1, &raw mut status, flags, &raw mut usage) };
    if tid <= 0 {
        return None;
    }
    let what = if libc::WIFSTOPPED(status) {
        stop(tid, status)
    } else {
        Happened::Ended { raw_status: status, usage: usage_of(&usage) }
    };
    Some(News { tid, what })
}

/// A stop that has to do with tracing and stopping alone (linux/ptrace.h).
const EVENT_STOP: i32 = 128;

fn stop(tid: i32, status: i32) -> Happened {
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            event(tid).map_or(Happened::Noted, |tid| Happened::Made { tid })
        }
        libc::PTRACE_EVENT_EXEC => Happened::Executed { by: event(tid).unwrap_or(tid) },
        EVENT_STOP if matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => {
            Happened::Halted
        }
        0 => Happened::Signalled { number: signal, from: sender(tid) },
        _ => Happened::Noted,
    }
}

/// The thread that the event is about for which this one stopped.
fn event(tid: i32) -> Option<i32> {
    ptrace::getevent(Pid::from_raw(tid)).ok().and_then(|about| i32::try_from(about).ok())
}

/// Which process sent the signal for which the thread stopped; `None` where it was the kernel.
fn sender(tid: i32) -> Option<i32> {
    let info = ptrace::getsiginfo(Pid::from_raw(tid)).ok()?;
    let sent = matches!(info.si_code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL);
    // SAFETY: for these codes the kernel has filled in the sender (man 2 sigaction).
    sent.then(|| unsafe { info.si_pid() })
}

/// Lets a thread go on after a stop, with the signal that it stopped for, if that was one.
pub(crate) fn go_on(tid: i32, what: Happened) {
    let (request, signal) = match what {
        Happened::Ended { .. } => return,
        // It stays stopped, as it would be, and tells when SIGCONT comes.
        Happened::Halted => (libc::PTRACE_LISTEN, 0),
        Happened::Signalled { number, .. } => (libc::PTRACE_CONT, number),
        Happened::Made { .. } | Happened::Executed { .. } | Happened::Noted => (libc::PTRACE_CONT, 0),
    };
    // SAFETY: no memory is passed. A thread that was killed meanwhile is not there, which its end will tell.
    unsafe { libc::ptrace(request, tid, 0_usize, usize::try_from(signal).unwrap_or(0)) };
}
