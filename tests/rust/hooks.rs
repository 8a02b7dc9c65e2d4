//! Exit hooks (`atexit`): when they run, in which order, and what one of them can do to the others.

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{by_both, function_that, marks};

#[test]
fn h01_hooks_run_after_a_return_an_exit_and_a_panic() {
    for (way, code) in [("hooks-then-return", 0), ("hooks-then-exit", 3), ("hooks-then-panic", 101)] {
        by_both(way, |test| {
            let exit = test.code(code).cleanup_ran("registered first").cleanup_ran("registered last");
            fails_with(|| exit.cleanup_skipped("registered first"), &["it ran: a mark was made at"]);
        });
        function_that(way).hooks_ran();
    }
}

#[test]
fn h02_the_hook_that_was_registered_last_runs_first() {
    by_both("hooks-then-exit", |test| {
        let exit = test.code(3).cleanup_order(["registered last", "registered first"]);
        fails_with(
            || exit.cleanup_order(["registered first", "registered last"]),
            &["the marks say otherwise (- expected, + seen)"],
        );
    });
}

#[test]
fn h03_a_hook_that_is_registered_twice_runs_twice_and_none_is_taken_out() {
    by_both("hook-registered-twice", |test| {
        let exit = test.code(3);
        assert_eq!(marks(&exit), ["registered first", "registered last", "registered first"]);
        fails_with(|| exit.cleanup_ran_once("registered first"), &["it ran more than once: 2 marks"]);
    });
}

#[test]
fn h05_a_hook_that_panics_aborts_and_the_hooks_before_it_are_lost() {
    by_both("hook-that-panics", |test| {
        let exit = test.aborted().cleanup_ran("registered last").cleanup_skipped("registered first");
        let exit = exit.stderr(
            predicate::str::contains("in the hook")
                .and(predicate::str::contains("panic in a function that cannot unwind")),
        );
        fails_with(|| exit.code(3), &["expected: exit code 3", "happened: killed by SIGABRT (6)"]);
    });
    fails_with(|| function_that("hook-that-panics").hooks_ran(), &["one of them did not return"]);
}

#[test]
fn h05_a_hook_that_calls_the_c_librarys_exit_sets_the_code_and_the_others_run() {
    by_both("hook-that-exits-by-the-c-library", |test| {
        let exit = test.code(9);
        assert_eq!(marks(&exit), ["registered last", "registered first"]);
        fails_with(|| exit.code(3), &["happened: exit code 9"]);
    });
}

#[test]
fn h05_a_hook_that_calls_process_exit_again_aborts() {
    by_both("hook-that-exits-by-rust", |test| {
        let exit = test.aborted().cleanup_ran("registered last").cleanup_skipped("registered first");
        let exit = exit.stderr(predicate::str::contains("std::process::exit called re-entrantly"));
        fails_with(|| exit.code(9), &["expected: exit code 9", "happened: killed by SIGABRT (6)"]);
    });
}

#[test]
fn h05_a_hook_that_leaves_immediately_cuts_the_others_off() {
    by_both("hook-that-exits-immediately", |test| {
        let exit = test.code(9).cleanup_ran("registered last").cleanup_skipped("registered first");
        fails_with(|| exit.cleanup_ran("registered first"), &["there is no evidence that it did"]);
    });
}

#[test]
fn h06_no_hook_runs_on_an_abort() {
    by_both("hooks-then-abort", |test| {
        let exit = test.aborted();
        assert_eq!(marks(&exit), Vec::<String>::new());
        fails_with(|| exit.cleanup_ran("registered last"), &["there is no evidence that it did"]);
    });
}

#[test]
fn h09_the_values_of_main_are_dropped_before_the_hooks_run() {
    by_both("hooks-then-return", |test| {
        let exit = test.code(0).all_dropped();
        let exit = exit.cleanup_order(["value", "registered last", "registered first"]);
        fails_with(|| exit.cleanup_order(["registered first", "value"]), &["the marks say otherwise"]);
    });
    // After `exit` there is nothing left that would drop them.
    by_both("hooks-then-exit", |test| {
        let exit = test.not_dropped("value");
        fails_with(|| exit.dropped("value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn h10_a_slow_hook_delays_the_end_and_the_others_still_run() {
    by_both("hook-that-takes-its-time", |test| {
        let exit = test.signal_when(SIGUSR1, Ready::mark("in the hook")).code(3);
        assert_eq!(marks(&exit), ["registered last", "in the hook", "registered first"]);
        let exit = exit.cleanup_ran("registered first");
        fails_with(|| exit.cleanup_ran("registered last"), &["before SIGUSR1 (10) was sent"]);
    });
    by_both("hook-that-takes-its-time", |test| {
        let exit = test.ready_when(Ready::mark("in the hook")).still_running_after(ms(100));
        fails_with(|| exit.cleanup_ran("registered first"), &["there is no evidence that it did"]);
    });
}
