//! The guards that people use for clean-up, scopeguard's and tempfile's, on each ending.

use std::path::Path;

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{by_both, marks};

const RELEASED: &str = "the lock was released";
const IN_ORDER: &str = "the scope was left in order";
const UNWOUND: &str = "the scope was unwound";

/// What is left in the directory, by what its name begins with.
fn left_in(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().expect("the directory is there").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().split('-').next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

/// Takes this way in a directory of its own, and asserts which guards ran and what is left in it.
#[track_caller]
fn leaves(
    way: &str,
    scripted: impl Fn(ExitTest) -> ExitTest,
    check: impl Fn(Exit) -> Exit,
    kept: bool,
    ran: &[&str],
) {
    by_both(way, |test| {
        let directory = tempfile::tempdir().expect("a directory");
        let exit = check(scripted(test.current_dir(&directory)).run().expect("a run"));
        let left = if kept { &["directory", "lock", "named"][..] } else { &[] };
        assert_eq!(left_in(directory.path()), left, "{way}");
        let made = marks(&exit);
        let seen: Vec<&str> = made.iter().map(String::as_str).filter(|mark| *mark != "ready").collect();
        assert_eq!(seen, ran, "{way}");
        if kept {
            fails_with(|| exit.cleanup_ran(RELEASED), &["there is no evidence that it did"]);
        } else {
            fails_with(|| exit.cleanup_skipped(RELEASED), &["it ran: a mark was made at"]);
        }
    });
}

const fn unscripted(test: ExitTest) -> ExitTest {
    test
}

#[test]
fn b08_guards_run_on_a_return_and_on_an_error() {
    leaves("guards-then-return", unscripted, |exit| exit.code(0), false, &[IN_ORDER, RELEASED]);
    // scopeguard takes only a panic for a failure.
    leaves("guards-then-error", unscripted, |exit| exit.code(1), false, &[IN_ORDER, RELEASED]);
}

#[test]
fn b08_guards_run_while_a_panic_unwinds() {
    leaves("guards-then-panic", unscripted, |exit| exit.code(101), false, &[UNWOUND, RELEASED]);
}

#[test]
fn b09_no_guard_runs_on_exit_immediate_exit_and_abort() {
    leaves("guards-then-exit", unscripted, |exit| exit.code(3), true, &[]);
    leaves("guards-then-immediate-exit", unscripted, |exit| exit.code(3), true, &[]);
    leaves("guards-then-abort", unscripted, Exit::aborted, true, &[]);
}

#[test]
fn g01_no_guard_runs_on_a_signal_without_a_handler() {
    for signal in [SIGTERM, SIGKILL] {
        let scripted = |test: ExitTest| test.signal_when(signal, Ready::mark("ready"));
        leaves("guards-then-a-signal", scripted, |exit| exit.killed_by(signal), true, &[]);
    }
}

#[test]
fn g02_guards_run_where_a_handled_signal_leads_to_a_return() {
    let scripted = |test: ExitTest| test.signal_when(SIGTERM, Ready::mark("ready"));
    let ran = [IN_ORDER, RELEASED];
    leaves("guards-then-a-handled-signal", scripted, |exit| exit.code(0), false, &ran);
}
