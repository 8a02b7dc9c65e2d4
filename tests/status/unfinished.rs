//! What has not ended: a stopped process, and one that is still running at its deadline.

use exeunt::prelude::*;

use crate::support::{fails_with, times_out};

#[test]
fn a_stopped_process_has_not_ended() {
    let plan = || {
        assert_exit(|| {
            probe::mark("about to stop");
            // SAFETY: a number only.
            unsafe { libc::raise(libc::SIGSTOP) };
            std::process::exit(0)
        })
    };
    let exit = times_out(plan, |exit| exit.to_string().contains("stopped by a signal"));
    let exit = exit.cleanup_ran("about to stop");
    fails_with(
        || exit.clone().success(),
        &["expected: success", "happened: still running after", "ended by the harness"],
    );
    fails_with(|| exit.clone().killed_by(SIGSTOP), &["expected: killed by SIGSTOP (19)", "still running"]);
    fails_with(|| exit.failure(), &["expected: failure", "still running"]);
}

#[test]
fn a_stopped_process_that_continues_ends_as_it_will() {
    let script = "(while ! grep -q '^State:.*stopped' /proc/$$/status; do :; done; kill -CONT $$) & \
                  kill -STOP $$; wait; exit 5";
    let exit = program("sh").args(["-c", script]).code(5);
    fails_with(|| exit.timed_out(), &["expected: still running at the deadline", "happened: exit code 5"]);
}

#[test]
fn the_kill_of_the_harness_is_not_the_targets_ending() {
    let exit = program("sleep").arg("600").timeout(ms(100)).timed_out();
    fails_with(
        || exit.clone().killed_by(SIGKILL),
        &["expected: killed by SIGKILL (9)", "still running after"],
    );
    fails_with(|| exit.clone().code(137), &["expected: exit code 137", "ended by the harness"]);
    // And a SIGKILL of its own is not the harness's.
    let killed = program("sh").args(["-c", "kill -KILL $$"]).killed_by(SIGKILL);
    fails_with(|| killed.timed_out(), &["expected: still running", "happened: killed by SIGKILL (9)"]);
}

#[test]
fn what_ended_is_not_still_running() {
    program("sleep").arg("600").still_running_after(ms(50));
    fails_with(
        || program("true").still_running_after(secs(5)),
        &["expected: still running after 5 s", "happened: exit code 0"],
    );
}

#[test]
fn a_traced_process_that_stopped_has_not_ended() {
    fn stops_itself(traced: bool) {
        if traced {
            // SAFETY: numbers only; the parent becomes the tracer.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
        }
        // SAFETY: a number only.
        unsafe { libc::raise(libc::SIGUSR1) };
    }
    let has_stopped = |exit: &Exit| exit.stuck().iter().any(|process| process.threads[0].state == 't');
    let exit = times_out(|| assert_exit(|| stops_itself(true)), has_stopped);
    fails_with(
        || exit.clone().code(10),
        &["expected: exit code 10", "happened: still running after ", "ended by the harness"],
    );
    fails_with(|| exit.exited_immediately(), &["still running"]);
    let untraced = assert_exit(|| stops_itself(false)).killed_by(SIGUSR1);
    fails_with(|| untraced.timed_out(), &["expected: still running", "happened: killed by SIGUSR1 (10)"]);
}

#[test]
fn a_traced_orphan_that_stopped_hides_no_end() {
    let exit = assert_exit(|| {
        // SAFETY: the process has one thread.
        if unsafe { libc::fork() } == 0 {
            // SAFETY: numbers only.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            // SAFETY: a number only.
            unsafe { libc::raise(libc::SIGUSR1) };
        }
        std::process::exit(4)
    })
    .code(4);
    fails_with(|| exit.timed_out(), &["expected: still running", "happened: exit code 4"]);
}

#[test]
fn still_running_counts_from_the_last_step_of_the_script() {
    let ready_late =
        || program("sh").args(["-c", "sleep 0.3; echo ready; exit 3"]).ready_when(Ready::stdout("ready"));
    fails_with(
        || ready_late().still_running_after(secs(20)),
        &["expected: still running after 20 s", "happened: exit code 3", "because: it ran for"],
    );
    // Of the facts it is asked for a little more than it ran since, and far less than it ran in all.
    let exit = ready_late().code(3);
    let ready = |event: &&exeunt::Event| matches!(event.what, exeunt::What::Ready { .. });
    // Its end may have come before the harness saw that it was ready.
    let ready = exit.timeline().iter().find(ready).expect("it was ready").at;
    let since = exit.duration().saturating_sub(ready);
    fails_with(|| exit.still_running_after(since + ms(1)), &["still running after", "because: it ran for"]);
    ready_late().code(3).still_running_after(ms(0));
    let never_signalled = || program("sleep").arg("0.1").signal_after(SIGTERM, secs(20)).allow_early_end();
    fails_with(
        || never_signalled().still_running_after(ms(50)),
        &["expected: still running after 50 ms", "because: its script was not carried out to the end"],
    );
    never_signalled().code(0);
    program("sh")
        .args(["-c", "trap '' TERM; echo ready; exec sleep 600"])
        .ready_when(Ready::stdout("ready"))
        .signal_after(SIGTERM, ms(0))
        .still_running_after(ms(50));
}
