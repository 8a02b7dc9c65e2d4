//! A target that cannot be started: an error that names the path and the operation, within a second,
//! and nothing left behind.
//!
//! Each case has its control in the same test: with the one thing mended that kept the target from
//! starting, the same plan runs.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod program;
mod surroundings;
mod timeout_scale;
mod variables;

use std::time::{Duration, Instant};

use exeunt::prelude::*;

/// How soon a failed start is told. It takes milliseconds; a second is what a person notices.
const PROMPTLY: Duration = Duration::from_secs(1);

/// Asserts that the plan cannot be started: `run` says so promptly, with each of `texts`, and an
/// assertion panics with the very same words.
#[track_caller]
fn is_not_started(plan: impl Fn() -> ExitTest, texts: &[&str]) {
    // The launcher is there from here on: its start is not what is measured.
    assert_exit(|| ()).success();
    // That is asked of the fastest of some runs, for others share the machine.
    let timed = || {
        let begin = Instant::now();
        (plan().run(), begin.elapsed())
    };
    let (result, took) = (0..4).map(|_| timed()).find(|(_, took)| *took < PROMPTLY).unwrap_or_else(timed);
    let error = match result {
        Ok(exit) => panic!("it was started, where it must not: {exit:?}"),
        Err(error) => error,
    };
    let told = error.to_string();
    for text in texts {
        assert!(told.contains(text), "the error lacks {text:?}: {told}");
    }
    assert!(took < PROMPTLY, "told only after {took:?}: {told}");
    assert!(error.exit().is_none(), "what was never started has no exit: {told}");
    // A failed start is no exit status: not even `failure()` accepts it.
    assert_eq!(support::report_of(|| plan().failure()), told);
    assert_eq!(support::report_of(|| plan().code(127)), told);
}

#[test]
fn the_check_of_this_file_notices_a_target_that_is_started() {
    let started = || is_not_started(|| program("false"), &[]);
    support::fails_with(started, &["it was started, where it must not"]);
}
