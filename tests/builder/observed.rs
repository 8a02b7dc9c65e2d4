//! `still_running_after` and `within`: how long a target lives, counted from what was done to it.

use std::time::{Duration, Instant};

use exeunt::prelude::*;

use crate::process::PATIENCE;
use crate::support::fails_with;

/// Ends only when it is killed.
fn forever() -> ExitTest {
    program("sleep").arg("1000")
}

/// Says that it is ready after 300 ms, and then ends at once.
fn ready_and_gone() -> ExitTest {
    program("sh").args(["-c", "sleep 0.3; echo ready"])
}

#[test]
fn a_target_that_is_still_running_is_observed_so_long_and_then_ended() {
    let begin = Instant::now();
    let exit = forever().still_running_after(ms(150));
    assert!(begin.elapsed() >= ms(150) && begin.elapsed() < PATIENCE);
    assert!(exit.duration() >= ms(150));
    assert!(matches!(exit.ending(), Ending::TimedOut { .. }));
    fails_with(|| exit.success(), &["expected: success", "happened: still running after"]);
}

#[test]
fn a_target_that_has_ended_before_is_not_still_running() {
    let begin = Instant::now();
    let observed = || program("sh").args(["-c", "exit 3"]).still_running_after(PATIENCE);
    fails_with(
        observed,
        &["expected: still running after 20 s", "happened: exit code 3", "because: it ran for"],
    );
    // It is not waited for after its end.
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn the_observation_begins_at_the_last_signal() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    let plan = program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::stdout("ready"));
    let exit = plan.still_running_after(ms(150));
    assert!(exit.duration() >= crate::sent(&exit)[0] + ms(150));

    // One that dies of the signal is not still running, however long it ran before.
    let script = "sleep 0.3; echo ready; sleep 1000";
    let plan = || program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::stdout("ready"));
    let dies = || plan().still_running_after(PATIENCE);
    fails_with(dies, &["still running after 20 s", "killed by SIGTERM (15)", "it ran for"]);
    let exit = plan().killed_by(SIGTERM);
    let after_it = exit.duration().saturating_sub(crate::sent(&exit)[0]);
    fails_with(|| exit.still_running_after(after_it + ms(1)), &["still running after", "it ran for"]);
}

#[test]
fn the_observation_begins_at_readiness_where_there_is_no_signal() {
    let exit = program("sh")
        .args(["-c", "sleep 0.1; echo ready; exec sleep 1000"])
        .ready_when(Ready::stdout("ready"))
        .still_running_after(ms(150));
    assert!(exit.duration() >= crate::ready_at(&exit).unwrap() + ms(150));

    // What it ran before it was ready does not count.
    let plan = || ready_and_gone().ready_when(Ready::stdout("ready"));
    let observed = || plan().still_running_after(PATIENCE);
    fails_with(observed, &["still running after 20 s", "happened: exit code 0", "it ran for"]);
    let exit = plan().success();
    // Its end may have come before the harness saw that it was ready.
    let after_it = exit.duration().saturating_sub(crate::ready_at(&exit).unwrap());
    fails_with(|| exit.still_running_after(after_it + ms(1)), &["still running after", "it ran for"]);
}

#[test]
fn on_facts_the_time_that_it_ran_is_compared() {
    let exit = program("sleep").arg("0.1").success();
    let exit = exit.still_running_after(ms(100));
    fails_with(|| exit.still_running_after(PATIENCE), &["still running after 20 s", "it ran for"]);
}

#[test]
fn an_observation_longer_than_the_timeout_does_not_hold() {
    let observed = || forever().timeout(ms(100)).still_running_after(PATIENCE);
    fails_with(observed, &["expected: still running after 20 s", "still running after", "it ran for"]);
}

#[test]
fn within_counts_from_the_start_where_no_signal_was_sent() {
    let exit = program("sleep").arg("0.1").within(PATIENCE);
    let hardly = Duration::from_nanos(1);
    fails_with(|| exit.within(hardly), &["expected: ended within 0 ms after its start", "it took "]);
}

#[test]
fn within_counts_from_the_last_signal() {
    // It runs for a second before the signal, and ends at once by it.
    let exit = forever().signal_after(SIGTERM, secs(1)).within(ms(999)).killed_by(SIGTERM);
    assert!(exit.duration() >= secs(1));
    fails_with(
        || exit.within(Duration::from_nanos(1)),
        &["expected: ended within 0 ms after SIGTERM (15) was sent", "because: it took"],
    );
}

#[test]
fn a_target_that_was_ended_at_the_deadline_did_not_end_within_any_time() {
    let exit = forever().timeout(ms(100)).timed_out();
    fails_with(
        || exit.within(PATIENCE),
        &["expected: ended within", "after its start", "still running after"],
    );
}
