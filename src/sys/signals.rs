//! Masks and dispositions. The test process's own are never changed, but for SIGPIPE held back in
//! one thread while it writes to a target's stdin.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Blocks every signal in this thread. For the launcher and its supervisors, which have one.
pub(crate) fn block_all() {
    // It fails only for an unknown `how`.
    let _ = nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
}

/// Gives every signal its default action, but for SIGKILL and SIGSTOP, which have no other.
pub(crate) fn reset_dispositions() {
    for number in 1..=libc::SIGRTMAX() {
        set_disposition(number, libc::SIG_DFL);
    }
    #[cfg(target_os = "linux")]
    for number in LAST_STANDARD + 1..libc::SIGRTMIN() {
        stop_ignoring_unseen(number);
    }
}

#[cfg(target_os = "linux")]
const LAST_STANDARD: libc::c_int = 31;

/// Stops ignoring a signal that the C library keeps for itself and does not let a program change.
/// glibc's `posix_spawn` leaves them ignored in the new process, where the old one had used them;
/// whether a target could be killed by them would depend on who started the tests. A handler stays:
/// it is the C library's own.
#[cfg(target_os = "linux")]
fn stop_ignoring_unseen(number: libc::c_int) {
    /// The kernel's `sigaction`, whose first word is the handler, and more than enough room for it.
    type Action = [libc::sighandler_t; 8];
    const MASK_BYTES: usize = 8;
    let mut now: Action = [0; 8];
    // SAFETY: `now` is live and longer than what the kernel writes; nothing is changed.
    let asked = unsafe {
        libc::syscall(libc::SYS_rt_sigaction, number, std::ptr::null::<Action>(), &raw mut now, MASK_BYTES)
    };
    if asked == 0 && now[0] == libc::SIG_IGN {
        let default: Action = [libc::SIG_DFL; 8];
        // SAFETY: `default` is live; all-zero it is SIG_DFL, without flags and with an empty mask.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                &raw const default,
                std::ptr::null_mut::<Action>(),
                MASK_BYTES,
            )
        };
    }
}

/// Ignores SIGPIPE, as Rust's runtime does before `main`.
pub(crate) fn ignore_sigpipe() {
    set_disposition(libc::SIGPIPE, libc::SIG_IGN);
}

/// Gives SIGPIPE its default action back, for a program.
pub(crate) fn stop_ignoring_sigpipe() {
    set_disposition(libc::SIGPIPE, libc::SIG_DFL);
}

fn set_disposition(number: libc::c_int, action: libc::sighandler_t) {
    // SAFETY: SIG_DFL and SIG_IGN run no code of this process.
    unsafe { libc::signal(number, action) };
}

/// Unblocks every signal. Async-signal-safe.
pub(crate) fn unblock_all() {
    // SAFETY: an all-zero sigset_t is a valid, empty set on every libc this builds on.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is a live sigset_t.
    unsafe { libc::sigemptyset(&raw mut none) };
    // SAFETY: `none` is initialised, and the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
}

/// A descriptor that is readable while SIGCHLD is pending. SIGCHLD must be blocked.
#[derive(Debug)]
pub(crate) struct ChildSignal(OwnedFd);

impl ChildSignal {
    pub(crate) fn new() -> io::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        let set: &libc::sigset_t = set.as_ref();
        // SAFETY: `set` is an initialised set; -1 asks for a new descriptor.
        let fd = unsafe { libc::signalfd(-1, set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes what is pending, so that the descriptor is readable only for what comes later.
    pub(crate) fn drain(&self) {
        let mut buffer = [0_u8; 128];
        // SAFETY: the buffer is live and as long as stated; the descriptor does not block.
        unsafe { libc::read(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    }
}

impl AsFd for ChildSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Holds SIGPIPE back in this thread, and takes the one that was caused meanwhile.
#[derive(Debug)]
pub(crate) struct HoldSigpipe {
    before: SigSet,
    pending_before: bool,
}

impl HoldSigpipe {
    pub(crate) fn new() -> Self {
        let mut before = SigSet::empty();
        let _ =
            nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&Self::set()), Some(&mut before));
        Self { before, pending_before: Self::pending() }
    }

    fn set() -> SigSet {
        let mut set = SigSet::empty();
        set.add(Signal::SIGPIPE);
        set
    }

    fn pending() -> bool {
        // SAFETY: an all-zero sigset_t is a valid, empty set.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` is a live sigset_t to write to.
        unsafe { libc::sigpending(&raw mut set) };
        // SAFETY: `set` was filled by the call above.
        unsafe { libc::sigismember(&raw const set, libc::SIGPIPE) == 1 }
    }
}

impl Drop for HoldSigpipe {
    fn drop(&mut self) {
        if !self.pending_before && Self::pending() {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let set = Self::set();
            let set: &libc::sigset_t = set.as_ref();
            // SAFETY: set and time are live; no information is asked for. The signal is pending for
            // this thread, so that the call takes it and returns at once.
            unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), &raw const now) };
        }
        let _ = nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

/// Whether this process ignores the signal.
pub(crate) fn is_ignored(number: i32) -> bool {
    // SAFETY: an all-zero sigaction is a place to be filled.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is changed; `action` is live.
    let found = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) };
    found == 0 && action.sa_sigaction == libc::SIG_IGN
}
