//! What a step does, and what it needs of the plan.

use std::fmt;
use std::time::Duration;

use crate::delivery::{Key, Recipient, StandardStream};
use crate::report::{duration, quoted};
use crate::signal::{SIGKILL, Signal};

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Signal {
        signal: Signal,
        to: Recipient,
        value: Option<i32>,
    },
    /// A signal to the target, and after the grace SIGKILL.
    Escalate {
        signal: Signal,
        grace: Duration,
        kill: Recipient,
    },
    Stop,
    Continue,
    Close(StandardStream),
    Pause(StandardStream),
    Resume(StandardStream),
    Write(Vec<u8>),
    Press(Key),
    Type(Vec<u8>),
    HangUp,
    Resize {
        rows: u16,
        columns: u16,
    },
}

impl Action {
    /// The end of its grace, in words.
    pub(crate) fn force(&self, grace: Duration, kill: Recipient) -> String {
        let group = if kill == Recipient::Group { " to the group" } else { "" };
        let signal = match self {
            Self::Escalate { signal, .. } => signal.to_string(),
            action => action.to_string(),
        };
        format!("{SIGKILL}{group} {} after {signal}", duration(grace))
    }

    /// Whether it is done to the target's terminal.
    pub(crate) const fn needs_terminal(&self) -> bool {
        matches!(self, Self::Press(_) | Self::Type(_) | Self::HangUp | Self::Resize { .. })
    }

    /// Whether it is done to a pipe, of which a target at a terminal has none.
    pub(crate) const fn needs_pipes(&self) -> bool {
        matches!(self, Self::Close(_) | Self::Write(_) | Self::Pause(_) | Self::Resume(_))
    }

    /// Whether it decides when the target's input comes and ends.
    pub(crate) const fn is_about_stdin(&self) -> bool {
        matches!(self, Self::Close(StandardStream::Stdin) | Self::Write(_))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { signal, to, value } => {
                write!(f, "{signal}")?;
                if let Some(value) = value {
                    write!(f, " with the value {value}")?;
                }
                match to {
                    Recipient::Target => Ok(()),
                    Recipient::Group => f.write_str(" to the group"),
                }
            }
            Self::Escalate { signal, grace, kill } => {
                let group = if *kill == Recipient::Group { " to the group" } else { "" };
                write!(f, "{signal}, and {SIGKILL}{group} {} later,", duration(*grace))
            }
            Self::Stop => f.write_str("the stop"),
            Self::Continue => f.write_str("going on"),
            Self::Close(StandardStream::Stdin) => f.write_str("the end of stdin"),
            Self::Close(stream) => write!(f, "the end of {stream}'s reader"),
            Self::Pause(stream) => write!(f, "the pause of {stream}'s reader"),
            Self::Resume(stream) => write!(f, "reading {stream} again"),
            Self::Write(text) => write!(f, "writing {} to stdin", quoted(text)),
            Self::Press(key) => write!(f, "typing {key}"),
            Self::Type(text) => write!(f, "typing {}", quoted(text)),
            Self::HangUp => f.write_str("the terminal's hang-up"),
            Self::Resize { rows, columns } => {
                write!(f, "resizing the window to {rows} rows of {columns} columns")
            }
        }
    }
}
