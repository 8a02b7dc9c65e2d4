//! The facts of one run: how the target ended, what it wrote, marked, left. Facts never learn what
//! was expected of them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::Delivery;
pub(crate) use crate::delivery::{FirstDelivery, LastDelivery};
use crate::kept::Format;
pub use crate::probe::record::Kind as MarkKind;
pub use crate::signal::Disposition;
use crate::signal::{SIGKILL, Signal};
use crate::stream::Captured;
use crate::traces::Traces;
use crate::tree::{Received, Tree};

/// How a process ended, as the kernel and the harness know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ending {
    /// It left with this exit code, 0 to 255.
    Code(i32),
    /// A signal killed it.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether it left a core dump.
        core_dumped: bool,
    },
    /// It was still running when its time was over, and the harness ended it. The SIGKILL that the
    /// harness sent is never reported as the target's own ending.
    TimedOut {
        /// How long it was given, from the start of the run or of the observation.
        after: Duration,
    },
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { signal, core_dumped: false } => write!(f, "killed by {signal}"),
            Self::Signal { signal, core_dumped: true } => write!(f, "killed by {signal}, core dumped"),
            Self::TimedOut { after } => {
                write!(f, "still running after {}, ended by the harness", crate::report::duration(*after))
            }
        }
    }
}

/// By which way a function left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum How {
    /// It returned, as `main` would.
    Returned,
    /// A panic reached its end.
    Panicked {
        /// What the panic said; `Box<dyn Any>` for a payload that is no text.
        message: String,
        /// `file:line:column`; unknown where the function set a panic hook of its own.
        location: Option<String>,
    },
    /// It called `exit`: the exit hooks ran.
    Exited,
    /// It called `_exit` or an equal of it: the exit hooks were skipped.
    ExitedImmediately,
}

/// A mark: that a certain point of a program was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub(crate) kind: MarkKind,
    #[serde(with = "crate::kept::bytes")]
    pub(crate) label: Vec<u8>,
    pub(crate) at: Option<Duration>,
    pub(crate) pid: Option<i32>,
    pub(crate) thread: Option<i32>,
    pub(crate) place: Option<String>,
}

impl Mark {
    /// What made it.
    #[must_use]
    pub const fn kind(&self) -> MarkKind {
        self.kind
    }

    /// Its label; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn label(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.label)
    }

    /// When it was made, since the start of the target. `None` for a line that another program than
    /// [`probe`](crate::probe) wrote while nobody watched.
    #[must_use]
    pub const fn at(&self) -> Option<Duration> {
        self.at
    }

    /// The process that made it, where the mark says so.
    #[must_use]
    pub const fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// The kernel's id of the thread that made it, where the mark says so.
    #[must_use]
    pub const fn thread(&self) -> Option<i32> {
        self.thread
    }

    /// Where a drop guard was armed, as `file:line`; `None` for every other kind of mark.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }
}

/// One thing that happened during a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, since the start of the target.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What can happen during a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum What {
    /// The target started, with this process id.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// The readiness gate opened.
    Ready {
        /// The gate.
        gate: String,
    },
    /// A step of the script was carried out.
    Delivered {
        /// What was done to the target.
        delivery: Delivery,
    },
    /// A signal that was sent was still pending when the harness gave up: it was never taken.
    StillPending {
        /// Which.
        signal: Signal,
    },
    /// The time was over; the harness ended the target.
    Ended {
        /// How.
        ending: Ending,
    },
    /// The harness stopped waiting and told the supervisor to end the target.
    GaveUp,
    /// A process of the run received a signal that was not the harness's. Known where it was traced.
    Received(Received),
}

/// What the target used, its own descendants that it waited for included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// The most memory that was resident at once, in KiB.
    pub max_resident_kib: u64,
}

/// A process that the target started, directly or not, and that was alive when the target ended. It
/// has been killed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Its process id.
    pub pid: i32,
    /// The process id of its parent; for an orphan that of the supervisor, to which it came.
    pub parent: i32,
    /// Its state, as the letter in `/proc/PID/stat` (`S` sleeping, `R` running, `T` stopped, …).
    pub state: char,
    /// How long it had existed when the target had ended; unknown where `/proc` did not tell.
    pub age: Option<Duration>,
    /// Its command line, arguments separated by spaces.
    pub command: String,
}

/// A process that was still running when the harness gave up, and what its threads waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Its process id.
    pub pid: i32,
    /// Its command line; its name in brackets where it has none, as when its main thread has ended.
    pub command: String,
    /// Its threads, the main thread first.
    pub threads: Vec<StuckThread>,
    /// The signals for which it has handlers, other than for its own faults: one may end a wait.
    #[serde(default)]
    pub handlers: Vec<Signal>,
    /// Its threads with their frames as gdb tells them, or why gdb told none; `None` where that was not asked
    /// for ([`backtraces`](crate::ExitTest::backtraces)).
    pub backtrace: Option<String>,
}

/// One thread of a process that was still running when the harness gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckThread {
    /// The kernel's id of it.
    pub thread: i32,
    /// Its name, 15 bytes at most.
    pub name: String,
    /// Its state, as the letter in `/proc/PID/stat`.
    pub state: char,
    /// The system call it was in and on what; `None` where it was running.
    pub call: Option<String>,
    /// It waited, without a time limit, for a lock (or a condition, or a join) that only a thread of
    /// its own process can release; and where all threads did, none of them ran while they were looked at.
    pub on_private_lock: bool,
}

