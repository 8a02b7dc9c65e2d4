//! Pipes, directories as descriptors, and what becomes of standard streams.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag};
use nix::sys::stat::Mode;

/// A pipe, close-on-exec at both ends: (reader, writer).
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((above_streams(reader)?, above_streams(writer)?))
}

/// The same with a number above those of the standard streams, which a new descriptor gets where a
/// process has closed them: what is printed would go there, and a fork replaces them.
pub(crate) fn above_streams(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    // std's copies are close-on-exec and above the standard streams.
    fd.try_clone()
}

/// Makes reads and writes on `fd` return instead of waiting.
pub(crate) fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    nix::fcntl::fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Opens a directory to change into it later, also where it has been removed (`"."`).
pub(crate) fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_PATH;
    above_streams(nix::fcntl::open(path, flags, Mode::empty())?)
}

/// Opens a file for reading, and nothing that is not one: a pipe in its place would be waited for.
pub(crate) fn open_file(path: &Path) -> io::Result<std::fs::File> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = std::fs::File::from(nix::fcntl::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// `/dev/null`, for reading and writing.
pub(crate) fn open_null() -> io::Result<OwnedFd> {
    above_streams(nix::fcntl::open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// What one read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// So many bytes.
    Bytes(usize),
    /// Nothing at the moment.
    Empty,
    /// The end: nobody holds the other end any more.
    End,
}

/// Reads what is there without waiting. `fd` is non-blocking.
pub(crate) fn read_chunk(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Chunk> {
    loop {
        match nix::unistd::read(fd, buffer) {
            // The keyboard's side of a terminal that nobody has open any more gives an error instead.
            Ok(0) | Err(nix::Error::EIO) => return Ok(Chunk::End),
            Ok(n) => return Ok(Chunk::Bytes(n)),
            Err(nix::Error::EAGAIN) => return Ok(Chunk::Empty),
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Creates an anonymous file in memory that can be passed to another process.
pub(crate) fn memory_file(name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the name is NUL-terminated.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor for us.
    above_streams(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes over a descriptor that was passed by number from the process that started this one.
pub(crate) fn take_inherited(fd: RawFd) -> Option<OwnedFd> {
    if fd < 0 {
        return None;
    }
    // SAFETY: a query on a number; it fails where nothing is open there.
    let open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
    if !open {
        return None;
    }
    // SAFETY: it is open, and nothing else in this process, which has not reached `main`, knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes over the memory file of this name that was passed by number; `None` where the number stands
/// for anything else.
pub(crate) fn take_memory_file(fd: RawFd, name: &CStr) -> Option<OwnedFd> {
    let target = std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    let wanted = format!("/memfd:{} (deleted)", name.to_string_lossy());
    if fd > 2 && target.as_os_str() == wanted.as_str() { take_inherited(fd) } else { None }
}

/// A duplicate that survives `exec`, with a number of at least `lowest`.
pub(crate) fn inheritable_copy(fd: RawFd, lowest: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: numbers only; what is not open is refused.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD, lowest) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Makes `fd` what `number` refers to in this process, across `exec` too. Async-signal-safe.
pub(crate) fn place(fd: RawFd, number: RawFd) -> Result<(), i32> {
    loop {
        // SAFETY: dup2 takes numbers; both belong to this process.
        if unsafe { libc::dup2(fd, number) } >= 0 {
            return Ok(());
        }
        let error = nix::errno::Errno::last_raw();
        if error != libc::EINTR && error != libc::EBUSY {
            return Err(error);
        }
    }
}

/// Closes every descriptor from `first` on. Async-signal-safe.
///
/// Whoever calls this owns the process: nothing that runs in it afterwards may use an `OwnedFd`
/// made before.
pub(crate) fn close_from(first: RawFd) {
    // SAFETY: the call takes numbers only.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if done == 0 {
        return;
    }
    // A kernel before 5.9, or a sandbox that refuses the call.
    // SAFETY: sysconf takes a number.
    let limit = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
    for fd in first..RawFd::try_from(limit).unwrap_or(65_536).clamp(1024, 1_048_576) {
        // SAFETY: closing a number that is not open fails without effect.
        unsafe { libc::close(fd) };
    }
}

/// Closes those of `fds` that are above 2, in a forked child whose parent owns them.
pub(crate) fn close_all(fds: &[RawFd]) {
    for fd in fds.iter().filter(|fd| **fd > 2) {
        // SAFETY: the copies in this child belong to nobody: their owners live in the parent, and
        // the child leaves without dropping what it inherited.
        unsafe { libc::close(*fd) };
    }
}

/// Closes every descriptor from 3 on except those given.
pub(crate) fn close_all_except(keep: &mut [RawFd]) {
    keep.sort_unstable();
    let mut first: RawFd = 3;
    for fd in keep.iter().copied().filter(|fd| *fd >= 3) {
        if fd > first {
            // SAFETY: the call takes numbers only.
            unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
        }
        first = fd + 1;
    }
    close_from(first);
}

/// How many bytes can be read from `fd` at once.
pub(crate) fn readable_bytes(fd: &OwnedFd) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD stores one int at the address given.
    unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) };
    usize::try_from(count).unwrap_or(0)
}

/// Writes what fits without waiting: `Ok(None)` where nothing fits, an error of kind `BrokenPipe`
/// where the reader is gone. The process gets no SIGPIPE, whatever its disposition is.
pub(crate) fn write_some(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<Option<usize>> {
    let _quiet = super::signals::HoldSigpipe::new();
    loop {
        match nix::unistd::write(fd, bytes) {
            Ok(n) => return Ok(Some(n)),
            Err(nix::Error::EAGAIN) => return Ok(None),
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A close-on-exec duplicate of descriptor 1.
pub(crate) fn duplicate_stdout() -> io::Result<OwnedFd> {
    io::stdout().as_fd().try_clone_to_owned()
}

/// Makes `fd` this process's stdout.
pub(crate) fn make_stdout(fd: &OwnedFd) -> io::Result<()> {
    place(fd.as_raw_fd(), 1).map_err(io::Error::from_raw_os_error)
}
