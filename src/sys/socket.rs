//! Sequenced-packet sockets: whole messages, with descriptors beside them.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr,
};

use super::fd::above_streams;

/// The most descriptors that travel with one message.
pub(crate) const MAX_FDS: usize = 8;

/// One end of a connected pair.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

/// A message as it arrived.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) len: usize,
    pub(crate) fds: Vec<OwnedFd>,
}

impl Socket {
    /// Two connected ends, close-on-exec.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = nix::sys::socket::socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        Ok((Self(above_streams(a)?), Self(above_streams(b)?)))
    }

    /// Takes `fd` where it is a local socket of this kind.
    pub(crate) fn from_fd(fd: OwnedFd) -> Option<Self> {
        use nix::sys::socket::sockopt;
        let kind = nix::sys::socket::getsockopt(&fd, sockopt::SockType).ok()?;
        matches!(kind, SockType::SeqPacket).then_some(Self(fd))
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// The process that made the other end.
    pub(crate) fn peer_pid(&self) -> io::Result<i32> {
        use nix::sys::socket::sockopt::PeerCredentials;
        Ok(nix::sys::socket::getsockopt(&self.0, PeerCredentials)?.pid())
    }

    /// Sends one message. With `wait` it waits for room, otherwise the error says `WouldBlock`.
    pub(crate) fn send(&self, bytes: &[u8], fds: &[RawFd], wait: bool) -> io::Result<()> {
        let rights = [ControlMessage::ScmRights(fds)];
        let rights: &[ControlMessage<'_>] = if fds.is_empty() { &[] } else { &rights };
        let mut flags = MsgFlags::MSG_NOSIGNAL;
        if !wait {
            flags |= MsgFlags::MSG_DONTWAIT;
        }
        loop {
            let sent = nix::sys::socket::sendmsg::<UnixAddr>(
                self.0.as_raw_fd(),
                &[IoSlice::new(bytes)],
                rights,
                flags,
                None,
            );
            match sent {
                Ok(_) => return Ok(()),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives one message into `buffer`; `None` when the other end is closed. With `wait` it
    /// waits for one, otherwise the error says `WouldBlock`.
    pub(crate) fn receive(&self, buffer: &mut [u8], wait: bool) -> io::Result<Option<Message>> {
        let mut space = nix::cmsg_space!([RawFd; MAX_FDS]);
        let mut flags = MsgFlags::MSG_CMSG_CLOEXEC;
        if !wait {
            flags |= MsgFlags::MSG_DONTWAIT;
        }
        loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let received = nix::sys::socket::recvmsg::<UnixAddr>(
                self.0.as_raw_fd(),
                &mut parts,
                Some(&mut space),
                flags,
            );
            let received = match received {
                Ok(received) => received,
                // The second says that the other end was closed with messages unread. It is said once, and
                // before what that end has sent, which is still to come.
                Err(nix::Error::EINTR | nix::Error::ECONNRESET) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut fds = Vec::new();
            for message in received.cmsgs()? {
                if let ControlMessageOwned::ScmRights(numbers) = message {
                    for number in numbers {
                        // SAFETY: the kernel made these descriptors for this message alone.
                        fds.push(unsafe { OwnedFd::from_raw_fd(number) });
                    }
                }
            }
            if received.flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a message was cut off"));
            }
            if received.bytes == 0 {
                return Ok(None);
            }
            return Ok(Some(Message { len: received.bytes, fds }));
        }
    }

    /// Receives one message into `buffer`, which grows where the message is longer, without waiting for one.
    pub(crate) fn receive_whole(&self, buffer: &mut Vec<u8>) -> io::Result<Option<Message>> {
        let flags = libc::MSG_PEEK | libc::MSG_TRUNC | libc::MSG_DONTWAIT;
        let len = loop {
            // SAFETY: no room is given, and nothing is written; the length is returned all the same.
            let len = unsafe { libc::recv(self.0.as_raw_fd(), std::ptr::null_mut(), 0, flags) };
            // As in `receive`; and what is said once is said to whoever asks first.
            if len >= 0 || !matches!(nix::Error::last(), nix::Error::EINTR | nix::Error::ECONNRESET) {
                break len;
            }
        };
        if let Ok(len) = usize::try_from(len) {
            if len > buffer.len() {
                buffer.resize(len, 0);
            }
        }
        self.receive(buffer, false)
    }

    /// Ends both directions for every process that holds this end.
    pub(crate) fn shut_down(&self) {
        let _ = nix::sys::socket::shutdown(self.0.as_raw_fd(), Shutdown::Both);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
