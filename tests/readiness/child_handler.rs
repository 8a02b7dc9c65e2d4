//! `Ready::handler_in_child`: that a process which the target started is ready for the signal.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::thread;

use exeunt::prelude::*;

use crate::programs::{compiled, interpreter};
use crate::support::fails_with;
use crate::{exit_immediately, runs, stays_closed, work};

/// A wrapper that passes SIGTERM on to its child, and leaves as that does. It has its handler before the
/// child is there, which has it too until it executes its program.
fn passes_on((program, arguments): (PathBuf, Vec<String>)) {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM]).expect("a handler");
    let mut command = Command::new(program);
    command.args(arguments);
    let slowly = || {
        for _ in 0..3 {
            work();
        }
        Ok(())
    };
    // SAFETY: it computes, and touches nothing that a fork may not.
    unsafe { command.pre_exec(slowly) };
    let mut child = command.spawn().expect("the program runs");
    let pid = i32::try_from(child.id()).expect("a process id");
    signals.forever().next();
    // SAFETY: the child is this process's own, and was not waited for.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    exit(child.wait().expect("an end").code().unwrap_or(1));
}

fn ready() -> Ready {
    Ready::handler(SIGTERM).and(Ready::handler_in_child(SIGTERM))
}

#[test]
fn a_signal_that_is_passed_on_finds_the_childs_handler_in_every_run() {
    let Some(program) = compiled("sigaction.c", "passed-on-to", &[]) else { return };
    for _ in 0..runs() {
        let exit = assert_exit_with((program.clone(), Vec::new()), passes_on).signal_when(SIGTERM, ready());
        exit.cleanup_ran("left in order").code(7);
    }
    // A child that is always at work is killed there, where only the wrapper is waited for.
    let forever = assert_exit_with((program, vec!["forever".to_owned()]), passes_on);
    let early = forever.signal_when(SIGTERM, Ready::handler(SIGTERM));
    fails_with(|| early.code(7), &["happened: exit code 1"]);
}

/// Forks a worker that has this process's handler and executes nothing.
fn has_a_worker(does: fn() -> !) -> ! {
    // SAFETY: the handler does nothing that a handler may not.
    unsafe { signal_hook::low_level::register(libc::SIGTERM, || exit_immediately(7)) }.expect("a handler");
    // SAFETY: the process has one thread.
    if unsafe { libc::fork() } == 0 {
        does()
    }
    probe::mark("arranged");
    loop {
        thread::park();
    }
}

#[test]
fn a_worker_with_its_parents_handler_is_ready_when_it_waits() {
    let waits = || {
        assert_exit(|| {
            has_a_worker(|| {
                work();
                probe::mark("at rest");
                loop {
                    thread::park();
                }
            })
        })
    };
    for _ in 0..runs() {
        let exit = waits().signal_when(SIGTERM, ready()).code(7);
        assert!(exit.marks().iter().any(|mark| mark.label() == "at rest"), "{:?}", exit.timeline());
    }
    stays_closed(
        || {
            assert_exit(|| {
                has_a_worker(|| {
                    loop {
                        work();
                    }
                })
            })
        },
        || Ready::handler_in_child(SIGTERM),
        &[": a fork that has its parent's handler, and was not seen asleep\n"],
    );
}

#[test]
fn what_is_there_and_not_ready_is_named() {
    let shell = |script: &str| program("sh").args(["-c", script]);
    let gate = || Ready::handler_in_child(SIGTERM);
    let what = "gate: a process that the target started is ready to take SIGTERM (15): ";
    stays_closed(
        || shell("echo arranged >>\"$EXEUNT_PROBE\"; sleep 600; :"),
        gate,
        &[what, " (sleep): never installed: the signal has its default action\n"],
    );
    stays_closed(
        || shell("trap '' TERM; echo arranged >>\"$EXEUNT_PROBE\"; sleep 600; :"),
        gate,
        &[what, " (sleep): it ignores the signal, as its parent ", " (sh) does: that is inherited\n"],
    );
    stays_closed(
        || shell("(trap '' TERM; echo arranged >>\"$EXEUNT_PROBE\"; exec sleep 600); :"),
        gate,
        &[what, " (sleep): it ignores the signal\n"],
    );
    stays_closed(
        || shell("trap : TERM; echo arranged >>\"$EXEUNT_PROBE\"; exec sleep 600"),
        gate,
        &[what, "the target has started no process\n"],
    );
    stays_closed(
        || shell("for i in 1 2 3 4 5; do sleep 600 & done; echo arranged >>\"$EXEUNT_PROBE\"; wait"),
        gate,
        &[what, " (sleep): never installed: the signal has its default action; 2 more\n"],
    );
}

#[test]
fn a_handler_of_the_runtimes_own_does_not_count() {
    let Some(python) = interpreter() else { return };
    const WAITS: &str = r#"
import os, signal
with open(os.environ["EXEUNT_PROBE"], "a") as marks:
    marks.write("arranged\n")
while True:
    signal.pause()
"#;
    let behind_a_shell =
        |script: &str| program("sh").args(["-c", "\"$0\" -I -S -c \"$1\"; :"]).arg(python).arg(script);
    stays_closed(
        || behind_a_shell(WAITS),
        || Ready::handler_in_child(SIGINT),
        &[" (python", "): its handler is Python's, which has it from its own start\n"],
    );
    let handled =
        WAITS.replace("signal\n", "signal\nsignal.signal(signal.SIGUSR1, signal.default_int_handler)\n");
    behind_a_shell(&handled).ready_when(Ready::handler_in_child(SIGUSR1)).still_running_after(ms(0));
}
