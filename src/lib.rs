//! exeunt asserts **how a process ends**: its exit code or signal, what it flushed, which clean-up
//! and which drops ran, and what it left behind.
//!
//! # The idea
//!
//! A test describes a run, an [`ExitTest`]: a function or a program, its surroundings, and what is
//! done to it. The first assertion carries the run out. It ends as such things end in the world: by
//! a return, `exit`, `_exit`, a panic, an abort, a signal. What was observed are facts, an [`Exit`],
//! on which further assertions can be made ([`ExitAssert`]).
//!
//! ```
//! use exeunt::prelude::*;
//!
//! let exit = assert_exit(|| {
//!     print!("half a line");
//!     std::process::exit(3);
//! })
//! .code(3)
//! .flushed("half a line")
//! .hooks_ran();
//! assert_eq!(exit.how(), Some(&How::Exited));
//! ```
//!
//! Three rules hold for all of it:
//!
//! - **No vacuous pass.** A function that was never entered, a signal that was never delivered, a
//!   target that could not be started or output that was not kept is a failure with its own words,
//!   an [`Error`]; it is never dressed up as an exit status.
//! - **No hang and no leftover.** Every run has a deadline ([`ExitTest::timeout`]). When it is over,
//!   all that the target started is dead, daemons included; also where the test panicked or the test
//!   process was killed.
//! - **No footprint.** The test process gets no signal handler, no thread, no changed disposition,
//!   mask, directory or environment.
//!
//! # What to run
//!
//! | start | where it runs | what it may capture |
//! |---|---|---|
//! | [`assert_exit`] | a fresh process | nothing; a capturing closure does not compile |
//! | [`assert_exit_with`] | a fresh process | nothing; it is given values by serde |
//! | [`assert_exit_forked`] | a forked copy of the test process, which must be dedicated to the test | anything |
//! | [`program`] | a program by path or name | |
//! | [`cargo_bin!`] | a program of this package | |
//! | `ExitTest::from(command)` | what a [`std::process::Command`] describes | |
//!
//! [`isolated!`] gives a whole test a process of its own.
//!
//! # Signals, at the moment that counts
//!
//! A script is a list of steps. It starts when the target is ready, which a gate tells ([`Ready`]):
//! a text on a stream, a mark, a file, a listening port or Unix socket, a signal handler of the target's or
//! of a child's, so many children, or, of a program that says nothing, that it has gone idle. A step that
//! was not delivered, because the target had ended before, fails the test unless
//! [`ExitTest::allow_early_end`] accepts that.
//!
//! ```
//! use exeunt::prelude::*;
//!
//! program("sh")
//!     .args(["-c", "trap 'echo lock released; exit 0' TERM; echo listening; while :; do sleep 0.01; done"])
//!     .ready_when(Ready::stdout("listening"))
//!     .signal_after(SIGTERM, ms(10))
//!     .cleanup_ran("lock released")
//!     .code(0);
//! ```
//!
//! A script does more than that: it signals a whole group ([`ExitTest::group_signal_after`]), queues a signal with a
//! value, stops the target and lets it go on, writes to its stdin step by step, takes the reader of its output away,
//! and forces it to leave after a grace ([`ExitTest::escalate`], [`Exit::forced`]).
//!
//! # At a terminal
//!
//! With [`ExitTest::pty`] the target runs at a terminal of its own, where keys are typed rather than signals
//! sent: [`interrupt_after`](ExitTest::interrupt_after) is the Ctrl-C that reaches a whole foreground group,
//! [`type_when`](ExitTest::type_when) answers a question, [`hang_up_after`](ExitTest::hang_up_after) closes
//! the window.
//!
//! ```
//! use exeunt::prelude::*;
//!
//! program("cat").pty().interrupt_when(Ready::delay(ms(20))).killed_by(SIGINT).stdout("^C");
//! ```
//!
//! # Evidence
//!
//! | asked | what counts |
//! |---|---|
//! | [`cleanup_ran`](ExitAssert::cleanup_ran) | a mark with this label; a [`cleanup_check`](ExitTest::cleanup_check) of this label that holds; a complete line of output that contains it. Where the script delivered a signal, marks and lines count only after the first delivery |
//! | [`cleanup_skipped`](ExitAssert::cleanup_skipped) | that there is none of these, in output of which nothing was left out |
//! | [`cleanup_ran_once`](ExitAssert::cleanup_ran_once) | the same, and that no kind of witness (marks, lines of stdout, lines of stderr) tells of it twice in the whole run |
//! | [`cleanup_order`](ExitAssert::cleanup_order) | the order of the marks, or of the lines of one stream, among each other |
//! | [`dropped`](ExitAssert::dropped), [`not_dropped`](ExitAssert::not_dropped) | the guards of this label ([`probe::on_drop`]) that were armed, at least one, and what became of them |
//! | [`all_dropped`](ExitAssert::all_dropped) | all guards that were armed, at least one, each dropped by the process that armed it |
//! | [`no_leftovers`](ExitAssert::no_leftovers), [`leftovers_are`](ExitAssert::leftovers_are) | the processes that came from the target, daemons too, and were alive when it ended |
//! | [`no_zombies`](ExitAssert::no_zombies) | the children that had ended when the target did, and for which nobody had waited |
//! | [`flushed`](ExitAssert::flushed), [`not_flushed`](ExitAssert::not_flushed) | that a text reached stdout or stderr, in a complete line or not |
//! | [`removed`](ExitAssert::removed), [`left`](ExitAssert::left), [`whole_or_absent`](ExitAssert::whole_or_absent) | what is at a path when all is dead, and whether anything ever was: it is watched |
//! | [`lock_free`](ExitAssert::lock_free), [`no_open_descriptors`](ExitAssert::no_open_descriptors), [`port_free`](ExitAssert::port_free) | who holds a lock, a descriptor or a listening socket when the target has ended and what it left is still alive |
//! | [`no_temp_files_left`](ExitAssert::no_temp_files_left) | a directory for temporary files of the target's own, in which something was made and nothing is left |
//! | [`hooks_ran`](ExitAssert::hooks_ran) | the exit hooks of a function's process, all of them. A program makes a mark with [`probe::at_exit`] |
//! | [`returned`](ExitAssert::returned), [`panicked`](ExitAssert::panicked), [`exited_immediately`](ExitAssert::exited_immediately) | what the function's process told on a channel of its own, never its exit code |
//! | [`code`](ExitAssert::code), [`killed_by`](ExitAssert::killed_by) | what the kernel told. A code is never a signal, nor a signal a code |
//! | [`timed_out`](ExitAssert::timed_out) | that the harness had to end the target. The SIGKILL it sends is never taken for the target's own ending |
//!
//! `docs/EVIDENCE.md` tells what each of them cannot prove, and when it is looked at.
//!
//! Marks are made by [`probe`], or by a program in any language that appends a line to the file that
//! `EXEUNT_PROBE` names.
//!
//! ```
//! use exeunt::prelude::*;
//!
//! program("sh")
//!     .args(["-c", r#"echo "lock released" >> "$EXEUNT_PROBE""#])
//!     .cleanup_ran("lock released")
//!     .success();
//! ```
//!
//! # Everything that came from it
//!
//! [`Exit::tree`] is the history of the processes that came from the target: orphans, zombies, what it left
//! behind. Where the plan is [`traced`](ExitTest::traced), it holds every process, who made it and how it ended,
//! and the timeline tells who sent each signal that was not the harness's.
//!
//! ```
//! use exeunt::prelude::*;
//!
//! let exit = program("sh").args(["-c", "sh -c 'exit 3'; kill -TERM $$"]).traced().killed_by(SIGTERM).no_zombies();
//! let [child] = exit.tree().members() else { panic!("one child") };
//! assert_eq!(*child.fate(), exeunt::Fate::Ended(Ending::Code(3)));
//! ```
//!
//! # Environment variables
//!
//! | variable | who reads it | what it does |
//! |---|---|---|
//! | `EXEUNT_PROBE` | the target | names the mark file. Set for every target, other than by the test: a value in the test process's environment is not passed on |
//! | `EXEUNT_TIMEOUT_SCALE` | the test process | multiplies every default and given deadline and [`within`](ExitAssert::within), for slow machines and sanitizers: `10`, `0.5`. Anything but a number above zero is an error |
//! | `NO_COLOR` | the test process | keeps reports uncoloured also at a terminal |
//!
//! The launcher and its processes use `EXEUNT_LAUNCHER`, `EXEUNT_FUNCTION` and `EXEUNT_ISOLATED` among
//! themselves. No target sees them.
//!
//! # Features
//!
//! - `harness`, on by default: all of the above.
//! - `json`: facts to and from JSON (`Exit::to_json`), by serde_json. Without it they are serialisable with serde.
//! - Without `harness` only [`probe`] remains, which has no dependency. An application can depend on it
//!   (`default-features = false`) and keep its marks in a release build.
//!
//! # Platforms
//!
//! The harness needs Linux 5.3 or later on a 64-bit machine, with `/proc` mounted, and must be linked
//! into the test executable itself, not into a shared library. It runs under `cargo test`, nextest,
//! in doctests, examples, benchmarks and tests with `harness = false`.
//!
//! | platform | plans, scripts, predicates | runs | `probe` |
//! |---|---|---|---|
//! | Linux with glibc, x86-64 | yes | yes, tested | yes |
//! | Linux with musl; Linux on Arm | yes | type-checked, not tested | type-checked |
//! | macOS | yes | an [`Error`] that says so: there is no subreaper, no pidfd, no `/proc` | type-checked |
//!
//! Where one is missing, a run of what would need it is refused, never carried out with less.
#![deny(unsafe_code)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        unused_imports,
        reason = "no run is started elsewhere, and nothing asks what happened in it"
    )
)]
#![cfg_attr(
    not(feature = "harness"),
    expect(rustdoc::broken_intra_doc_links, reason = "the harness that the page tells of is not there")
)]

