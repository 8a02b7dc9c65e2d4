//! What the harness had to end, and how that is told.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use exeunt::prelude::*;

use crate::PROMPTLY;
use crate::support::{fails_at_a_deadline, fails_with, times_out};

/// A deadline of these tests as a report names it.
fn in_words(time: Duration) -> String {
    if time < secs(1) { format!("{} ms", time.as_millis()) } else { format!("{} s", time.as_secs_f64()) }
}

/// A shell that says "up" when it has made this arrangement, and waits.
fn shell(arrangement: &str) -> ExitTest {
    let script = format!("{arrangement}; echo up; while :; do sleep 0.01; done");
    program("sh").args(["-c", &script]).ready_when(Ready::stdout("up"))
}

#[test]
fn a_target_that_ignores_sigterm_is_killed_and_that_is_the_harnesss_own_kill() {
    let exit = times_out(|| shell("trap '' TERM").signal_after(SIGTERM, ms(0)), |_| true);
    let Ending::TimedOut { after } = *exit.ending() else { panic!("{exit}") };
    let after = format!("happened: still running after {}, ended by the harness", in_words(after));
    assert_eq!(exit.output().status.signal(), Some(9), "`output` shows what the kernel saw");
    for signal in [SIGKILL, SIGTERM] {
        fails_with(
            || exit.clone().killed_by(signal),
            &[
                &format!("expected: killed by {signal}"),
                &format!("{after}, "),
                " after SIGTERM (15) was sent",
                "hint: the target ignores SIGTERM (15). exeunt starts it with every signal at its default action",
                "SIGTERM (15) sent, which the target ignored",
                "the harness gave up waiting",
            ],
        );
    }
    let told = &[after.as_str()];
    fails_with(|| exit.clone().code(137), told);
    fails_with(|| exit.clone().failure(), told);
    fails_with(|| exit.clone().within(secs(600)), told);
    // One that does not ignore it ends in time, by the signal.
    let exit = shell(":").signal_after(SIGTERM, ms(0)).killed_by(SIGTERM);
    fails_with(|| exit.timed_out(), &["expected: still running at the deadline", "killed by SIGTERM (15)"]);
}

#[test]
fn a_target_that_kills_itself_is_not_marked_as_timed_out() {
    let exit = program("sh").args(["-c", "kill -KILL $$"]).killed_by(SIGKILL);
    fails_with(
        || exit.timed_out(),
        &["happened: killed by SIGKILL (9)", "SIGKILL (9) was not sent by the script or the harness"],
    );
}

#[test]
fn a_target_that_is_stopped_is_ended_all_the_same() {
    let begin = Instant::now();
    let plan = || program("sh").args(["-c", "kill -STOP $$"]);
    fails_at_a_deadline(
        |deadline| plan().timeout(deadline).timed_out().success(),
        "(sh) stopped by a signal",
        &["still running after ", "still running:\n"],
    );
    assert!(begin.elapsed() < PROMPTLY);
}

#[test]
fn a_target_that_never_stops_writing_is_ended_at_its_deadline() {
    let plan = || program("sh").args(["-c", "yes & yes >&2"]).capture_limit(1024);
    let both_write = |exit: &Exit| exit.stdout_bytes().len() == 1024 && exit.stderr_bytes().len() == 1024;
    let exit = times_out(plan, both_write);
    let Ending::TimedOut { after } = *exit.ending() else { panic!("{exit}") };
    assert!(exit.duration() < after + PROMPTLY, "{exit}");
    assert!(both_write(&exit));
    fails_with(|| exit.success(), &["happened: still running after ", "not shown"]);
}

#[test]
fn an_observation_that_is_over_is_no_deadline_that_struck() {
    let exit = program("sleep").arg("600").timeout(secs(600)).still_running_after(ms(20));
    assert!(matches!(exit.ending(), Ending::TimedOut { after } if *after < secs(600)), "{exit:?}");
    fails_with(|| exit.killed_by(SIGKILL), &["happened: still running after ", "ended by the harness"]);
    fails_with(
        || program("true").timeout(secs(600)).still_running_after(secs(300)),
        &["expected: still running after 300 s", "because: it ran for ", "happened: exit code 0"],
    );
}
