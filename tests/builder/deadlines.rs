//! `timeout` and `timed_out`: a run is over at its deadline, and what the harness did to end it is
//! never taken for the target's own end.

use std::time::{Duration, Instant};

use exeunt::prelude::*;

use crate::process::PATIENCE;
use crate::support::{fails_with, times_out};

fn is_stopped(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") T "))
}

fn forever() -> ExitTest {
    program("sleep").arg("1000")
}

#[test]
fn a_target_that_runs_on_is_ended_at_the_deadline_and_reported_as_running() {
    let begin = Instant::now();
    let exit = forever().timeout(ms(150)).timed_out();
    assert!(begin.elapsed() >= ms(150) && begin.elapsed() < PATIENCE);
    assert!(matches!(exit.ending(), Ending::TimedOut { .. }));
    // The SIGKILL was the harness's: it is no ending of the target's.
    let happened = "happened: still running after";
    fails_with(|| exit.clone().killed_by(SIGKILL), &["expected: killed by SIGKILL (9)", happened]);
    fails_with(|| exit.clone().failure(), &["expected: failure", happened]);
    fails_with(|| exit.clone().code(137), &[happened]);
    fails_with(|| exit.within(PATIENCE), &["ended within", happened]);
}

#[test]
fn a_target_that_ends_in_time_is_not_timed_out() {
    let exit = program("true").timeout(PATIENCE).success();
    fails_with(|| exit.timed_out(), &["expected: still running at the deadline", "happened: exit code 0"]);
    let killed = program("sh").args(["-c", "kill -9 $$"]).timeout(PATIENCE).killed_by(SIGKILL);
    fails_with(|| killed.timed_out(), &["expected: still running at", "happened: killed by SIGKILL (9)"]);
}

#[test]
fn a_target_that_ignores_sigterm_is_timed_out_and_not_killed_by_sigkill() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    let plan = || program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::stdout("ready"));
    let exit = times_out(plan, |exit| crate::sent(exit).len() == 1);
    fails_with(|| exit.killed_by(SIGKILL), &["after SIGTERM (15) was sent", "still running after"]);
    // The control: the same without the trap ends by the signal.
    let script = "echo ready; while :; do sleep 1000; done";
    program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::stdout("ready")).killed_by(SIGTERM);
}

#[test]
fn a_stopped_target_has_not_ended() {
    let plan = || program("sh").args(["-c", "kill -STOP $$; exit 3"]);
    let exit = times_out(plan, |exit| exit.to_string().contains("stopped by a signal"));
    fails_with(|| exit.code(3), &["expected: exit code 3", "still running after"]);
    // The control: it goes on when it is told to.
    plan().signal_when(SIGCONT, Ready::seen("it has stopped", |seen| is_stopped(seen.pid()))).code(3);
}

#[test]
fn a_timeout_of_zero_is_refused() {
    let zero = || program("true").timeout(Duration::ZERO);
    fails_with(|| zero().timed_out(), &["a timeout of zero gives the target no time at all"]);
    assert!(zero().run().is_err());
    program("true").timeout(PATIENCE).success();
}

#[test]
fn the_shortest_timeout_is_a_deadline_like_any_other() {
    let nanosecond = Duration::from_nanos(1);
    forever().timeout(nanosecond).timed_out();
    let function = assert_exit(|| {
        loop {
            std::thread::park();
        }
    });
    function.timeout(nanosecond).timed_out();
}

#[test]
fn the_longest_durations_do_not_overflow() {
    let exit = program("true").timeout(Duration::MAX).success().within(Duration::MAX);
    fails_with(|| exit.still_running_after(Duration::MAX), &["expected: still running after", "it ran for"]);
    let waits_for = |plan: ExitTest| plan.timeout(ms(100)).run().unwrap_err().to_string();
    let late = waits_for(forever().signal_after(SIGTERM, Duration::MAX));
    assert!(late.contains("SIGTERM (15) after") && late.contains("the deadline came before"), "{late}");
    let late = waits_for(forever().ready_when(Ready::delay(Duration::MAX)));
    assert!(late.contains("have passed") && late.contains("the deadline came before"), "{late}");
    program("true").signal_after(SIGTERM, Duration::MAX).allow_early_end().success();
}

#[test]
fn the_deadline_is_for_the_whole_run_and_not_for_each_step() {
    let begin = Instant::now();
    let mut plan = forever();
    for _ in 0..1000 {
        plan = plan.signal_after(SIGCONT, ms(60));
    }
    let error = plan.timeout(ms(300)).run().unwrap_err().to_string();
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    assert!(error.contains("the deadline came before"), "{error}");
    // Those that were due before were sent.
    assert!(error.contains("SIGCONT (18) sent"), "{error}");
}

#[test]
fn what_was_due_after_the_deadline_is_not_done_by_a_harness_that_was_held_up() {
    // The harness's own clock is what this is about, so time has to pass: the gate opens at once, and lets go of
    // the harness when that of the deadline and that of the signal are over.
    const DEADLINE: Duration = ms(300);
    const DUE: Duration = ms(400);
    let held_up = || {
        let gate = Ready::seen("nothing", |_| {
            let begin = Instant::now();
            while begin.elapsed() <= DUE {
                std::thread::park_timeout(DUE);
            }
            true
        });
        forever().ready_when(gate).signal_after(SIGTERM, DUE)
    };
    let error = held_up().timeout(DEADLINE).run().unwrap_err().to_string();
    assert!(error.contains("not reached: SIGTERM (15)"), "{error}");
    assert!(error.contains("the deadline came before") && !error.contains("SIGTERM (15) sent"), "{error}");
    held_up().timeout(PATIENCE).killed_by(SIGTERM);
}
