//! A return from `main`: every drop and every hook runs, and what was printed is flushed.

use exeunt::prelude::*;

use crate::by_both;
use crate::support::fails_with;
use crate::ways::{HOOK, PENDING};

#[test]
fn b04_a_return_is_0_unless_main_says_otherwise() {
    by_both("return", |test| {
        let exit = test.code(0).dropped("value").cleanup_ran(HOOK).flushed(PENDING).stderr("");
        fails_with(|| exit.clone().not_dropped("value"), &["the guard \"value\" is not dropped"]);
        fails_with(|| exit.code(3), &["expected: exit code 3", "happened: exit code 0"]);
    });
    by_both("return-3", |test| {
        let exit = test.code(3).dropped("value").cleanup_ran(HOOK).flushed(PENDING).stderr("");
        fails_with(|| exit.success(), &["happened: exit code 3"]);
    });
}

#[test]
fn b06_an_error_that_main_returns_is_printed_for_programmers_and_the_code_is_1() {
    by_both("return-an-error", |test| {
        let exit = test.code(1).stderr("Error: \"the disk is full\"\n").stdout(PENDING);
        let exit = exit.dropped("value").cleanup_ran(HOOK);
        // It is what `Debug` shows, quotes included.
        fails_with(|| exit.clone().stderr("Error: the disk is full\n"), &["expected: of stderr"]);
        fails_with(|| exit.success(), &["happened: exit code 1"]);
    });
}

#[test]
fn b08_a_question_mark_is_a_return_and_drops_run() {
    by_both("question-mark", |test| {
        let exit = test.code(1).dropped("value").cleanup_ran(HOOK).flushed(PENDING);
        let exit = exit.stderr(predicate::str::starts_with("Error: \"that is no number: "));
        fails_with(|| exit.not_dropped("value"), &["1 guard was armed, 1 dropped"]);
    });
}
