//! `Ready::handlers`: that the target is ready for each of several signals.

use std::thread;

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{exit_immediately, runs, stays_closed, work};

/// Installs a handler for one signal after the other, as programs do, and leaves with the number of the one
/// that comes.
fn handles(signals: Vec<i32>) {
    for signal in signals {
        work();
        // SAFETY: the handler does nothing that a handler may not.
        unsafe { signal_hook::low_level::register(signal, move || exit_immediately(signal)) }
            .expect("a handler");
    }
    probe::mark("arranged");
    loop {
        thread::park();
    }
}

const ALL: [Signal; 3] = [SIGTERM, SIGHUP, SIGUSR1];

fn numbers(signals: &[Signal]) -> Vec<i32> {
    signals.iter().map(|signal| signal.number()).collect()
}

#[test]
fn each_of_them_is_handled_when_the_gate_opens() {
    for signal in ALL {
        for _ in 0..runs() {
            let plan = assert_exit_with(numbers(&ALL), handles);
            plan.signal_when(signal, Ready::handlers(ALL)).code(signal.number());
        }
    }
    // With a gate on the first alone, the last is seen to come too early, in one run of some.
    let early = || {
        (0..100).all(|_| {
            let plan = assert_exit_with(numbers(&ALL), handles);
            let exit = plan.signal_when(SIGUSR1, Ready::handlers([SIGTERM])).run().expect("a run");
            exit.ending() == &Ending::Code(SIGUSR1.number())
        })
    };
    fails_with(|| assert!(early(), "it came too early"), &["it came too early"]);
}

#[test]
fn one_that_is_missing_is_named() {
    stays_closed(
        || assert_exit_with(numbers(&[SIGHUP, SIGUSR1]), handles),
        || Ready::handlers([SIGHUP, SIGTERM, SIGUSR1]),
        &[
            "the target is ready to take SIGHUP (1): open\n",
            "the target is ready to take SIGTERM (15): never installed: the signal has its default action\n",
            "the target is ready to take SIGUSR1 (10): open\n",
        ],
    );
}

#[test]
fn a_gate_on_no_signal_is_refused() {
    let plan = assert_exit_with(numbers(&ALL), handles).signal_when(SIGTERM, Ready::handlers([]));
    fails_with(|| plan.killed_by(SIGTERM), &["a gate on handlers needs a signal"]);
}
