//! Making processes: `fork` and `exec`; sessions, groups and the ties between a process and its
//! parent.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::RawFd;

use serde::{Deserialize, Serialize};

use super::fd::place;

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fork {
    Child,
    Parent(i32),
}

/// Forks this process. The caller has one thread, or knows that no other thread holds a lock that
/// the child needs.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: all callers are single-threaded (the launcher, its supervisors) or have checked that
    // the process is dedicated to one test; libc's own fork handlers run.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends this process at once: no exit hooks, no destructors, no flushing.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Makes this process the one to which its orphaned descendants come.
pub(crate) fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Puts this process in a session of its own; one that leads a session already stays in it.
pub(crate) fn new_session() {
    let _ = nix::unistd::setsid();
}

/// The process that created this one, or the subreaper that adopted it.
pub(crate) fn parent_id() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// The process group of a process; with zero, of this one.
pub(crate) fn group_of(pid: i32) -> Option<i32> {
    // SAFETY: a number only.
    let group = unsafe { libc::getpgid(pid) };
    (group > 0).then_some(group)
}

/// What the kernel calls this process in `/proc/PID/comm`, 15 bytes at most.
pub(crate) fn set_name(name: &std::ffi::CStr) {
    let _ = nix::sys::prctl::set_name(name);
}

/// How a target is set up before its own code runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) stdin: RawFd,
    pub(crate) stdout: RawFd,
    pub(crate) stderr: RawFd,
    pub(crate) directory: RawFd,
    pub(crate) core_dumps: bool,
    /// The streams are a terminal, which is to be its controlling one.
    pub(crate) at_terminal: bool,
}

/// The step of a start that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StartStep {
    Process,
    Terminal,
    Streams,
    Directory,
    Exec,
    Follow,
}

/// Why a target could not be started: the step and its errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartError {
    pub(crate) step: StartStep,
    pub(crate) errno: i32,
}

/// Gives this process a group of its own, and has the kernel kill it when its parent, which must be
/// the process `parent` and have one thread, ends.
pub(crate) fn tie_to(parent: i32) -> io::Result<()> {
    let _ = nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::Pid::from_raw(0));
    die_with_parent();
    if parent_id() == parent {
        Ok(())
    } else {
        // It ended before the tie was made.
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Session, streams, directory, core limit, and last the empty mask.
pub(crate) fn set_up_target(setup: &Setup) -> Result<(), StartError> {
    let failed = |step, errno| Err(StartError { step, errno });
    if setup.at_terminal {
        if let Err(errno) = super::pty::lead_session_at(setup.stdin) {
            return failed(StartStep::Terminal, errno);
        }
    }
    for (fd, number) in [(setup.stdin, 0), (setup.stdout, 1), (setup.stderr, 2)] {
        if let Err(errno) = place(fd, number) {
            return failed(StartStep::Streams, errno);
        }
    }
    // SAFETY: a number only.
    if unsafe { libc::fchdir(setup.directory) } != 0 {
        return failed(StartStep::Directory, nix::errno::Errno::last_raw());
    }
    if setup.core_dumps {
        raise_core_limit();
    }
    super::signals::unblock_all();
    Ok(())
}

/// Forbids core dumps for this process and those it starts, as far as the soft limit goes.
///
/// A limit of one byte is too small for any file, and unlike zero it is heeded where the kernel hands
/// the dump to a program (`fs/coredump.c`, man 5 core: "Piping core dumps to a program").
pub(crate) fn lower_core_limit() {
    change_core_limit(|limit| limit.rlim_cur = limit.rlim_max.min(1));
}

fn raise_core_limit() {
    change_core_limit(|limit| limit.rlim_cur = limit.rlim_max);
}

fn change_core_limit(change: impl FnOnce(&mut libc::rlimit)) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is live and writable.
    if unsafe { libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit) } == 0 {
        change(&mut limit);
        // SAFETY: `limit` is live and was filled above.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) };
    }
}

/// A program, its arguments and its environment, in the form that `execve` takes.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) path: CString,
    pub(crate) arguments: Vec<CString>,
    /// `NAME=value` of every variable, each ended by a NUL.
    pub(crate) environment: &'a [u8],
    pub(crate) one_more_variable: Option<CString>,
}

