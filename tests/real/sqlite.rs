//! sqlite3, through Python, killed in the middle of a transaction; and what it makes of that when it is
//! opened again.

use std::path::Path;

use exeunt::prelude::*;

use crate::names_in;
use crate::programs::python_program;
use crate::support::fails_with;

/// A ledger with one entry, in the middle of a transaction that adds many.
fn ledger(directory: &Path, mode: &str) -> Option<ExitTest> {
    Some(python_program("ledger.py")?.arg(mode).arg("ledger.db").current_dir(directory))
}

const BEGUN: &str = "the transaction has begun";

#[test]
fn what_was_not_committed_when_it_was_killed_is_rolled_back_by_who_comes_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(plan) = ledger(directory.path(), "add") else { return };
    let exit = plan.signal_when(SIGKILL, Ready::stdout(BEGUN)).killed_by(SIGKILL);
    fails_with(|| exit.cleanup_ran("rolled back"), &["there is no evidence that it did"]);
    assert_eq!(names_in(directory.path()), ["ledger.db", "ledger.db-journal"]);

    let next = ledger(directory.path(), "check").expect("Python was there a moment ago");
    let next = next.success().stdout("1 entry, ok\n");
    assert_eq!(names_in(directory.path()), ["ledger.db"]);
    fails_with(|| next.stdout("1001 entries, ok\n"), &["expected: of stdout"]);
}

#[test]
fn a_handler_that_leaves_the_block_rolls_back_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(plan) = ledger(directory.path(), "add") else { return };
    let exit = plan.signal_when(SIGTERM, Ready::stdout(BEGUN)).cleanup_ran("rolled back").code(143);
    assert_eq!(names_in(directory.path()), ["ledger.db"]);
    fails_with(|| exit.killed_by(SIGTERM), &["happened: exit code 143"]);
}

#[test]
fn what_was_committed_survives_the_kill() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(plan) = ledger(directory.path(), "add-and-commit") else { return };
    plan.signal_when(SIGKILL, Ready::stdout("committed")).killed_by(SIGKILL);
    let next = ledger(directory.path(), "check").expect("Python was there a moment ago");
    let next = next.success().stdout("1001 entries, ok\n");
    fails_with(|| next.stdout("1 entry, ok\n"), &["expected: of stdout"]);
}
