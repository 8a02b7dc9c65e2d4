//! `cleanup_check`: a question of the test's own, asked once, after the end.

use std::cell::Cell;
use std::rc::Rc;

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn a_check_that_holds_is_evidence_for_its_label() {
    let plan = || program("true").cleanup_check("lock removed", || true);
    let exit = plan().cleanup_ran("lock removed").success();
    fails_with(|| exit.clone().cleanup_skipped("lock removed"), &["it ran: its `cleanup_check` held"]);
    fails_with(|| exit.cleanup_ran("lock kept"), &["there is no evidence that it did", "and 0 checks"]);
}

#[test]
fn a_check_that_does_not_hold_is_no_evidence_and_named() {
    let plan = || program("true").cleanup_check("lock removed", || false);
    plan().cleanup_skipped("lock removed");
    fails_with(
        || plan().cleanup_ran("lock removed"),
        &[
            "there is no evidence that it did",
            "the `cleanup_check` of this label did not hold",
            "looked at 0 marks, 0 lines of stdout, 0 lines of stderr and 1 check",
        ],
    );
    // Other evidence for the same label still counts.
    let plan = program("sh").args(["-c", "echo lock removed"]).cleanup_check("lock removed", || false);
    plan.cleanup_ran("lock removed");
}

#[test]
fn a_check_is_asked_once_and_after_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("lock");
    let asked = Rc::new(Cell::new(0));
    let plan = |script: &str| {
        let (lock, asked) = (lock.clone(), Rc::clone(&asked));
        let check = move || {
            asked.set(asked.get() + 1);
            !lock.exists()
        };
        program("sh").args(["-c", script]).arg(directory.path().join("lock")).cleanup_check("removed", check)
    };
    let unasked = plan(":");
    assert_eq!(asked.get(), 0);
    drop(unasked);
    let exit = plan("trap 'rm \"$0\"' EXIT; : > \"$0\"").cleanup_ran("removed");
    assert_eq!(asked.get(), 1);
    // The facts are as they were at the end of the run.
    std::fs::write(&lock, "").unwrap();
    exit.cleanup_ran("removed").cleanup_ran("removed");
    assert_eq!(asked.get(), 1);
    fails_with(|| plan(": > \"$0\"").cleanup_ran("removed"), &["did not hold"]);
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_check_is_not_asked_where_nothing_was_started() {
    let plan = || program("/no/such/program").cleanup_check("removed", || panic!("asked in vain"));
    fails_with(|| plan().cleanup_ran("removed"), &["could not start"]);
    fails_with(
        || program("true").cleanup_check("removed", || panic!("asked")).cleanup_ran("removed"),
        &["asked"],
    );
}

#[test]
fn several_checks_count_each_for_its_label() {
    let plan = || program("true").cleanup_check("a", || true).cleanup_check("b", || false);
    let exit = plan().cleanup_ran("a").cleanup_skipped("b");
    fails_with(|| exit.cleanup_ran("b"), &["did not hold"]);
    // One of them is enough.
    plan().cleanup_check("b", || true).cleanup_ran("b");
}
