//! Making processes: `fork` for functions, `clone(CLONE_VM | CLONE_VFORK)` and `exec` for
//! programs; sessions, groups and the ties between a process and its parent.

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
    pub(crate) directory: Option<RawFd>,
    pub(crate) core_dumps: bool,
    pub(crate) supervisor: i32,
}

/// The step of a start that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StartStep {
    Process,
    Streams,
    Directory,
    Exec,
}

/// Why a target could not be started: the step and its errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartError {
    pub(crate) step: StartStep,
    pub(crate) errno: i32,
}

/// Runs in the new process, between its creation and its own code: own process group, bound to the
/// supervisor's life, streams, directory, core limit, and last the empty mask. Async-signal-safe.
pub(crate) fn set_up_target(setup: &Setup) -> Result<(), StartError> {
    let failed = |step, errno| Err(StartError { step, errno });
    // SAFETY: numbers only.
    unsafe { libc::setpgid(0, 0) };
    #[cfg(target_os = "linux")]
    {
        // SAFETY: numbers only.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        // SAFETY: no preconditions.
        if unsafe { libc::getppid() } != setup.supervisor {
            // The supervisor died before the tie was made.
            exit_now(1);
        }
    }
    for (fd, number) in [(setup.stdin, 0), (setup.stdout, 1), (setup.stderr, 2)] {
        if let Err(errno) = place(fd, number) {
            return failed(StartStep::Streams, errno);
        }
    }
    if let Some(directory) = setup.directory {
        // SAFETY: a number only.
        if unsafe { libc::fchdir(directory) } != 0 {
            return failed(StartStep::Directory, nix::errno::Errno::last_raw());
        }
    }
    if setup.core_dumps {
        raise_core_limit();
    }
    super::signals::unblock_all();
    Ok(())
}

/// Forbids core files for this process and those it starts, as far as the soft limit goes.
pub(crate) fn lower_core_limit() {
    change_core_limit(|limit| limit.rlim_cur = 0);
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
pub(crate) struct Image {
    pub(crate) path: CString,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
}

struct Job<'a> {
    setup: &'a Setup,
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    failure: Option<StartError>,
}

const STACK: usize = 64 * 1024;

/// Starts a program and returns its process id once `exec` succeeded.
///
/// The child shares this process's memory until then, so that nothing is copied and its failure
/// can be read where it left it; the caller is suspended meanwhile (`CLONE_VFORK`).
pub(crate) fn start_program(image: &Image, setup: &Setup) -> Result<i32, StartError> {
    let pointers = |list: &[CString]| -> Vec<*const c_char> {
        list.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(&image.arguments), pointers(&image.environment));
    let mut job = Job {
        setup,
        path: image.path.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        failure: None,
    };
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let top = stack.as_mut_ptr_range().end.cast::<c_void>();
    // SAFETY: the child runs `start_child` on a stack of its own while this process, which has one
    // thread, waits for it to exec or exit; the job and all it points to outlive the call.
    let pid = unsafe {
        libc::clone(
            start_child,
            top,
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw mut job).cast::<c_void>(),
        )
    };
    if pid < 0 {
        return Err(StartError { step: StartStep::Process, errno: nix::errno::Errno::last_raw() });
    }
    match job.failure {
        None => Ok(pid),
        Some(failure) => {
            let _ = super::wait::reap(pid);
            Err(failure)
        }
    }
}

extern "C" fn start_child(job: *mut c_void) -> c_int {
    // SAFETY: `start_program` passed its live Job and is suspended, so that this is the only
    // reference to it.
    let job = unsafe { &mut *job.cast::<Job<'_>>() };
    if let Err(failure) = set_up_target(job.setup) {
        job.failure = Some(failure);
        exit_now(127);
    }
    // SAFETY: path, arguments and environment are NUL-terminated, the lists null-terminated.
    unsafe { libc::execve(job.path, job.arguments, job.environment) };
    job.failure = Some(StartError { step: StartStep::Exec, errno: nix::errno::Errno::last_raw() });
    exit_now(127)
}

/// Sends SIGKILL to a child of this process that was not waited for.
pub(crate) fn kill_child(pid: i32) {
    // SAFETY: numbers only; the id cannot belong to another process before the child is waited for.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Has the kernel kill this process when the thread that started it ends.
pub(crate) fn die_with_parent() {
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
}
