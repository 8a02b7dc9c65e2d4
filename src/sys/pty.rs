//! Pseudo-terminals: making one, becoming the leader of a session at it, and what its keys mean at a
//! moment.
//!
//! The end that the target uses is called the terminal here, the other, of whoever types and reads, the
//! keyboard.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::fd::{above_streams, set_nonblocking};
use super::poll::{self, Interest};

/// A pseudo-terminal.
#[derive(Debug)]
pub(crate) struct Pty {
    /// What is written to it is typed, and what the target writes is read from it. It does not block. When
    /// it is closed, the terminal hangs up.
    pub(crate) keyboard: OwnedFd,
    /// The terminal itself.
    pub(crate) terminal: OwnedFd,
}

/// Makes a pseudo-terminal with a window of so many rows and columns. It becomes nobody's controlling
/// terminal.
pub(crate) fn open(rows: u16, columns: u16) -> io::Result<Pty> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: flags only.
    let keyboard = checked(unsafe { libc::posix_openpt(flags) })?;
    // SAFETY: the kernel just made this descriptor for us.
    let keyboard = above_streams(unsafe { OwnedFd::from_raw_fd(keyboard) })?;
    // SAFETY: a live descriptor.
    checked(unsafe { libc::unlockpt(keyboard.as_raw_fd()) })?;
    // By the descriptor and not by a name: the name belongs to the place where `/dev/pts` is mounted.
    // SAFETY: the call takes numbers only.
    let terminal = checked(unsafe { libc::ioctl(keyboard.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
    // SAFETY: the kernel just made this descriptor for us.
    let terminal = above_streams(unsafe { OwnedFd::from_raw_fd(terminal) })?;
    set_nonblocking(&keyboard)?;
    resize(&terminal, rows, columns)?;
    Ok(Pty { keyboard, terminal })
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Changes the size of the window. The foreground process group is sent SIGWINCH where it differs.
pub(crate) fn resize(terminal: &OwnedFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: `size` is live and of the type that the request reads.
    checked(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) })?;
    Ok(())
}

/// Makes this process, which leads a process group in the session of its parent, the leader of a session of
/// its own, with this as its controlling terminal and its own group in the foreground. Async-signal-safe.
pub(crate) fn lead_session_at(terminal: RawFd) -> Result<(), i32> {
    // Whoever leads a process group cannot begin a session (man 2 setsid): it goes back to its parent's.
    // SAFETY: no preconditions.
    let parent = unsafe { libc::getppid() };
    // SAFETY: a number only.
    let group = unsafe { libc::getpgid(parent) };
    // SAFETY: numbers only; a group that is not in this session is refused.
    if unsafe { libc::setpgid(0, group) } != 0 {
        return Err(nix::errno::Errno::last_raw());
    }
    // SAFETY: no preconditions.
    if unsafe { libc::setsid() } < 0 {
        return Err(nix::errno::Errno::last_raw());
    }
    // SAFETY: the request takes a number; zero says not to take the terminal from another session.
    if unsafe { libc::ioctl(terminal, libc::TIOCSCTTY, 0) } != 0 {
        return Err(nix::errno::Errno::last_raw());
    }
    Ok(())
}

/// Has the terminal take in what was typed, so that the signals of its keys are sent when this returns.
///
/// The kernel hands what was typed to the terminal later, in a thread of its own; whoever asks whether the
/// terminal can be read has it do so at once, unless there is something to read already
/// (`n_tty_poll` in drivers/tty/n_tty.c).
pub(crate) fn take_in_what_was_typed(terminal: &OwnedFd) {
    let _ = poll::wait([Some((terminal.as_fd(), Interest::Read))], Some(Duration::ZERO));
}

/// What of a terminal's settings decides what its keys mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) interrupt: u8,
    pub(crate) quit: u8,
    pub(crate) suspend: u8,
    pub(crate) end_of_input: u8,
    /// The first three make signals (ISIG).
    pub(crate) make_signals: bool,
    /// Input comes in lines, and the last ends one without being part of it (ICANON).
    pub(crate) in_lines: bool,
}

/// The settings at this moment.
pub(crate) fn keys(terminal: &OwnedFd) -> io::Result<Keys> {
    // SAFETY: all-zero is a valid value to be overwritten.
    let mut settings: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: `settings` is live and writable.
    checked(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut settings) })?;
    Ok(Keys {
        interrupt: settings.c_cc[libc::VINTR],
        quit: settings.c_cc[libc::VQUIT],
        suspend: settings.c_cc[libc::VSUSP],
        end_of_input: settings.c_cc[libc::VEOF],
        make_signals: settings.c_lflag & libc::ISIG != 0,
        in_lines: settings.c_lflag & libc::ICANON != 0,
    })
}

/// The process group in the foreground, to which the signals of the keys go.
pub(crate) fn foreground_group(keyboard: &OwnedFd) -> Option<i32> {
    let mut group: libc::pid_t = 0;
    // The keyboard's side may ask whoever's terminal it is (`tiocgpgrp` in drivers/tty/tty_jobctrl.c).
    // SAFETY: the request stores one pid_t at the address given.
    let asked = unsafe { libc::ioctl(keyboard.as_raw_fd(), libc::TIOCGPGRP, &raw mut group) };
    (asked == 0 && group > 0).then_some(group)
}
