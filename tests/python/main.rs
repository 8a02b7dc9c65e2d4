//! What is said of leaving a process in Python, settled by leaving it: a test a claim, named for its id and
//! for what really happens. Where Rust has a counterpart, `tests/rust` has a test with the same id.
//!
//! The programs are in `fixtures/python`; they make their marks by `marks.py`. What the tests see becomes
//! `docs/PYTHON.md`, and each test compares its row of it:
//!
//! ```sh
//! EXEUNT_UPDATE_PYTHON=1 cargo test --test python
//! ```
//!
//! writes the rows. Two packages are needed beside Python, which `.ci/python-packages` installs into
//! `target/`; without them the tests of the families S and Q are skipped.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod b_leaving;
mod f_forks;
mod g_signals;
mod h_hooks;
mod page;
mod q_testing;
mod s_safe_exit;
mod t_threads;

use std::path::{Path, PathBuf};

use exeunt::Leftover;
use exeunt::prelude::*;

use crate::programs::interpreter;
use crate::support::{fails_with, fixture};

/// Both ways in which multiprocessing makes a process: a copy of this one, or a new interpreter.
const FORK_AND_SPAWN: [&str; 2] = ["fork", "spawn"];

/// A program of `fixtures/python` with its arguments, in an interpreter with these flags and without any
/// of the variables by which it is configured.
#[track_caller]
fn interpreted<const N: usize>(flags: &[&str], script: &str, arguments: [&str; N]) -> Option<ExitTest> {
    let configured = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYTHON"));
    let plan = configured.fold(program(interpreter()?), |plan, (name, _)| plan.env_remove(name));
    // It writes nothing beside the fixtures.
    let plan = plan.arg("-B").args(flags).arg(fixture("python").join(script));
    Some(plan.args(arguments))
}

/// Without what the machine's installation adds, it starts in a few milliseconds.
#[track_caller]
fn python<const N: usize>(script: &str, arguments: [&str; N]) -> Option<ExitTest> {
    interpreted(&["-s", "-S"], script, arguments)
}

/// With the packages that `.ci/python-packages` installs.
#[track_caller]
fn python_with_packages<const N: usize>(
    flags: &[&str],
    script: &str,
    arguments: [&str; N],
) -> Option<ExitTest> {
    let packages = packages()?;
    let flags: Vec<&str> = ["-s", "-S"].iter().chain(flags).copied().collect();
    Some(interpreted(&flags, script, arguments)?.env("PYTHONPATH", packages))
}

/// Where `.ci/python-packages` installs, or `None` after saying that the test is skipped.
#[track_caller]
fn packages() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python-packages");
    support::needs_file(&place.join("installed"), "run .ci/python-packages")?;
    Some(place)
}

/// The labels of the marks that were made, in order.
fn marks(exit: &Exit) -> Vec<String> {
    exit.marks().iter().map(|mark| mark.label().into_owned()).collect()
}

/// The processes that outlived the program. Beside every program that spawns, multiprocessing keeps a process
/// that ends by itself when it sees the others gone, a moment after them: it does not count, nor does one
/// that has given its memory back, with its command line, and is all but gone.
fn left_behind(exit: &Exit) -> Vec<&Leftover> {
    let stays = |left: &&Leftover| {
        !(left.command.contains("multiprocessing.resource_tracker") || left.command.starts_with('['))
    };
    exit.leftovers().iter().filter(stays).collect()
}

#[test]
fn a_traceback_quotes_the_source_and_counts_as_a_line() {
    let Some(plan) = python("blocks_and_hook.py", ["raise"]) else { return };
    let exit = plan.code(1).stderr(predicate::str::contains("\n    leave(sys.argv[1])\n"));
    let exit = exit.cleanup_ran("leave(");
    assert!(!marks(&exit).iter().any(|mark| mark.contains("leave")));
    fails_with(|| exit.cleanup_skipped("leave("), &["it ran: stderr said \"    leave(sys.argv[1])\""]);
}
