//! Waiting for several descriptors, to the nanosecond.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::time::TimeSpec;

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
