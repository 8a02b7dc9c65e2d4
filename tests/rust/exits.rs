//! `exit`, `_exit` and `abort`: what each skips.

use exeunt::prelude::*;

use crate::support::{fails_with, needs};
use crate::ways::{HOOK, PENDING};
use crate::{by_both, function_that, marks, program_that};

#[test]
fn b01_process_exit_stops_the_program() {
    by_both("exit", |test| {
        let exit = test.code(3).cleanup_skipped("it went on");
        fails_with(|| exit.clone().cleanup_ran("it went on"), &["there is no evidence that it did"]);
        fails_with(|| exit.success(), &["happened: exit code 3"]);
    });
}

#[test]
fn b02_process_exit_sets_the_code_that_it_is_given() {
    assert_exit_with(42, |code: i32| std::process::exit(code)).code(42);
    let other = assert_exit_with(41, |code: i32| std::process::exit(code));
    fails_with(|| other.code(42), &["expected: exit code 42", "happened: exit code 41"]);
}

#[test]
fn b03_process_exit_raises_nothing_that_could_be_caught() {
    by_both("exit-in-catch-unwind", |test| {
        let exit = test.code(3).cleanup_skipped("it was caught");
        fails_with(|| exit.cleanup_ran("it was caught"), &["there is no evidence that it did"]);
    });
}

#[test]
fn b08_process_exit_runs_the_hooks_and_flushes_stdout_and_drops_nothing() {
    by_both("exit", |test| {
        let exit = test.code(3).not_dropped("value").cleanup_ran(HOOK).flushed(PENDING);
        fails_with(
            || exit.clone().dropped("value"),
            &["the guard \"value\" is dropped", "1 guard was armed, 0 dropped"],
        );
        fails_with(|| exit.cleanup_skipped(HOOK), &["it ran: "]);
    });
}

#[test]
fn b09_the_c_librarys_exit_runs_the_hooks_and_loses_the_unfinished_line() {
    by_both("exit-of-the-c-library", |test| {
        let exit = test.code(3).not_dropped("value").cleanup_ran(HOOK).not_flushed(PENDING).stdout("");
        fails_with(|| exit.flushed(PENDING), &["is flushed to stdout or stderr"]);
    });
}

#[test]
fn b09_immediate_exit_runs_no_drop_and_no_hook_and_flushes_nothing() {
    by_both("immediate-exit", |test| {
        let exit = test.code(3).not_dropped("value").cleanup_skipped(HOOK).not_flushed(PENDING);
        fails_with(|| exit.clone().dropped("value"), &["1 guard was armed, 0 dropped"]);
        fails_with(|| exit.clone().cleanup_ran(HOOK), &["there is no evidence that it did"]);
        fails_with(|| exit.flushed(PENDING), &["is flushed to stdout or stderr"]);
    });
    function_that("immediate-exit").exited_immediately();
    fails_with(|| function_that("exit").exited_immediately(), &["the function called `exit`"]);
}

#[test]
fn b10_an_abort_is_a_signal_and_an_immediate_exit_is_none() {
    by_both("abort", |test| {
        let exit = test.aborted().not_dropped("value").cleanup_skipped(HOOK).not_flushed(PENDING);
        fails_with(|| exit.code(134), &["happened: killed by SIGABRT (6)"]);
    });
    by_both("immediate-exit", |test| {
        fails_with(|| test.failure().aborted(), &["happened: exit code 3"]);
    });
}

#[test]
fn b12_a_code_out_of_range_loses_all_but_its_lowest_eight_bits() {
    by_both("exit-256", |test| {
        let exit = test.success();
        fails_with(|| exit.code(256), &["256"]);
    });
    by_both("exit-minus-1", |test| {
        let exit = test.code(255);
        fails_with(|| exit.success(), &["happened: exit code 255"]);
    });
}

#[test]
fn b13_a_library_that_calls_exit_ends_its_caller_which_cannot_guard() {
    by_both("exit-of-a-library", |test| {
        let exit = test.code(78).not_dropped("value").cleanup_ran(HOOK).cleanup_skipped("it went on");
        let exit = exit.stderr("library: there are no settings\n");
        fails_with(|| exit.cleanup_ran("it went on"), &["there is no evidence that it did"]);
    });
}

#[test]
fn b14_a_drop_that_exits_hides_the_panic_that_was_on_its_way() {
    by_both("exit-in-a-drop", |test| {
        let exit = test.success().stderr(predicate::str::contains("the real trouble"));
        // What was declared before the guard is not reached any more.
        let exit = exit.not_dropped("value");
        fails_with(|| exit.code(101), &["expected: exit code 101", "happened: exit code 0"]);
    });
    let exit = function_that("exit-in-a-drop").success();
    fails_with(|| exit.panicked(), &["the function called `exit`", "the real trouble"]);
}

#[test]
fn b15_a_backtrace_is_shown_where_it_is_asked_for() {
    let shows = |value: &str| program_that("panic").env("RUST_BACKTRACE", value).code(101);
    shows("1").stderr(predicate::str::contains("stack backtrace:"));
    fails_with(
        || shows("0").stderr(predicate::str::contains("stack backtrace:")),
        &["expected: of stderr", "something is wrong"],
    );
}

#[test]
fn b16_strace_shows_exit_and_immediate_exit_as_the_same_call() {
    let Some(strace) = needs("strace") else { return };
    let leaves = env!("CARGO_BIN_EXE_leaves");
    for way in ["exit", "immediate-exit"] {
        let traced = program(&strace).args(["-f", "-e", "trace=exit_group", leaves, way]);
        let exit = traced.code(3).stderr(predicate::str::contains("exit_group(3)"));
        fails_with(|| exit.stderr(predicate::str::contains("exit_group(4)")), &["expected: of stderr"]);
    }
}

#[test]
fn what_is_left_out_of_a_way_is_in_no_mark() {
    let exit = program_that("immediate-exit").code(3);
    assert_eq!(marks(&exit), Vec::<String>::new());
    assert_eq!(marks(&program_that("exit").code(3)), [HOOK]);
}