impl Stuck {
    /// Whether it can never go on by itself: every thread that has not ended waits for a lock inside the process.
    /// A handler of a signal ([`handlers`](Self::handlers)) may still release one.
    #[must_use]
    pub fn is_deadlocked(&self) -> bool {
        let mut left = self.threads.iter().filter(|thread| !matches!(thread.state, 'Z' | 'X')).peekable();
        left.peek().is_some() && left.all(|thread| thread.on_private_lock)
    }
}

/// The answer of one `cleanup_check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) label: String,
    pub(crate) held: bool,
}

/// How the target's output arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outputs {
    /// As two streams.
    Apart,
    /// As one, from a terminal, kept as stdout.
    Terminal,
}

/// The facts of a run: how it ended and what it left. Immutable, and serialisable with serde.
///
/// The assertions of [`ExitAssert`](crate::ExitAssert) can be made on it, each giving it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub(crate) format: Format,
    pub(crate) subject: String,
    pub(crate) ending: Ending,
    pub(crate) raw_status: i32,
    pub(crate) how: Option<How>,
    pub(crate) hooks_ran: Option<bool>,
    pub(crate) noted_panic: Option<NotedPanic>,
    pub(crate) outputs: Outputs,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    pub(crate) marks: Vec<Mark>,
    pub(crate) checks: Vec<Check>,
    pub(crate) timeline: Vec<Event>,
    pub(crate) duration: Duration,
    pub(crate) usage: Usage,
    pub(crate) traces: Traces,
    pub(crate) leftovers: Vec<Leftover>,
    pub(crate) leftover_count: usize,
    pub(crate) first_delivery: Option<FirstDelivery>,
    pub(crate) last_delivery: Option<LastDelivery>,
    /// Whether the whole script was carried out; so it is where there was none.
    pub(crate) script_done: bool,
    pub(crate) stuck: Vec<Stuck>,
    /// How many more processes were still running, which were not looked at.
    #[serde(default)]
    pub(crate) stuck_left_out: usize,
    /// What it had become by `exec`, where it was another program when the harness gave up.
    pub(crate) became: Option<String>,
    /// It was in an exit hook when the harness gave up.
    pub(crate) in_exit_hook: bool,
    pub(crate) tree: Tree,
    /// The other threads that still ran when a function was leaving, by name.
    pub(crate) threads_left: Option<String>,
    /// What the test says of itself.
    pub(crate) context: Vec<(String, String)>,
}

/// A panic of a function's main thread, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotedPanic {
    pub(crate) message: String,
    pub(crate) location: Option<String>,
}

impl Exit {
    /// Adds a line of the test's own to the reports of failing assertions, as assert_cmd's
    /// `append_context` does.
    ///
    /// ```should_panic
    /// use exeunt::prelude::*;
    ///
    /// let exit = program("false").run().unwrap();
    /// exit.append_context("issue", "a full disk must not be an error").success();
    /// ```
    pub fn append_context(mut self, name: impl Into<String>, context: impl fmt::Display) -> Self {
        self.context.push((name.into(), context.to_string()));
        self
    }

    /// How it ended.
    #[must_use]
    pub const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// By which way a function left; `None` for a program, and for a function that a signal ended before
    /// it left.
    #[must_use]
    pub const fn how(&self) -> Option<&How> {
        self.how.as_ref()
    }

    /// What it wrote to stdout, as far as it was kept (see
    /// [`capture_limit`](crate::ExitTest::capture_limit)); at a terminal all that appeared there, what was
    /// typed included where the terminal echoed it.
    #[must_use]
    pub fn stdout_bytes(&self) -> Vec<u8> {
        self.stdout.kept()
    }

    /// What it wrote to stdout, as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout.kept()).into_owned()
    }

    /// What it wrote to stderr, as far as it was kept; nothing at a terminal, where it came with stdout.
    #[must_use]
    pub fn stderr_bytes(&self) -> Vec<u8> {
        self.stderr.kept()
    }

    /// What it wrote to stderr, as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr.kept()).into_owned()
    }

    /// The marks that were made, in order.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// What happened, in order.
    #[must_use]
    pub fn timeline(&self) -> &[Event] {
        &self.timeline
    }

    /// From the start of the target to its end.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// What it used.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// The processes that outlived it, at most 128 of them. All have been killed since.
    #[must_use]
    pub fn leftovers(&self) -> &[Leftover] {
        &self.leftovers
    }

    /// The history of all processes that came from the target.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The names of the other threads that still ran when a function returned or called `exit`, separated by
    /// commas; `None` where there was none, and where it ended in another way. The end of the process cuts
    /// them off wherever they are.
    #[must_use]
    pub fn threads_left(&self) -> Option<&str> {
        self.threads_left.as_deref()
    }

    /// The processes that were still running when the harness gave up, the target first, at most 32 of them; empty
    /// where the target ended by itself.
    #[must_use]
    pub fn stuck(&self) -> &[Stuck] {
        &self.stuck
    }

    /// The grace after which an [`escalate`](crate::ExitTest::escalate) had to send SIGKILL, which ended the
    /// target; `None` where it left by itself.
    #[must_use]
    pub fn forced(&self) -> Option<Duration> {
        let killed = matches!(self.ending, Ending::Signal { signal: SIGKILL, .. });
        self.timeline.iter().filter(|_| killed).find_map(|event| match event.what {
            What::Delivered { delivery: Delivery::Forced { after, .. } } => Some(after),
            _ => None,
        })
    }

    /// When the last thing was done to it that its script held: a step carried out, or readiness seen.
    pub(crate) fn last_step(&self) -> Duration {
        let step = |event: &&Event| matches!(event.what, What::Delivered { .. } | What::Ready { .. });
        self.timeline.iter().rfind(step).map_or(Duration::ZERO, |event| event.at)
    }
}
