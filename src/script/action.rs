//! What a step does, and what it needs of the plan.

use std::fmt;

use crate::delivery::Key;
use crate::signal::Signal;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Signal(Signal),
    Press(Key),
    Type(Vec<u8>),
    HangUp,
}

impl Action {
    /// Whether it is done to the target's terminal.
    pub(crate) const fn needs_terminal(&self) -> bool {
        matches!(self, Self::Press(_) | Self::Type(_) | Self::HangUp)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "{signal}"),
            Self::Press(key) => write!(f, "typing {key}"),
            Self::Type(text) => write!(f, "typing {}", crate::report::quoted(text)),
            Self::HangUp => f.write_str("the terminal's hang-up"),
        }
    }
}
