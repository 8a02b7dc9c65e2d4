//! What the target is given to read, on its stdin and at its terminal, and the window of that.

use std::os::fd::AsFd;

use crate::delivery::{Delivery, Key, KeyMeaning};
use crate::sys::pty::{self, Keys};
use crate::sys::{fd, fork};

use super::deliver::Attempt;
use super::{Observation, Progress};

impl Observation<'_> {
    /// Whether there is something to write to the target's stdin, or it is to be closed.
    pub(super) fn wants_to_feed(&self) -> bool {
        let given = self.orders.stdin.map_or(0, <[u8]>::len);
        let writing = match self.progress {
            Progress::Delivering(index) => {
                !self.target_gone && self.orders.steps[index].action.is_about_stdin()
            }
            _ => false,
        };
        self.stdin_written < given || !self.orders.scripted_stdin || writing
    }

    /// Writes what the target is given from the start, as far as there is room; tells whether that is all.
    pub(super) fn feed_stdin(&mut self) -> bool {
        let bytes = self.orders.stdin.unwrap_or_default();
        let Some(pipe) = &self.live.stdin else { return true };
        let rest = &bytes[self.stdin_written..];
        if !rest.is_empty() {
            match fd::write_some(pipe.as_fd(), rest) {
                Ok(count) => self.stdin_written += count.unwrap_or(0),
                // Nobody reads any more, as when a program ends without reading its input.
                Err(_) => self.stdin_written = bytes.len(),
            }
        }
        let all = self.stdin_written == bytes.len();
        if all && !self.orders.scripted_stdin {
            self.live.stdin = None;
        }
        all
    }

    /// Writes a text to the target's stdin, going on where the last attempt ended. The last that the script
    /// writes is followed by the end.
    pub(super) fn write_to_stdin(&mut self, text: &[u8]) -> Attempt {
        if !self.feed_stdin() {
            return Attempt::Unfinished;
        }
        let Some(pipe) = &self.live.stdin else { return self.nobody_reads() };
        match fd::write_some(pipe.as_fd(), &text[self.written..]) {
            Ok(count) => self.written += count.unwrap_or(0),
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => return self.nobody_reads(),
            Err(error) => return Attempt::Refused(error.raw_os_error().unwrap_or(0)),
        }
        if self.written < text.len() {
            return Attempt::Unfinished;
        }
        let Progress::Delivering(index) = self.progress else { return Attempt::Unfinished };
        if !self.orders.steps[index + 1..].iter().any(|step| step.action.is_about_stdin()) {
            self.live.stdin = None;
        }
        Attempt::Done(Delivery::Written { text: String::from_utf8_lossy(text).into_owned() })
    }

    /// What is to be written is not read any more. Where the target may end early, it may be about to.
    fn nobody_reads(&mut self) -> Attempt {
        if !self.orders.allow_early_end {
            return Attempt::Refused(libc::EPIPE);
        }
        self.refused = Some(libc::EPIPE);
        self.live.stdin = None;
        Attempt::Unfinished
    }

    /// Types a key: the character that the terminal takes for it now.
    pub(super) fn press(&mut self, key: Key) -> Attempt {
        let Some(Ok(keys)) = self.terminal.as_ref().map(pty::keys) else {
            return Attempt::Refused(libc::ENOTTY);
        };
        let meaning = self.meaning(key, keys);
        let typed = character(key, keys).unwrap_or_else(|| made(key));
        self.enter(&[typed], || Delivery::Key { key, meaning })
    }

    /// Types a text.
    pub(super) fn type_text(&mut self, text: &[u8]) -> Attempt {
        self.enter(text, || Delivery::Text { text: String::from_utf8_lossy(text).into_owned() })
    }

    /// Changes the size of the terminal's window.
    pub(super) fn resize(&self, rows: u16, columns: u16) -> Attempt {
        let Some(terminal) = &self.terminal else { return Attempt::Refused(libc::ENOTTY) };
        match pty::resize(terminal, rows, columns) {
            Ok(()) => Attempt::Done(Delivery::Resized { rows, columns }),
            Err(error) => Attempt::Refused(error.raw_os_error().unwrap_or(0)),
        }
    }

    /// What the terminal makes of a key.
    fn meaning(&self, key: Key, keys: Keys) -> KeyMeaning {
        match key.signal() {
            _ if character(key, keys).is_none() => KeyMeaning::Character,
            Some(signal) if keys.make_signals => {
                let group = self.stdout.fd.as_ref().and_then(pty::foreground_group);
                let targets = self.start.and_then(|(_, pid)| fork::group_of(pid));
                if group.is_some() && group == targets {
                    KeyMeaning::Signal { signal, disposition: self.disposition(signal) }
                } else {
                    KeyMeaning::SignalToOthers { signal, group }
                }
            }
            None if keys.in_lines => KeyMeaning::EndOfInput,
            _ => KeyMeaning::Character,
        }
    }

    /// Types `bytes`, as far as there is room, going on where the last attempt ended.
    fn enter(&mut self, bytes: &[u8], done: impl FnOnce() -> Delivery) -> Attempt {
        let (Some(keyboard), Some(terminal)) = (&self.stdout.fd, &self.terminal) else {
            return Attempt::Refused(libc::ENOTTY);
        };
        match fd::write_some(keyboard.as_fd(), &bytes[self.written..]) {
            Ok(count) => self.written += count.unwrap_or(0),
            Err(error) => return Attempt::Refused(error.raw_os_error().unwrap_or(0)),
        }
        if self.written < bytes.len() {
            return Attempt::Unfinished;
        }
        pty::take_in_what_was_typed(terminal);
        Attempt::Done(done())
    }
}

/// The character that the terminal takes for the key; `None` where it has no such key.
const fn character(key: Key, keys: Keys) -> Option<u8> {
    /// `_POSIX_VDISABLE`: no character at all.
    const DISABLED: u8 = 0;
    let set = match key {
        Key::Interrupt => keys.interrupt,
        Key::Quit => keys.quit,
        Key::Suspend => keys.suspend,
        Key::EndOfInput => keys.end_of_input,
    };
    if set == DISABLED { None } else { Some(set) }
}

/// The character that the key makes.
const fn made(key: Key) -> u8 {
    let letter = match key {
        Key::Interrupt => b'C',
        Key::Quit => b'\\',
        Key::Suspend => b'Z',
        Key::EndOfInput => b'D',
    };
    letter & 0x1f
}
