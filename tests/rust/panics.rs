//! Panics: with unwinding and without, caught, one within another, with hooks that leave.

use std::process::Command;

use exeunt::prelude::*;
use tempfile::TempDir;

use crate::support::{fails_with, fixture, needs};
use crate::ways::{HOOK, PENDING};
use crate::{by_both, function_that, marks, program_that};

#[test]
fn b07_an_uncaught_panic_ends_with_101_and_tells_its_place() {
    by_both("panic", |test| {
        let exit = test.code(101).stderr(
            predicate::str::contains("fixtures/rust/leaves/ways/panics.rs:")
                .and(predicate::str::contains("something is wrong")),
        );
        fails_with(|| exit.clone().code(1), &["expected: exit code 1", "happened: exit code 101"]);
        fails_with(|| exit.aborted(), &["happened: exit code 101"]);
    });
    function_that("panic").panicked_with("something is wrong");
}

#[test]
fn b08_drops_run_while_a_panic_unwinds_and_hooks_and_flushes_after() {
    by_both("panic", |test| {
        let exit = test.code(101).dropped("value").cleanup_ran(HOOK).flushed(PENDING);
        assert_eq!(marks(&exit), ["value", HOOK]);
        fails_with(|| exit.not_dropped("value"), &["1 guard was armed, 1 dropped"]);
    });
}

#[test]
fn b05_a_panic_can_be_caught_and_the_program_goes_on() {
    by_both("panic-that-is-caught", |test| {
        let exit = test.success().cleanup_ran("it was caught").dropped("value");
        // It is printed all the same: the panic hook runs before anybody can catch.
        let exit = exit.stderr(predicate::str::contains("something is wrong"));
        fails_with(|| exit.code(101), &["happened: exit code 0"]);
    });
}

#[test]
fn a_panic_hook_that_exits_leaves_before_anything_is_dropped() {
    by_both("panic-with-a-hook-that-exits", |test| {
        let exit = test.code(9).not_dropped("value").cleanup_ran(HOOK).stderr("");
        fails_with(|| exit.clone().code(101), &["happened: exit code 9"]);
        fails_with(|| exit.dropped("value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn a_panic_while_panicking_aborts_and_drops_no_more() {
    by_both("panic-while-panicking", |test| {
        let exit = test.aborted().not_dropped("value").cleanup_skipped(HOOK).not_flushed(PENDING);
        let both = predicate::str::contains("something is wrong")
            .and(predicate::str::contains("and again while unwinding"));
        let exit = exit.stderr(both);
        fails_with(|| exit.code(101), &["happened: killed by SIGABRT (6)"]);
    });
}

#[test]
fn t02_a_panic_in_a_thread_ends_the_thread_only() {
    by_both("panic-in-a-thread", |test| {
        let exit = test.success().dropped("value").cleanup_ran("the thread panicked");
        let exit = exit.stderr(predicate::str::contains("something is wrong in the thread"));
        fails_with(|| exit.code(101), &["happened: exit code 0"]);
    });
}

/// `fixtures/rust/panics.rs`, compiled with this strategy for panics into a directory that is kept as long
/// as the program is needed.
#[track_caller]
fn panics(strategy: &str) -> Option<(ExitTest, TempDir)> {
    let compiler = needs("rustc")?;
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let compiled = place.path().join("panics");
    let output = Command::new(compiler)
        .args(["--edition=2024", "-Cdebuginfo=0", "-Dwarnings"])
        .arg(format!("-Cpanic={strategy}"))
        .arg("-o")
        .arg(&compiled)
        .arg(fixture("rust/panics.rs"))
        .output()
        .expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((program(compiled).env("RUST_BACKTRACE", "0"), place))
}

#[test]
fn b08_a_panic_that_unwinds_runs_drops_and_hooks() {
    let Some((unwinding, _place)) = panics("unwind") else { return };
    let exit = unwinding.code(101).flushed(PENDING);
    assert_eq!(
        marks(&exit),
        [
            "the panic hook ran",
            "the guard was dropped",
            "it was caught",
            "the panic hook ran",
            "the guard was dropped",
            "the hook ran"
        ]
    );
    fails_with(|| exit.aborted(), &["expected: aborted", "happened: exit code 101"]);
}

#[test]
fn b08_a_panic_that_aborts_runs_its_panic_hook_and_nothing_else() {
    let Some((aborting, _place)) = panics("abort") else { return };
    let exit = aborting.aborted().not_flushed(PENDING).stderr(predicate::str::contains("something is wrong"));
    assert_eq!(marks(&exit), ["the panic hook ran"]);
    fails_with(|| exit.clone().code(101), &["happened: killed by SIGABRT (6)"]);
    fails_with(|| exit.clone().cleanup_ran("it was caught"), &["there is no evidence that it did"]);
    fails_with(|| exit.cleanup_ran("the guard was dropped"), &["there is no evidence that it did"]);
}

#[test]
fn the_second_panic_prints_a_backtrace_whatever_was_asked_for() {
    let trace = || predicate::str::contains("stack backtrace:");
    let exit = program_that("panic-while-panicking").env("RUST_BACKTRACE", "0").aborted();
    let exit = exit.stderr(trace());
    // Whose lines hold many words: a short label is found in them.
    let exit = exit.cleanup_ran("hook").cleanup_skipped(HOOK);
    fails_with(|| exit.cleanup_skipped("hook"), &["it ran: stderr said ", "panic_with_hook"]);
    let once = program_that("panic").env("RUST_BACKTRACE", "0").code(101);
    fails_with(|| once.stderr(trace()), &["expected: of stderr"]);
}
