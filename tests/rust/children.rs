//! Children of `Command`: who ends them, who waits for them, and what their parent sees of their end.

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};
use crate::ways::HOOK;
use crate::{by_both, program_that};

#[test]
fn g07_a_child_that_handles_sigusr1_leaves_with_0_and_drops_all() {
    let exit = program_that("child-is-asked-and-leaves").success();
    let exit = exit.cleanup_ran("the child was asked").dropped("the child's value");
    let exit = exit.cleanup_ran("code Some(0), signal None");
    fails_with(|| exit.cleanup_ran("code None, signal Some(10)"), &["there is no evidence that it did"]);
}

#[test]
fn s04_kill_of_std_is_sigkill_and_lets_nothing_clean_up() {
    let exit = program_that("child-is-killed-by-std").success();
    let exit = exit.cleanup_skipped("the child was asked").not_dropped("the child's value");
    let exit = exit.cleanup_ran("code None, signal Some(9)");
    fails_with(|| exit.dropped("the child's value"), &["1 guard was armed, 0 dropped"]);
}

#[test]
fn t06_a_parent_sees_a_code_or_a_signal_and_a_child_killed_by_sigterm_drops_nothing() {
    let exit = program_that("children-and-their-statuses").success().stdout(
        "return-an-error: code Some(1), signal None\n\
         panic-in-main-after-a-line: code Some(101), signal None\n\
         wait-after-a-line: code None, signal Some(15)\n",
    );
    // The first of them left by its end, the last by the signal.
    let exit = exit.cleanup_ran(HOOK);
    let dropped: Vec<_> = exit.marks().iter().filter(|mark| mark.label() == "value").collect();
    let pids: Vec<_> = dropped.iter().map(|mark| mark.pid()).collect();
    assert_eq!(dropped.len(), 3, "armed and dropped in one, armed in the other: {dropped:?}");
    assert_eq!(pids[0], pids[1], "{dropped:?}");
    assert_ne!(pids[0], pids[2], "{dropped:?}");
    fails_with(|| exit.stdout(predicate::str::contains("code Some(143)")), &["expected: of stdout"]);
}

#[test]
fn t07_a_parent_that_returns_does_not_wait_and_its_child_outlives_it() {
    by_both("child-that-outlives", |test| {
        let exit = test.success().leftovers_are(1);
        // It may have come no further than into `exec`, so that it has no name yet to go by.
        fails_with(|| exit.no_leftovers(), &["left behind and killed: 1 process"]);
    });
}

#[test]
fn t07_a_guard_that_ends_the_child_leaves_nothing() {
    by_both("child-ended-by-a-guard", |test| {
        let exit = test.success().cleanup_ran("the child was ended");
        let exit = exit.no_leftovers().no_zombies();
        let report = report_of(|| exit.leftovers_are(1));
        assert!(!report.contains("left behind"), "{report}");
    });
}

#[test]
fn t08_an_exit_skips_the_guard_and_the_child_is_orphaned() {
    by_both("child-ended-by-a-guard-that-exit-skips", |test| {
        let exit = test.success().cleanup_skipped("the child was ended").leftovers_are(1);
        fails_with(|| exit.cleanup_ran("the child was ended"), &["there is no evidence that it did"]);
    });
}

#[test]
fn f04_a_child_that_is_never_waited_for_is_a_zombie_while_its_parent_lives() {
    by_both("child-that-is-never-waited-for", |test| {
        let exit = test.ready_when(Ready::mark("ready")).still_running_after(ms(0));
        let exit = exit.cleanup_ran("the child's state is Z");
        // What has ended is no leftover.
        let exit = exit.no_leftovers();
        fails_with(|| exit.no_zombies(), &["expected: every child is waited for"]);
    });
}