pub mod probe;
mod sys;

#[cfg(feature = "harness")]
mod assert;
#[cfg(feature = "harness")]
mod delivery;
#[cfg(feature = "harness")]
mod error;
#[cfg(feature = "harness")]
mod evidence;
#[cfg(feature = "harness")]
mod exit;
#[cfg(feature = "harness")]
mod exit_test;
#[cfg(feature = "harness")]
mod isolated;
#[cfg(feature = "harness")]
mod kept;
#[cfg(feature = "harness")]
mod launch;
#[cfg(all(feature = "harness", target_os = "linux"))]
mod observe;
#[cfg(feature = "harness")]
mod report;
#[cfg(feature = "harness")]
mod script;
#[cfg(feature = "harness")]
pub mod signal;
#[cfg(feature = "harness")]
mod stream;
#[cfg(feature = "harness")]
mod traces;
#[cfg(feature = "harness")]
mod tree;

#[cfg(feature = "harness")]
pub use crate::{
    assert::ExitAssert,
    delivery::{Delivery, Key, KeyMeaning, Recipient, StandardStream},
    error::Error,
    exit::{
        Disposition, Ending, Event, Exit, How, Leftover, Mark, MarkKind, Stuck, StuckThread, Usage, What,
    },
    exit_test::{ExitTest, assert_exit, assert_exit_forked, assert_exit_with, cargo_bin, program},
    script::{IntoTextMatch, PlainText, Ready, Sight, TextMatch, TextPredicate},
    signal::Signal,
    traces::{named_semaphore, shared_memory},
    tree::{Fate, Member, Received, Sender, Tree},
};

