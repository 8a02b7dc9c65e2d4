//! A signal to the target's process group, and one to the target alone.

use exeunt::{Delivery, Recipient, prelude::*};

use crate::deliveries;
use crate::support::{fails_at_a_deadline, fails_with, needs, times_out};

/// A shell with a child in its group, which both mark SIGTERM. The shell leaves with 3 when the child has left.
fn family() -> ExitTest {
    let child = r#"trap 'echo "child left" >> "$EXEUNT_PROBE"; exit 0' TERM; echo ready; while :; do sleep 0.01; done"#;
    let script = r#"
        trap 'echo "target left" >> "$EXEUNT_PROBE"' TERM
        sh -c "$0" &
        while kill -0 $! 2> /dev/null; do wait $!; done
        exit 3"#;
    program("sh").args(["-c", script, child]).ready_when(Ready::stdout("ready"))
}

#[test]
fn a_signal_to_the_group_reaches_the_children_of_the_target() {
    let plan = || family().group_signal_after(SIGTERM, ms(10));
    let exit = plan().cleanup_ran("target left").cleanup_ran("child left").code(3);
    assert!(matches!(
        deliveries(&exit)[..],
        [Delivery::Signal { signal: SIGTERM, to: Recipient::Group, value: None, .. }]
    ));
    fails_with(
        || plan().cleanup_ran("nobody left"),
        &["after SIGTERM (15) was sent to the group", "SIGTERM (15) sent to the target's process group, "],
    );
}

#[test]
fn a_signal_to_the_target_reaches_nobody_else() {
    let plan = || family().signal_after(SIGTERM, ms(10));
    let exit = times_out(plan, |exit| exit.marks().iter().any(|mark| mark.label() == "target left"));
    let exit = exit.cleanup_ran("target left").cleanup_skipped("child left");
    fails_with(|| exit.cleanup_ran("child left"), &["there is no evidence that it did", "still running"]);
}

#[test]
fn it_does_not_reach_those_that_left_the_group() {
    if needs("setsid").is_none() {
        return;
    }
    let script = "setsid sh -c 'echo ready; exec sleep 1000' & wait";
    let plan = || program("sh").args(["-c", script]).group_signal_when(SIGTERM, Ready::stdout("ready"));
    let exit = plan().killed_by(SIGTERM);
    assert_eq!(exit.leftovers().len(), 1, "{:?}", exit.leftovers());
    let together = program("sh").args(["-c", "sh -c 'echo ready; exec sleep 1000' & wait"]);
    let exit = together.group_signal_when(SIGTERM, Ready::stdout("ready")).killed_by(SIGTERM);
    // It was killed as well, if it was not yet gone: of one that is going the command is not known any more.
    let goes = |leftover: &exeunt::Leftover| leftover.state != 'T' && !leftover.command.contains("setsid");
    assert!(exit.leftovers().iter().all(goes), "{:?}", exit.leftovers());
}

/// Makes a child that waits for SIGTERM, the leader of a group, and joins that; its process id.
fn join_the_group_of_a_child() -> i32 {
    // SAFETY: a fork of a process with one thread, which calls what may be called there.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above.
        unsafe { libc::setpgid(0, 0) };
        loop {
            // SAFETY: as above; SIGTERM ends it.
            unsafe { libc::pause() };
        }
    }
    // SAFETY: numbers only.
    unsafe { libc::setpgid(child, child) };
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::setpgid(0, child) }, 0);
    child
}

#[test]
fn a_target_that_went_to_another_group_is_reached_there() {
    // Not the group that it leads: so the supervisor sends the signal.
    fn joins_the_group_of_its_child() {
        let child = join_the_group_of_a_child();
        println!("joined");
        let mut status = 0;
        // SAFETY: `status` is live; SIGTERM ends the child, and this process ignores it.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
        println!("ready");
        // SAFETY: as above.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        std::process::exit(if libc::WIFSIGNALED(status) { 7 } else { 8 });
    }
    let plan = || assert_exit(joins_the_group_of_its_child).ready_when(Ready::stdout("ready"));
    let exit = plan().group_signal_after(SIGTERM, ms(0)).code(7);
    assert_eq!(deliveries(&exit).len(), 1);
    fails_at_a_deadline(
        |deadline| plan().signal_after(SIGTERM, ms(0)).timeout(deadline).code(7),
        "SIGTERM (15) sent",
        &["still running", "SIGTERM (15) sent, which the target ignored"],
    );
}

#[test]
fn a_target_that_ended_before_is_told_as_for_any_signal() {
    let plan = || program("true").group_signal_after(SIGTERM, secs(60));
    fails_with(
        || plan().success(),
        &["not reached: SIGTERM (15) to the group after 60 s", "the target had ended"],
    );
    plan().allow_early_end().success();
}

#[test]
fn what_a_handler_does_at_once_is_evidence_also_where_the_supervisor_sends_the_signal() {
    fn marks_in_the_group_of_its_child() {
        extern "C" fn mark(_: libc::c_int) {
            probe::mark("cleaned up");
            // SAFETY: a number only.
            unsafe { libc::_exit(3) };
        }
        join_the_group_of_a_child();
        // SAFETY: the handler makes a mark and leaves, both async-signal-safe.
        unsafe { libc::signal(libc::SIGTERM, mark as *const () as libc::sighandler_t) };
        println!("ready");
        loop {
            std::hint::spin_loop();
        }
    }
    for _ in 0..100 {
        let plan = assert_exit(marks_in_the_group_of_its_child).ready_when(Ready::stdout("ready"));
        let exit = plan.group_signal_after(SIGTERM, ms(0)).cleanup_ran("cleaned up").code(3);
        fails_with(|| exit.cleanup_ran("nothing"), &["after SIGTERM (15) was sent to the group"]);
    }
}
