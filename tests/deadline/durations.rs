//! Durations that are no time at all, or more than any clock can count.

use std::time::Duration;

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

#[test]
fn a_timeout_of_zero_is_refused_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    let touched = directory.path().join("touched");
    let plan = || program("touch").arg(&touched);
    let told = "a timeout of zero gives the target no time at all";
    assert_eq!(plan().timeout(Duration::ZERO).run().unwrap_err().to_string(), told);
    assert_eq!(report_of(|| plan().timeout(Duration::ZERO).timed_out()), told);
    assert!(!touched.exists());
    plan().success();
    assert!(touched.exists());
}

#[test]
fn a_nanosecond_is_a_deadline_like_any_other() {
    // It strikes while the target's process is still being made ready.
    for _ in 0..20 {
        let exit = program("sleep").arg("600").timeout(Duration::from_nanos(1)).timed_out();
        assert!(exit.duration() < secs(10), "times count from its start: {exit:?}");
        fails_with(|| exit.success(), &["happened: still running after 0 ms, ended by the harness"]);
    }
}

#[test]
fn a_duration_that_no_clock_can_count_is_a_very_long_one() {
    program("true").timeout(Duration::MAX).success().within(Duration::MAX);
    fails_with(|| program("false").timeout(Duration::MAX).success(), &["happened: exit code 1"]);
    fails_with(
        || program("true").signal_after(SIGTERM, Duration::MAX).success(),
        &["not reached: SIGTERM (15) after ", "because: the target had ended "],
    );
    fails_with(
        || program("true").ready_when(Ready::delay(Duration::MAX)).success(),
        &["not reached: readiness", "because: the target had ended "],
    );
    fails_with(|| program("true").still_running_after(Duration::MAX), &["happened: exit code 0"]);
    // Its deadline strikes long before.
    fails_with(
        || {
            program("sleep")
                .arg("600")
                .signal_after(SIGTERM, Duration::MAX)
                .timeout(ms(100))
                .killed_by(SIGTERM)
        },
        &["not reached: SIGTERM (15) after ", "because: the deadline came before"],
    );
}

#[test]
fn durations_of_zero_that_have_a_sense_are_taken() {
    let plan = || program("sleep").arg("600");
    plan().signal_after(SIGTERM, Duration::ZERO).killed_by(SIGTERM);
    plan().ready_when(Ready::delay(Duration::ZERO)).signal_after(SIGKILL, Duration::ZERO).killed_by(SIGKILL);
    plan().still_running_after(Duration::ZERO);
    fails_with(
        || program("true").within(Duration::ZERO),
        &["expected: ended within 0 ms", "because: it took "],
    );
}