/// Becomes the program. Returns only where that fails.
pub(crate) fn exec(image: &Image<'_>) -> StartError {
    let arguments: Vec<*const c_char> =
        image.arguments.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    let environment = super::env::pointers(image.environment, image.one_more_variable.as_deref());
    // SAFETY: path, arguments and environment are NUL-terminated, the lists null-terminated.
    unsafe { libc::execve(image.path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    StartError { step: StartStep::Exec, errno: nix::errno::Errno::last_raw() }
}

/// Starts a program in a child of this process, which has one thread and every signal blocked, and is
/// the process `this`. Returns when the program has been executed, with its id; where that failed, with
/// the reason, and the id of a child that is to be waited for.
///
/// The child shares this process's memory until then, and this process waits for it (`vfork`): nothing is
/// copied, whatever its size.
pub(crate) fn start_program(
    setup: &Setup,
    image: &Image<'_>,
    this: i32,
) -> Result<i32, (StartError, Option<i32>)> {
    let arguments: Vec<*const c_char> =
        image.arguments.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    let environment = super::env::pointers(image.environment, image.one_more_variable.as_deref());
    let mut start = ProgramStart {
        setup,
        path: image.path.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        this,
        error: None,
    };
    // Zeroed pages that are not touched before the child does.
    let mut stack = Vec::<u128>::with_capacity(CHILD_STACK / size_of::<u128>());
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs `become_program` on a stack of its own, which is aligned and lives until it
    // has left this memory, for which this thread, the only one, waits (CLONE_VFORK).
    let pid = unsafe { libc::clone(become_program, top.cast(), flags, (&raw mut start).cast()) };
    if pid < 0 {
        return Err((StartError { step: StartStep::Process, errno: nix::errno::Errno::last_raw() }, None));
    }
    match start.error {
        None => Ok(pid),
        Some(error) => Err((error, Some(pid))),
    }
}

/// More than the few calls of `become_program` take.
const CHILD_STACK: usize = 64 * 1024;

/// What the child of a `start_program` needs, all made before it.
struct ProgramStart<'a> {
    setup: &'a Setup,
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    this: i32,
    error: Option<StartError>,
}

/// What a child does that shares its parent's memory: calls that touch nothing but `start`.
extern "C" fn become_program(start: *mut c_void) -> c_int {
    // SAFETY: `start_program` passes its own, which lives on while it waits and which it does not touch.
    let start = unsafe { &mut *start.cast::<ProgramStart<'_>>() };
    let error = if tie_to(start.this).is_err() {
        StartError { step: StartStep::Process, errno: libc::ESRCH }
    } else if let Err(error) = set_up_target(start.setup) {
        error
    } else {
        // SAFETY: path, arguments and environment are NUL-terminated, the lists null-terminated.
        unsafe { libc::execve(start.path, start.arguments, start.environment) };
        StartError { step: StartStep::Exec, errno: nix::errno::Errno::last_raw() }
    };
    start.error = Some(error);
    exit_now(127)
}

/// Sends SIGKILL to a child of this process that was not waited for.
pub(crate) fn kill_child(pid: i32) {
    // SAFETY: numbers only; the id cannot belong to another process before the child is waited for.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Sends a signal to the process group of a child of this process that was not waited for; the error is
/// an errno, `EPERM` where the child has joined the group of this process, and `ESRCH` where it has ended.
pub(crate) fn signal_group_of_child(pid: i32, number: i32) -> Result<(), i32> {
    let ended = super::pidfd::PidFd::open(pid).is_ok_and(|child| child.has_ended());
    let group = group_of(pid);
    let Some(group) = group.filter(|group| *group > 1 && !ended) else { return Err(libc::ESRCH) };
    if Some(group) == group_of(0) {
        return Err(libc::EPERM);
    }
    // SAFETY: numbers only; the group has a member that was not waited for, so that its id is its own.
    if unsafe { libc::kill(-group, number) } == 0 { Ok(()) } else { Err(nix::errno::Errno::last_raw()) }
}

/// Lets a child of this process that was not waited for go on, if it has stopped.
pub(crate) fn continue_child(pid: i32) {
    // SAFETY: numbers only; the id cannot belong to another process before the child is waited for.
    unsafe { libc::kill(pid, libc::SIGCONT) };
}

/// Has the kernel kill this process when the thread that started it ends.
pub(crate) fn die_with_parent() {
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
}
