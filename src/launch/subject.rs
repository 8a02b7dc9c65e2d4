//! What a plan can name: functions by address, programs, and what changes in their environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::sys::function::Address;

use super::Forked;

/// What is to run.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A function in a process of its own.
    Function { address: Address, input: Input },
    /// A program, by path or by a name to be looked up in `PATH`.
    Program(OsString),
    /// A program built by cargo, by name.
    CargoBin { name: String, known_path: Option<PathBuf> },
    /// A function in a fork of this process that was made already.
    Forked(Forked),
}

/// A function's serialised arguments.
#[derive(Debug, Default)]
pub(crate) struct Input(pub(crate) Vec<u8>);

/// Changes to the environment that the target inherits.
#[derive(Debug, Default, Clone)]
pub(crate) struct EnvironmentChanges {
    pub(crate) clear: bool,
    /// `None` removes the variable.
    pub(crate) variables: BTreeMap<OsString, Option<OsString>>,
}

/// Where the target's standard streams lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streams {
    /// To pipes; without `stdin` it reads an empty input.
    Pipes { stdin: bool },
    /// To a terminal with a window of this size, all three.
    Terminal { rows: u16, columns: u16 },
}

/// How a failure names the subject.
pub(crate) fn describe(subject: &Subject) -> String {
    match subject {
        Subject::Program(name) => format!("`{}`", name.to_string_lossy()),
        Subject::CargoBin { name, .. } => format!("`{name}`"),
        Subject::Function { .. } | Subject::Forked(_) => "the function's process".to_owned(),
    }
}
