//! The process tree of a run, as facts: which processes came from the target, who made them, what became of
//! them, who signalled whom.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit::Ending;
use crate::signal::Signal;

/// The processes that came from a target, but not the target itself.
///
/// A plan that is [`traced`](crate::ExitTest::traced) knows all of them. Otherwise it knows those that came
/// back to the harness: orphans (daemons among them), children that the target never waited for, and what was
/// still alive when it had ended. A child that its own parent waited for left no trace then.
///
/// ```
/// use exeunt::prelude::*;
///
/// let exit = program("sh").args(["-c", "true; (exit 3) & wait; :"]).traced().success();
/// assert!(exit.tree().is_complete());
/// let codes: Vec<_> = exit.tree().members().iter().map(|member| member.fate().clone()).collect();
/// assert!(codes.contains(&exeunt::Fate::Ended(Ending::Code(3))));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    pub(crate) complete: bool,
    pub(crate) members: Vec<Member>,
    pub(crate) left_out: usize,
    pub(crate) signals_left_out: usize,
}

impl Tree {
    /// Whether every process was followed from its making to its end.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete && self.left_out == 0
    }

    /// The processes, in the order in which they were seen first; at most 256 of them.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many more there were.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many signals more were received than the timeline tells of, which are at most 64.
    #[must_use]
    pub const fn signals_left_out(&self) -> usize {
        self.signals_left_out
    }

    /// The children that had ended when the target did, and for which nobody had waited.
    pub fn zombies(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| matches!(member.fate, Fate::NeverWaitedFor(_)))
    }
}

/// A process that came from a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub(crate) pid: i32,
    pub(crate) parent: Option<i32>,
    pub(crate) command: String,
    pub(crate) born: Option<Duration>,
    pub(crate) died: Option<Duration>,
    pub(crate) fate: Fate,
}

impl Member {
    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// The process that made it; `None` where that had ended before anybody looked, as that of an orphan has.
    #[must_use]
    pub const fn parent(&self) -> Option<i32> {
        self.parent
    }

    /// Its command line; of one that was first seen when it had ended, its name in brackets.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// When it was made, since the start of the target; known where the run was traced.
    #[must_use]
    pub const fn born(&self) -> Option<Duration> {
        self.born
    }

    /// When its end was seen, since the start of the target; `None` for one that the target left behind.
    #[must_use]
    pub const fn died(&self) -> Option<Duration> {
        self.died
    }

    /// What became of it.
    #[must_use]
    pub const fn fate(&self) -> &Fate {
        &self.fate
    }
}

/// What became of a process that came from a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fate {
    /// It ended before the target did, and was waited for, by its parent or as an orphan.
    Ended(Ending),
    /// It ended before the target did, and was a zombie when the target ended: its parent, which was the target
    /// or was still alive then, had not waited for it.
    ///
    /// Where the run was not traced, an orphan that ends just before the target looks the same.
    NeverWaitedFor(Ending),
    /// It was alive when the target had ended, and has been killed since.
    LeftBehind,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::report::member(f, self)
    }
}

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Sender {
    /// The process that received it.
    Itself,
    /// The target.
    Target,
    /// Another process that came from the target.
    Relative {
        /// Its process id.
        pid: i32,
    },
    /// The kernel, of its own accord, as for a fault or for a key at the terminal.
    Kernel,
    /// A process that has nothing to do with the run.
    Stranger {
        /// Its process id; 0 for one that this process cannot see.
        pid: i32,
    },
}

/// A signal that a process of the run received, and that was not the harness's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// The process that received it.
    pub to: i32,
    /// Who sent it.
    pub from: Sender,
}
