//! A bell that one process rings and any number of others hear, each once for each time it was rung: an
//! eventfd that nobody reads, watched edge-triggered.
//!
//! Level-triggered, as everything else here is watched, somebody would have to take the news away, and
//! with it those of the others.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The bell itself, for those who ring it.
#[derive(Debug)]
pub(crate) struct Doorbell(OwnedFd);

impl Doorbell {
    pub(crate) fn create() -> io::Result<Self> {
        // SAFETY: the call takes numbers only.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us.
        Ok(Self(super::fd::above_streams(unsafe { OwnedFd::from_raw_fd(fd) })?))
    }

    pub(crate) const fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Rings. It fails where it was rung 2^64 times only.
    pub(crate) fn ring(&self) {
        let _ = nix::unistd::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One listener: readable from when the bell is rung until [`heard`](Self::heard).
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl Listener {
    pub(crate) fn new(bell: &Doorbell) -> io::Result<Self> {
        // SAFETY: the call takes a number only.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut event = libc::epoll_event { events: EDGES, u64: 0 };
        let bell = bell.0.as_raw_fd();
        // SAFETY: both descriptors are open, and `event` is live.
        let added = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, bell, &raw mut event) };
        if added != 0 {
            return Err(io::Error::last_os_error());
        }
        let listener = Self(epoll);
        // What was rung before is not for this one.
        listener.heard();
        Ok(listener)
    }

    /// Takes the news away, from this listener only.
    pub(crate) fn heard(&self) {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: room for one event, as stated; no waiting.
        unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, 0) };
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

const EDGES: u32 = u32::from_ne_bytes((libc::EPOLLIN | libc::EPOLLET).to_ne_bytes());

#[cfg(test)]
mod tests {
    use super::{Doorbell, Listener};
    use crate::sys::poll::{self, Interest};
    use std::os::fd::AsFd;
    use std::time::Duration;

    fn rings(listener: &Listener) -> bool {
        let ready = poll::wait([Some((listener.as_fd(), Interest::Read))], Some(Duration::ZERO));
        ready.expect("it can be watched") == [true]
    }

    #[test]
    fn each_listener_hears_each_ring_once() {
        let bell = Doorbell::create().expect("an eventfd");
        bell.ring();
        let listeners = [(); 2].map(|()| Listener::new(&bell).expect("an epoll"));
        assert!(listeners.iter().all(|listener| !rings(listener)), "that was before");
        for _ in 0..2 {
            bell.ring();
            assert!(listeners.iter().all(rings));
            listeners[0].heard();
            assert!(!rings(&listeners[0]) && rings(&listeners[1]));
            listeners[1].heard();
        }
    }
}
