//! `probe::at_exit`: exit hooks that tell whether they ran, and in which order.

use exeunt::MarkKind;
use exeunt::prelude::*;

use crate::support::fails_with;

fn labels(exit: &Exit) -> Vec<String> {
    exit.marks().iter().map(|mark| mark.label().into_owned()).collect()
}

/// The hook was skipped; so the claim that it ran fails.
#[track_caller]
fn was_skipped(exit: Exit) {
    let exit = exit.cleanup_skipped("hook");
    assert!(exit.marks().is_empty(), "registering it makes no mark: {:?}", exit.marks());
    fails_with(|| exit.cleanup_ran("hook"), &["there is no evidence that it did"]);
}

/// The hook ran; so the claim that it was skipped fails.
#[track_caller]
fn ran(exit: Exit) {
    let exit = exit.cleanup_ran("hook");
    assert_eq!(exit.marks()[0].kind(), MarkKind::Hook);
    fails_with(|| exit.cleanup_skipped("hook"), &["it ran: a mark was made"]);
}

#[test]
fn hooks_run_on_exit_return_and_panic() {
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        std::process::exit(3);
    });
    ran(exit.code(3).hooks_ran());
    ran(assert_exit(|| probe::at_exit("hook")).returned().hooks_ran());
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        panic!("no reason");
    });
    ran(exit.panicked().hooks_ran());
}

#[test]
fn hooks_are_skipped_by_immediate_exit_abort_and_signals() {
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        crate::exit_now(3);
    });
    let exit = exit.code(3).exited_immediately();
    fails_with(|| exit.clone().hooks_ran(), &["expected: the exit hooks run"]);
    was_skipped(exit);
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        std::process::abort();
    });
    was_skipped(exit.aborted());
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        crate::kill_oneself();
    });
    was_skipped(exit.killed_by(SIGKILL));
}

#[test]
fn the_hook_that_was_registered_last_runs_first() {
    let exit = assert_exit(|| {
        for label in ["first", "second", "third"] {
            probe::at_exit(label);
        }
        probe::mark("body");
    });
    assert_eq!(labels(&exit.returned()), ["body", "third", "second", "first"]);
}

#[test]
fn a_hook_that_was_not_registered_does_not_run() {
    let exit = assert_exit(|| {
        if std::env::args().count() > 100 {
            probe::at_exit("hook");
        }
    });
    was_skipped(exit.returned());
}

#[test]
fn a_hook_that_leaves_at_once_hides_those_before_it() {
    extern "C" fn leave() {
        probe::mark("leaving");
        crate::exit_now(9);
    }
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        // SAFETY: the hook makes a mark and leaves.
        unsafe { libc::atexit(leave) };
        probe::at_exit("last");
    });
    let exit = exit.code(9).cleanup_ran("last").cleanup_skipped("hook");
    assert_eq!(labels(&exit), ["last", "leaving"]);
    fails_with(|| exit.hooks_ran(), &["they were skipped, or one of them did not return"]);
}

#[test]
fn a_hook_runs_when_another_thread_exits() {
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        std::thread::spawn(|| std::process::exit(3)).join().unwrap();
    });
    ran(exit.code(3));
}

#[test]
fn hooks_that_ran_in_another_order_are_told() {
    let exit = assert_exit(|| {
        for label in ["first", "second", "third"] {
            probe::at_exit(label);
        }
    });
    let exit = exit.cleanup_order(["third", "second", "first"]).hooks_ran();
    fails_with(
        || exit.cleanup_order(["first", "second", "third"]),
        &[
            "expected: the clean-up runs in this order: \"first\", \"second\", \"third\"",
            "the marks say otherwise",
        ],
    );
}

#[test]
fn a_hook_that_hangs_is_said_to_be_one_at_the_deadline() {
    extern "C" fn hang() {
        probe::mark("hanging");
        crate::wait_for_ever();
    }
    let plan = || {
        assert_exit(|| {
            probe::at_exit("before");
            // SAFETY: the hook makes a mark and stays.
            unsafe { libc::atexit(hang) };
            probe::at_exit("after");
        })
    };
    let hangs = |exit: &Exit| labels(exit).last().is_some_and(|label| label == "hanging");
    let exit = crate::support::times_out(plan, hangs);
    let exit = exit.cleanup_order(["after", "hanging"]).cleanup_skipped("before");
    fails_with(
        || exit.clone().success(),
        &["still running:\n", "the function has left, and its process is in an exit hook"],
    );
    fails_with(|| exit.hooks_ran(), &["they were skipped, or one of them did not return"]);
}

#[test]
fn a_hook_that_panics_or_calls_exit_is_told_by_what_ran_of_the_others() {
    extern "C" fn panic_in_hook() {
        probe::mark("hook");
        panic!("in a hook");
    }
    extern "C" fn exit_once_more() {
        probe::mark("hook");
        std::process::exit(7);
    }
    extern "C" fn exit_of_the_c_library() {
        probe::mark("hook");
        // SAFETY: the C library goes on with the hooks that are left.
        unsafe { libc::exit(7) }
    }
    let with = |number: usize| {
        assert_exit_with(number, |number| {
            probe::at_exit("before");
            let hook = [panic_in_hook, exit_once_more, exit_of_the_c_library][number];
            // SAFETY: the hook makes a mark and ends the process.
            unsafe { libc::atexit(hook) };
            probe::at_exit("after");
        })
    };
    // A panic cannot leave a hook, and std's own `exit` does not let itself be called in one.
    for (number, message) in [(0, "in a hook"), (1, "std::process::exit called re-entrantly")] {
        let exit = with(number).aborted().cleanup_order(["after", "hook"]).cleanup_skipped("before");
        let exit = exit.stderr(predicate::str::contains(message));
        fails_with(|| exit.clone().hooks_ran(), &["they were skipped, or one of them did not return"]);
        fails_with(|| exit.cleanup_ran("before"), &["there is no evidence that it did"]);
    }
    let exit = with(2).code(7).cleanup_order(["after", "hook", "before"]).hooks_ran();
    fails_with(|| exit.cleanup_skipped("before"), &["it ran: a mark was made"]);
}
