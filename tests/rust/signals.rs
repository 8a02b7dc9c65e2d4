//! Signals: what happens without a handler, and what each of Rust's ways to handle them makes of one.

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::ways::{HOOK, PENDING};
use crate::{by_both, marks};

#[test]
fn g01_without_a_handler_a_signal_kills_and_nothing_runs() {
    for signal in [SIGTERM, SIGHUP, SIGQUIT, SIGINT] {
        by_both("signal-without-a-handler", |test| {
            let exit = test.signal_when(signal, Ready::mark("ready")).killed_by(signal);
            let exit = exit.not_dropped("value").cleanup_skipped(HOOK).not_flushed(PENDING).stderr("");
            fails_with(|| exit.clone().dropped("value"), &["1 guard was armed, 0 dropped"]);
            fails_with(|| exit.success(), &[&format!("happened: killed by {signal}")]);
        });
    }
}

#[test]
fn g02_a_flag_lets_the_program_leave_in_order() {
    by_both("signal-sets-a-flag", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).code(0).dropped("value");
        let exit = exit.cleanup_ran("it was told to leave").cleanup_ran(HOOK).flushed(PENDING);
        fails_with(|| exit.killed_by(SIGTERM), &["happened: exit code 0"]);
    });
    by_both("signal-sets-a-flag", |test| {
        fails_with(
            || test.signal_when(SIGHUP, Ready::mark("ready")).code(0),
            &["happened: killed by SIGHUP (1)", "no handler"],
        );
    });
}

#[test]
fn g02_ctrlc_tells_main_by_a_channel() {
    by_both("ctrl-c-tells-main", |test| {
        let exit = test.signal_when(SIGINT, Ready::mark("ready")).code(0).dropped("value");
        let exit = exit.cleanup_ran("it was told to leave").cleanup_ran(HOOK).flushed(PENDING);
        fails_with(|| exit.killed_by(SIGINT), &["happened: exit code 0"]);
    });
    // Without its feature `termination` it takes SIGINT alone.
    by_both("ctrl-c-tells-main", |test| {
        let plan = test.signal_when(SIGTERM, Ready::mark("ready"));
        fails_with(|| plan.code(0), &["happened: killed by SIGTERM (15)", "no handler"]);
    });
}

