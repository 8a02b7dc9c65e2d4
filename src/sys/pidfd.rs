//! Process descriptors: a handle on one process that no other can ever take over.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::clock::Moment;

/// A handle on a process. Readable when it has ended.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// A handle on the process that has this id now.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: the call takes numbers only.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let Ok(fd) = RawFd::try_from(fd) else {
            return Err(io::Error::other("pidfd_open gave no descriptor"));
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us; it is close-on-exec.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(super::fd::above_streams(fd)?))
    }

    pub(crate) const fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Whether the process has ended, waited for or not.
    pub(crate) fn has_ended(&self) -> bool {
        let ready =
            super::poll::wait([Some((self.0.as_fd(), super::poll::Interest::Read))], Some(Duration::ZERO));
        matches!(ready, Ok([true]))
    }

    /// Waits for the end of the process, but no longer than this; whether it has come.
    pub(crate) fn ends_within(&self, patience: Duration) -> bool {
        let deadline = Moment::now().plus(patience);
        loop {
            let rest = deadline.since(Moment::now());
            match super::poll::wait([Some((self.0.as_fd(), super::poll::Interest::Read))], Some(rest)) {
                Ok([false]) if !rest.is_zero() => {}
                ended => return matches!(ended, Ok([true])),
            }
        }
    }

    /// Sends a signal to this process and to no other: one that has ended and was waited for
    /// gives `ESRCH`.
    pub(crate) fn signal(&self, number: i32) -> io::Result<()> {
        // SAFETY: no siginfo is passed; the rest are numbers.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                number,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl PidFd {
    /// Queues a signal with a value, as `sigqueue` does (man 3 sigqueue).
    pub(crate) fn queue(&self, number: i32, value: i32) -> io::Result<()> {
        /// The kernel's `siginfo_t` of a queued signal, on machines of 64 bits.
        #[repr(C)]
        struct Queued {
            signal: i32,
            errno: i32,
            code: i32,
            padding: i32,
            pid: i32,
            uid: u32,
            /// The first member of a union with a pointer.
            value: i32,
            rest: [u8; 100],
        }
        const { assert!(size_of::<Queued>() == size_of::<libc::siginfo_t>()) };
        // SAFETY: no preconditions, and it cannot fail.
        let uid = unsafe { libc::getuid() };
        let queued = Queued {
            signal: number,
            errno: 0,
            code: libc::SI_QUEUE,
            padding: 0,
            pid: super::raw::process_id(),
            uid,
            value,
            rest: [0; 100],
        };
        // SAFETY: `queued` is live and laid out as the call reads it; the rest are numbers.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), number, &raw const queued, 0)
        };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Sends a signal to every process of the group that this process leads or led. A kernel before 6.9 knows
    /// no such call and refuses it as invalid.
    pub(crate) fn signal_group(&self, number: i32) -> io::Result<()> {
        const TO_THE_GROUP: libc::c_uint = 1 << 2;
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: no siginfo is passed; the rest are numbers.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), number, none, TO_THE_GROUP)
        };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
