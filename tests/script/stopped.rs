//! A target that is stopped has not ended, and takes what it was sent when it goes on.

use exeunt::{Delivery, prelude::*};

use crate::deliveries;
use crate::support::{fails_at_a_deadline, fails_with};

/// Leaves with 3 at SIGTERM, after a line.
fn leaves_at_sigterm() -> ExitTest {
    let script = "trap 'echo leaving; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    program("sh").args(["-c", script]).ready_when(Ready::stdout("ready"))
}

#[test]
fn a_stopped_target_has_not_ended() {
    let plan = || program("sleep").arg("1000").stop_after(ms(5));
    let exit = plan().still_running_after(ms(50));
    assert_eq!(deliveries(&exit), [&Delivery::Stopped]);
    fails_at_a_deadline(
        |deadline| plan().timeout(deadline).timed_out().success(),
        "ms  stopped\n",
        &["happened: still running after ", "stopped by a signal"],
    );
}

#[test]
fn the_target_has_stopped_when_the_next_step_is_done() {
    for _ in 0..20 {
        let exit =
            program("sleep").arg("1000").stop_after(ms(0)).signal_after(SIGTERM, ms(0)).continue_after(ms(0));
        let exit = exit.killed_by(SIGTERM);
        assert!(
            matches!(
                deliveries(&exit)[..],
                [
                    Delivery::Stopped,
                    Delivery::Signal { signal: SIGTERM, stopped: true, .. },
                    Delivery::Continued { was_stopped: true }
                ]
            ),
            "{:?}",
            exit.timeline()
        );
    }
}

#[test]
fn a_target_that_is_traced_is_stopped_and_not_only_looked_at() {
    // Each child that it makes stops it for a moment, for the sake of tracing.
    let script = "trap 'exit 3' TERM; echo ready; while :; do true & wait; done";
    let plan = || program("sh").args(["-c", script]).traced().ready_when(Ready::stdout("ready"));
    for _ in 0..20 {
        let stopped = plan().stop_after(ms(0)).signal_after(SIGTERM, ms(0));
        stopped.still_running_after(ms(50));
    }
    plan().stop_after(ms(0)).signal_after(SIGTERM, ms(0)).continue_after(ms(0)).code(3);
    // The control: not stopped, it takes the signal.
    fails_with(|| plan().signal_after(SIGTERM, ms(0)).still_running_after(secs(20)), &["exit code 3"]);
}

#[test]
fn a_target_whose_main_thread_has_ended_is_stopped_too() {
    fn goes_on_without_its_main_thread() {
        std::thread::spawn(|| {
            let stat = format!("/proc/self/task/{}/stat", std::process::id());
            while !std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) {
                std::thread::yield_now();
            }
            println!("alone");
            loop {
                std::thread::park();
            }
        });
        // SAFETY: it ends this thread and nothing else, which holds no lock.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    let plan = || assert_exit(goes_on_without_its_main_thread).stop_when(Ready::stdout("alone"));
    let stopped = || plan().signal_after(SIGTERM, ms(0)).continue_after(ms(0));
    let exit = stopped().killed_by(SIGTERM);
    assert!(matches!(deliveries(&exit)[..], [Delivery::Stopped, Delivery::Signal { stopped: true, .. }, _]));
    fails_with(|| stopped().success(), &["SIGTERM (15) sent to the target, which is stopped"]);
}

#[test]
fn sigterm_to_a_stopped_target_takes_effect_when_it_goes_on() {
    let stopped = || leaves_at_sigterm().stop_after(ms(0)).signal_after(SIGTERM, ms(0));
    let exit = stopped().continue_after(ms(200)).cleanup_ran("leaving").code(3);
    assert!(exit.duration() >= ms(200));
    fails_at_a_deadline(
        |deadline| stopped().timeout(deadline).code(3),
        "SIGTERM (15) sent",
        &[
            "still running",
            "SIGTERM (15) sent to the target, which is stopped",
            "; it comes when the target goes on",
            "SIGTERM (15) was still pending: it was never taken",
        ],
    );
}

#[test]
fn sigkill_ends_a_stopped_target_at_once() {
    let exit = leaves_at_sigterm()
        .stop_after(ms(0))
        .signal_after(SIGKILL, ms(0))
        .killed_by(SIGKILL)
        .within(secs(20));
    assert!(matches!(deliveries(&exit)[..], [_, Delivery::Signal { stopped: true, .. }]));
    let report = crate::support::report_of(|| exit.success());
    assert!(!report.contains("it comes when"), "{report}");
}

#[test]
fn a_target_that_goes_on_does_its_work() {
    let script = "echo one; read it; echo two";
    let stopped = || {
        let plan = program("sh").args(["-c", script]).stop_when(Ready::stdout("one"));
        plan.write_stdin_after("\n", ms(0))
    };
    stopped().continue_after(ms(50)).stdout("one\ntwo\n").success();
    // The control: while it is stopped, it does not.
    let control = |deadline| stopped().timeout(deadline).stdout("one\ntwo\n");
    fails_at_a_deadline(control, "was written to stdin", &["-two"]);
}

#[test]
fn going_on_without_a_stop_is_told() {
    let plan = || leaves_at_sigterm().continue_after(ms(0)).signal_after(SIGTERM, ms(0));
    let exit = plan().code(3);
    assert_eq!(deliveries(&exit)[0], &Delivery::Continued { was_stopped: false });
    fails_with(|| plan().code(4), &["told to go on, though it had not stopped"]);
}

#[test]
fn a_stop_is_no_reason_to_leave() {
    // What was printed before SIGTERM is no evidence, also where a stop came before that.
    let script = "trap 'exit 3' TERM; echo ready; read it; echo cleaned up; while :; do sleep 0.01; done";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .stop_when(Ready::stdout("ready"))
            .write_stdin_after("\n", ms(0))
            .continue_after(ms(0))
            .signal_when(SIGTERM, Ready::stdout("cleaned up"))
    };
    fails_with(|| plan().cleanup_ran("cleaned up"), &["but before SIGTERM (15) was sent"]);
    plan().cleanup_skipped("cleaned up").code(3);
}