#[test]
fn g02_ctrlcs_handler_may_exit_and_nothing_of_main_is_dropped() {
    by_both("ctrl-c-exits-in-its-thread", |test| {
        let exit = test.signal_when(SIGINT, Ready::mark("ready")).code(5).not_dropped("value");
        let exit = exit.cleanup_ran("it was told to leave").cleanup_ran(HOOK);
        fails_with(|| exit.dropped("value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn g03_sigkill_and_sigstop_cannot_be_handled() {
    by_both("signals-that-nobody-may-handle", |test| {
        // signal-hook does not even ask the kernel.
        let exit = test.code(101).stdout("9: refused\n19: refused\n");
        let exit = exit.stderr(predicate::str::contains("Attempted to register forbidden signal 9"));
        fails_with(|| exit.success(), &["happened: exit code 101"]);
    });
}

#[test]
fn g04_a_masked_sigint_is_pending_and_kills_on_unmasking() {
    by_both("signal-that-is-blocked", |test| {
        let plan = test.signal_when(SIGINT, Ready::mark("ready")).signal_after(SIGUSR1, ms(0));
        let exit = plan.killed_by(SIGINT).not_dropped("value");
        assert_eq!(marks(&exit), ["ready", "it is pending"]);
        fails_with(|| exit.cleanup_ran("it did not arrive"), &["there is no evidence that it did"]);
    });
    by_both("signal-that-is-blocked", |test| {
        let exit = test.signal_when(SIGUSR1, Ready::mark("ready")).code(0);
        assert_eq!(marks(&exit), ["ready", "it is not pending", "it did not arrive", "value", HOOK]);
        fails_with(|| exit.killed_by(SIGINT), &["happened: exit code 0"]);
    });
}

#[test]
fn g05_an_interrupt_without_a_handler_kills_without_a_word() {
    by_both("signal-without-a-handler", |test| {
        let exit = test.signal_when(SIGINT, Ready::mark("ready")).killed_by(SIGINT).stderr("");
        fails_with(|| exit.code(130), &["happened: killed by SIGINT (2)"]);
    });
}

#[test]
fn g06_a_second_ctrl_c_ends_a_clean_up_that_takes_too_long() {
    by_both("second-ctrl-c-exits", |test| {
        let exit = test
            .signal_when(SIGINT, Ready::mark("ready"))
            .signal_when(SIGINT, Ready::mark("cleaning up"))
            .code(1);
        // signal-hook leaves by `_exit`, as a handler must.
        let exit = exit.not_dropped("value").cleanup_skipped(HOOK).not_flushed(PENDING);
        fails_with(|| exit.cleanup_ran(HOOK), &["there is no evidence that it did"]);
    });
    by_both("second-ctrl-c-exits", |test| {
        let once = test.signal_when(SIGINT, Ready::mark("ready")).still_running_after(ms(100));
        fails_with(|| once.code(1), &["still running after"]);
    });
}

#[test]
fn g08_a_handlers_thread_is_cut_off_where_main_does_not_wait_for_it() {
    by_both("ctrl-c-handler-that-main-does-not-wait-for", |test| {
        let exit = test.signal_when(SIGINT, Ready::mark("ready")).success();
        let exit = exit.not_dropped("the handler's value");
        fails_with(|| exit.dropped("the handler's value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn g09_a_signal_interrupts_no_join_and_a_flag_is_never_looked_at() {
    by_both("signal-sets-a-flag-at-which-nobody-looks", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).still_running_after(ms(200));
        let exit = exit.not_dropped("value");
        fails_with(|| exit.clone().code(0), &["still running after"]);
        fails_with(|| exit.killed_by(SIGTERM), &["still running after"]);
    });
}

#[test]
fn h07_a_thread_that_waits_for_the_signal_may_exit_while_main_joins_and_hooks_run() {
    by_both("signal-for-a-thread-that-exits", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).code(5).cleanup_ran(HOOK);
        let exit = exit.not_dropped("value").not_dropped("the thread's value").flushed(PENDING);
        fails_with(|| exit.dropped("value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn t05_a_channel_that_is_closed_lets_the_worker_finish_what_is_queued() {
    by_both("channel-is-closed", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).success();
        assert_eq!(
            marks(&exit),
            ["ready", "job 1 was finished", "job 2 was finished", "job 3 was finished", "the worker left"]
        );
        let exit = exit.cleanup_ran("job 3 was finished").cleanup_ran("the worker left");
        fails_with(|| exit.cleanup_ran("job 4 was finished"), &["there is no evidence that it did"]);
    });
    by_both("channel-is-left-to-itself", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).success();
        assert_eq!(marks(&exit), ["ready"]);
        fails_with(|| exit.cleanup_ran("job 1 was finished"), &["there is no evidence that it did"]);
    });
}

#[test]
fn g02_tokio_answers_what_is_in_flight_where_it_is_waited_for() {
    by_both("tokio-drains", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).success();
        let exit = exit.cleanup_ran("the request was answered").cleanup_ran("it was drained");
        let exit = exit.dropped("the request's value");
        fails_with(|| exit.killed_by(SIGTERM), &["happened: exit code 0"]);
    });
    // A runtime that is dropped drops its tasks where they wait: what they hold goes, their work does not
    // get done.
    by_both("tokio-drops-its-tasks", |test| {
        let exit = test.signal_when(SIGTERM, Ready::mark("ready")).success();
        let exit = exit.cleanup_skipped("the request was answered").dropped("the request's value");
        fails_with(|| exit.cleanup_ran("the request was answered"), &["there is no evidence that it did"]);
    });
}
