//! What is to happen to the target, as data: gates that open by what was seen, and steps in order.
//!
//! A gate is asked again whenever something was seen; it never waits. Each gate looks at what came
//! *after* that by which the gate before it opened, so that the order of a script does not depend on
//! how the target's output was cut into reads.

mod action;
mod gate;
mod processes;
mod ready;
mod seen;
mod text;

pub(crate) use action::Action;
pub(crate) use gate::Needs;
pub use ready::Ready;
pub use seen::Sight;
pub(crate) use seen::{Seen, Window};
pub use text::{IntoTextMatch, PlainText, TextMatch, TextPredicate};

use std::fmt;
use std::time::Duration;

/// Which stream a gate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// One thing to do to the target.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) action: Action,
}

/// When a step is due, counted from the step before it.
#[derive(Debug)]
pub(crate) enum When {
    After(Duration),
    Gate(Ready),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = &self.action;
        match &self.when {
            When::After(time) => write!(f, "{action} after {}", crate::report::duration(*time)),
            When::Gate(gate) => write!(f, "{action} when {gate}"),
        }
    }
}
