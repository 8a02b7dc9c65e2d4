//! What a script does to a target, as the timeline tells of it: signals, keys, what is typed or written, streams
//! that end. Facts of what was done, with what the target would make of it at that moment.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::signal::{Disposition, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTSTP, Signal};

/// A key of the terminal that is more than a character to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Key {
    /// Ctrl-C, the interrupt key (`VINTR`).
    Interrupt,
    /// Ctrl-\, the quit key (`VQUIT`).
    Quit,
    /// Ctrl-Z, the suspend key (`VSUSP`).
    Suspend,
    /// Ctrl-D, the end of input (`VEOF`).
    EndOfInput,
}

impl Key {
    /// The signal that the terminal makes of it, if it makes any.
    #[must_use]
    pub const fn signal(self) -> Option<Signal> {
        match self {
            Self::Interrupt => Some(SIGINT),
            Self::Quit => Some(SIGQUIT),
            Self::Suspend => Some(SIGTSTP),
            Self::EndOfInput => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "Ctrl-C",
            Self::Quit => "Ctrl-\\",
            Self::Suspend => "Ctrl-Z",
            Self::EndOfInput => "Ctrl-D",
        })
    }
}

/// What a terminal makes of a key, by the settings that it has when the key is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KeyMeaning {
    /// A signal to the target, which is in the terminal's foreground process group, and to all others there.
    Signal {
        /// Which.
        signal: Signal,
        /// What the target would do with it; unknown where `/proc` did not tell.
        disposition: Option<Disposition>,
    },
    /// A signal to another process group, that of a shell's foreground job for example.
    SignalToOthers {
        /// Which.
        signal: Signal,
        /// The foreground process group; `None` where there was none.
        group: Option<i32>,
    },
    /// The end of the line that is read, or, at its beginning, of the input.
    EndOfInput,
    /// A character like any other: the terminal was set to pass it on.
    Character,
}

/// To whom a signal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Recipient {
    /// The target alone.
    Target,
    /// The target's whole process group.
    Group,
}

/// One of the three streams that every process starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StandardStream {
    /// Descriptor 0.
    Stdin,
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

impl fmt::Display for StandardStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// One thing that was done to the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Delivery {
    /// A signal was sent.
    Signal {
        /// Which.
        signal: Signal,
        /// To whom.
        to: Recipient,
        /// The value that went with it, where it was queued with one.
        value: Option<i32>,
        /// What the target would do with it at that moment; unknown where `/proc` did not tell.
        disposition: Option<Disposition>,
        /// The target was stopped: unless it is SIGKILL or SIGCONT, the signal waits until it goes on.
        stopped: bool,
    },
    /// The target was still there when the grace of an [`escalate`](crate::ExitTest::escalate) was over, and was
    /// sent SIGKILL.
    Forced {
        /// The grace.
        after: Duration,
        /// To whom that went.
        to: Recipient,
    },
    /// The target was stopped, and has stopped.
    Stopped,
    /// The target was told to go on.
    Continued {
        /// It had stopped before.
        was_stopped: bool,
    },
    /// A stream was closed: of stdin the end from which the target reads its last, of the others the end where
    /// somebody read.
    Closed {
        /// Which.
        stream: StandardStream,
    },
    /// Nobody reads any more what the target writes to the stream, until [`Resumed`](Self::Resumed).
    Paused {
        /// Which.
        stream: StandardStream,
    },
    /// The stream is read again.
    Resumed {
        /// Which.
        stream: StandardStream,
    },
    /// A text was written to the target's stdin.
    Written {
        /// The text; bytes that are not UTF-8 are replaced.
        text: String,
    },
    /// A key was typed at the target's terminal.
    Key {
        /// Which.
        key: Key,
        /// What the terminal made of it.
        meaning: KeyMeaning,
    },
    /// A text was typed at the target's terminal.
    Text {
        /// The text; bytes that are not UTF-8 are replaced.
        text: String,
    },
    /// The terminal hung up: the session's leader, which is the target, is sent SIGHUP, and whoever reads or
    /// writes there finds an end or an error.
    HangUp {
        /// What the target would do with SIGHUP; unknown where `/proc` did not tell.
        disposition: Option<Disposition>,
    },
    /// The terminal's window was given this size. Where it had another before, the foreground process group is
    /// sent SIGWINCH.
    Resized {
        /// Its height in characters.
        rows: u16,
        /// Its width in characters.
        columns: u16,
    },
}

impl Delivery {
    /// The signal that came to the target by it, if any did, and what the target would do with it. Stopping and
    /// continuing it is not counted among them.
    #[must_use]
    pub const fn signal(&self) -> Option<(Signal, Option<Disposition>)> {
        match self {
            Self::Signal { signal, disposition, .. }
            | Self::Key { meaning: KeyMeaning::Signal { signal, disposition }, .. } => {
                Some((*signal, *disposition))
            }
            Self::HangUp { disposition } => Some((SIGHUP, *disposition)),
            Self::Forced { .. } => Some((SIGKILL, Some(Disposition::Default))),
            _ => None,
        }
    }

    /// Whether others than the target got the signal as well.
    pub(crate) const fn is_to_group(&self) -> bool {
        matches!(
            self,
            Self::Signal { to: Recipient::Group, .. }
                | Self::Forced { to: Recipient::Group, .. }
                | Self::Key { meaning: KeyMeaning::Signal { .. }, .. }
        )
    }

    /// Whether it may be what the target leaves for; what is only said to it is not.
    pub(crate) const fn is_a_reason_to_leave(&self) -> bool {
        match self {
            // What does not end a process by default is a reason only for one that listens to it; and SIGCONT is
            // how it is told to go on.
            Self::Signal { signal: SIGCONT, .. } => false,
            Self::Signal { signal, disposition, .. } => {
                signal.kills_by_default()
                    || matches!(disposition, Some(disposition) if disposition.is_ready())
            }
            Self::Forced { .. } | Self::Key { .. } | Self::HangUp { .. } | Self::Closed { .. } => true,
            Self::Stopped
            | Self::Continued { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Written { .. }
            | Self::Text { .. }
            | Self::Resized { .. } => false,
        }
    }
}

/// How far everything had come when the target was first given a reason to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstDelivery {
    pub(crate) at: Duration,
    pub(crate) delivery: Delivery,
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
    /// How many marks were begun: a line without its end counts.
    pub(crate) marks: usize,
}

/// The last reason to leave that it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastDelivery {
    pub(crate) at: Duration,
    pub(crate) delivery: Delivery,
}
