//! What can go wrong in the harness itself. None of it is ever dressed up as an exit.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::exit::Exit;

/// Why a run could not be carried out as planned.
///
/// An error is never an exit status: it says that the target could not be started, that the script
/// could not be delivered, or that the harness itself was in trouble.
pub struct Error(Box<Kind>);

pub(crate) enum Kind {
    /// The plan itself is wrong.
    BadInput(String),
    /// The target could not be started: the step, its subject, and why.
    Start { subject: String, why: String },
    /// The program was not found; names that are near.
    NotFound { name: OsString, looked: Vec<PathBuf>, near: Vec<String> },
    /// A function cannot travel from here.
    Unsupported(String),
    /// The function's arguments did not survive.
    Arguments(String),
    /// The launcher or a supervisor failed.
    Harness { operation: String, source: Option<io::Error> },
    /// The function was never entered.
    NeverEntered(Exit),
    /// A step of the script was not delivered.
    NotDelivered {
        step: String,
        due: Option<Duration>,
        why: Undelivered,
        /// How far each part of the gate had come that did not open.
        gate: Vec<String>,
        exit: Exit,
    },
}

/// What kept a step from being delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// The target had ended before.
    TargetEnded,
    /// The deadline came before.
    Deadline,
    /// The time that a step may take was over before.
    StepDeadline(Duration),
    /// The kernel refused it with this errno.
    Refused(i32),
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    pub(crate) fn bad_input(text: impl Into<String>) -> Self {
        Self::new(Kind::BadInput(text.into()))
    }

    pub(crate) fn arguments(text: impl Into<String>) -> Self {
        Self::new(Kind::Arguments(text.into()))
    }

    pub(crate) fn harness(operation: impl Into<String>, source: io::Error) -> Self {
        Self::new(Kind::Harness { operation: operation.into(), source: Some(source) })
    }

    /// What was observed of the target until the run failed, where it was started at all.
    #[must_use]
    pub fn exit(&self) -> Option<&Exit> {
        match &*self.0 {
            Kind::NeverEntered(exit) | Kind::NotDelivered { exit, .. } => Some(exit),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::report::error(self))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Harness { source, .. } => source.as_ref().map(|e| e as _),
            _ => None,
        }
    }
}
