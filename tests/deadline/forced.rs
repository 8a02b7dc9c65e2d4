//! What the harness had to end, and how that is told.

use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{DEADLINE, PROMPTLY};

/// A shell that says "up" when it has made this arrangement, and waits.
fn shell(arrangement: &str) -> ExitTest {
    let script = format!("{arrangement}; echo up; while :; do sleep 0.01; done");
    program("sh").args(["-c", &script]).ready_when(Ready::stdout("up")).timeout(DEADLINE)
}

#[test]
fn a_target_that_ignores_sigterm_is_killed_and_that_is_the_harnesss_own_kill() {
    let exit = shell("trap '' TERM").signal_after(SIGTERM, ms(0)).timed_out();
    assert_eq!(*exit.ending(), Ending::TimedOut { after: DEADLINE });
    assert_eq!(exit.output().status.signal(), Some(9), "`output` shows what the kernel saw");
    for signal in [SIGKILL, SIGTERM] {
        fails_with(
            || exit.clone().killed_by(signal),
            &[
                &format!("expected: killed by {signal}"),
                "happened: still running after 700 ms, ended by the harness, ",
                " after SIGTERM (15) was sent",
                "hint: the target ignores SIGTERM (15). exeunt starts it with every signal at its default action",
                "SIGTERM (15) sent, which the target ignored",
                "the harness gave up waiting",
            ],
        );
    }
    let told = &["happened: still running after 700 ms, ended by the harness"];
    fails_with(|| exit.clone().code(137), told);
    fails_with(|| exit.clone().failure(), told);
    fails_with(|| exit.clone().within(secs(600)), told);
    // One that does not ignore it ends in time, by the signal.
    let exit = shell(":").signal_after(SIGTERM, ms(0)).killed_by(SIGTERM);
    fails_with(|| exit.timed_out(), &["expected: still running at the deadline", "killed by SIGTERM (15)"]);
}

#[test]
fn a_target_that_kills_itself_is_not_marked_as_timed_out() {
    let exit = program("sh").args(["-c", "kill -KILL $$"]).timeout(DEADLINE).killed_by(SIGKILL);
    fails_with(
        || exit.timed_out(),
        &["happened: killed by SIGKILL (9)", "SIGKILL (9) was not sent by the script or the harness"],
    );
}

#[test]
fn a_target_that_is_stopped_is_ended_all_the_same() {
    let begin = Instant::now();
    let exit = program("sh").args(["-c", "kill -STOP $$"]).timeout(ms(200)).timed_out();
    fails_with(
        || exit.success(),
        &["still running after 200 ms", "still running:\n", "(sh) stopped by a signal"],
    );
    assert!(begin.elapsed() < PROMPTLY);
}

#[test]
fn a_target_that_never_stops_writing_is_ended_at_its_deadline() {
    let begin = Instant::now();
    let plan = || program("sh").args(["-c", "yes & yes >&2"]).timeout(ms(200)).capture_limit(1024);
    let exit = plan().timed_out();
    assert!(begin.elapsed() < PROMPTLY, "{:?}", begin.elapsed());
    assert!(exit.stdout_bytes().len() == 1024 && exit.stderr_bytes().len() == 1024);
    fails_with(|| exit.success(), &["happened: still running after 200 ms", "not shown"]);
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