/// For the macros.
#[cfg(feature = "harness")]
#[doc(hidden)]
pub mod __private {
    pub use crate::exit_test::Question;
    pub use crate::isolated::isolated;
    pub use rusty_fork::rusty_fork_id;

    /// The plan behind `cargo_bin!`.
    pub fn cargo_bin_at(name: &str, known_path: Option<&str>) -> crate::ExitTest {
        crate::ExitTest::cargo_bin_at(name.to_owned(), known_path.map(std::path::PathBuf::from))
    }
}

/// A program of this package that cargo built, by name.
///
/// In integration tests and benchmarks cargo tells the path at compile time; elsewhere the program
/// is looked for where cargo leaves what it builds, as [`cargo_bin`](crate::cargo_bin()) does.
///
/// ```no_run
/// use exeunt::prelude::*;
///
/// cargo_bin!("server").arg("--version").success();
/// ```
#[cfg(feature = "harness")]
#[macro_export]
macro_rules! cargo_bin {
    ($name:literal) => {
        $crate::__private::cargo_bin_at($name, ::core::option_env!(::core::concat!("CARGO_BIN_EXE_", $name)))
    };
}

/// All names that a test needs.
#[cfg(feature = "harness")]
pub mod prelude {
    pub use crate::signal::*;
    pub use crate::{
        Ending, Error, Exit, ExitAssert, ExitTest, How, Ready, Signal, assert_exit, assert_exit_forked,
        assert_exit_with, cargo_bin, isolated, probe, program,
    };
    pub use predicates::prelude::*;

    use std::time::Duration;

    /// Milliseconds.
    #[must_use]
    pub const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Seconds.
    #[must_use]
    pub const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}

/// The code in README.md, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
