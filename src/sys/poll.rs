//! Waiting for several descriptors, to the nanosecond.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::time::TimeSpec;

use super::pidfd::PidFd;
use super::socket::Socket;

/// What to wait for on one descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read, or the end.
    Read,
    /// Room to write, or nobody there to read.
    Write,
    /// The other end is gone.
    HangUp,
}

/// Waits until one of `descriptors` is ready, or for `timeout` (without one, for as long as it
/// takes). The answer says for each whether it is ready; after a timeout none is.
pub(crate) fn wait<const N: usize>(
    descriptors: [Option<(BorrowedFd<'_>, Interest)>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polled: [Option<PollFd<'_>>; N] = descriptors.map(|descriptor| {
        descriptor.map(|(fd, interest)| {
            PollFd::new(
                fd,
                match interest {
                    Interest::Read => PollFlags::POLLIN,
                    Interest::Write => PollFlags::POLLOUT,
                    Interest::HangUp => PollFlags::empty(),
                },
            )
        })
    });
    let mut list: Vec<PollFd<'_>> = polled.iter().flatten().cloned().collect();
    let timeout = timeout.map(TimeSpec::from);
    match nix::poll::ppoll(&mut list, timeout, None) {
        Ok(_) => {}
        // A signal handler of the user's ran; the caller looks at its timers and comes again.
        Err(nix::Error::EINTR) => return Ok([false; N]),
        Err(error) => return Err(error.into()),
    }
    let mut answers = list.into_iter();
    let mut ready = [false; N];
    for (slot, polled) in ready.iter_mut().zip(&mut polled) {
        if polled.is_some() {
            *slot = answers.next().and_then(|fd| fd.any()).unwrap_or(false);
        }
    }
    Ok(ready)
}

/// A place among several processes that wait for the same requests, of whom one is woken for each.
#[derive(Debug)]
pub(crate) struct Queue(OwnedFd);

const REQUEST: u64 = 1;
const OVER: u64 = 2;

impl Queue {
    /// Waits at `requests`, until `process` has ended.
    pub(crate) fn new(requests: &Socket, process: &PidFd) -> io::Result<Self> {
        // SAFETY: the call takes a number only.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us.
        let queue = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        queue.add(requests.as_fd(), libc::EPOLLIN | libc::EPOLLEXCLUSIVE, REQUEST)?;
        queue.add(process.as_fd(), libc::EPOLLIN, OVER)?;
        Ok(queue)
    }

    fn add(&self, fd: BorrowedFd<'_>, events: libc::c_int, key: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: u32::from_ne_bytes(events.to_ne_bytes()), u64: key };
        // SAFETY: both descriptors are open, and `event` is live.
        let added = unsafe {
            libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event)
        };
        if added == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Waits; false when the process has ended. Another may still be faster to take the request.
    pub(crate) fn wait_for_turn(&self) -> bool {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 2];
        loop {
            // SAFETY: room for two events, as stated.
            let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), 2, -1) };
            let Ok(count) = usize::try_from(count) else {
                if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return false;
            };
            return events.iter().take(count).all(|event| event.u64 == REQUEST);
        }
    }
}
