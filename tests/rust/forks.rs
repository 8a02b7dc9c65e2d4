//! Forks: what runs twice, and how it is kept from that.

use exeunt::prelude::*;

use crate::by_both;
use crate::support::fails_with;

const SETTLED: &str = "the accounts were settled";

#[test]
fn f01_a_forked_child_that_falls_through_runs_its_parents_code_again() {
    by_both("fork-that-falls-through", |test| {
        let exit = test.success().cleanup_ran(SETTLED);
        fails_with(|| exit.cleanup_ran_once(SETTLED), &["2 processes did: a forked child", "goes on"]);
    });
}

#[test]
fn f01_a_panic_in_the_child_that_is_caught_falls_through_as_well() {
    by_both("fork-that-returns-early-by-a-panic-that-is-caught", |test| {
        let exit = test.success().stderr(predicate::str::contains("the child's work is done"));
        fails_with(|| exit.cleanup_ran_once(SETTLED), &["2 processes did: a forked child"]);
    });
}

#[test]
fn f02_a_child_that_leaves_immediately_runs_nothing_of_its_parents() {
    by_both("fork-that-leaves-immediately", |test| {
        let exit = test.success().cleanup_ran("the child's work was done").cleanup_ran_once(SETTLED);
        fails_with(|| exit.cleanup_skipped(SETTLED), &["it ran: "]);
    });
}

#[test]
fn f03_a_child_that_kills_itself_runs_nothing_twice() {
    by_both("fork-that-kills-itself", |test| {
        let exit = test.success().cleanup_ran("the child's work was done").cleanup_ran_once(SETTLED);
        fails_with(|| exit.killed_by(SIGTERM), &["happened: exit code 0"]);
    });
}

#[test]
fn f01_an_unfinished_line_is_in_the_buffers_of_both_and_is_printed_twice() {
    by_both("fork-with-a-line-in-the-buffer", |test| {
        let exit = test.success().stdout("printed onceprinted once");
        fails_with(|| exit.stdout("printed once"), &["expected: of stdout"]);
    });
}

#[test]
fn f05_the_workers_of_a_manager_forked_early_find_nothing_of_what_came_later() {
    by_both("fork-that-forks-later", |test| {
        let exit = test.success().cleanup_ran("the worker finds \"\"");
        fails_with(|| exit.cleanup_ran("the worker finds \"a secret\""), &["there is no evidence"]);
    });
    by_both("fork-after-all", |test| {
        test.success().cleanup_ran("the worker finds \"a secret\"");
    });
}

#[test]
fn h08_a_hook_of_the_parent_runs_in_a_forked_child_that_exits() {
    by_both("fork-that-exits-with-a-hook", |test| {
        let exit = test.success().cleanup_ran("the hook ran");
        fails_with(|| exit.cleanup_ran_once("the hook ran"), &["2 processes did: "]);
    });
    by_both("fork-that-leaves-immediately", |test| {
        fails_with(|| test.cleanup_ran("the hook ran"), &["there is no evidence that it did"]);
    });
}
