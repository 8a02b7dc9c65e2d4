//! The ways in which programs in C, Python, bash and perl take a signal.

use exeunt::prelude::*;

use crate::programs::{c_program, python_program};
use crate::support::needs;
use crate::{is_always_handled, is_killed_at_work};

/// A program that works for a while, and one that does so forever.
#[track_caller]
fn takes_sigterm(plan: impl Fn(&[&str]) -> Option<ExitTest>) {
    let Some(forever) = plan(&["forever"]) else { return };
    let plan = || plan(&[]).expect("it was there a moment ago");
    is_always_handled(SIGTERM, || Ready::handler(SIGTERM), plan);
    is_killed_at_work(SIGTERM, forever);
}

#[test]
fn a_c_programs_sigaction_is_called_in_every_run() {
    takes_sigterm(|arguments| Some(c_program("sigaction.c")?.args(arguments)));
}

#[test]
fn a_c_programs_sigwait_returns_it_in_every_run() {
    takes_sigterm(|arguments| Some(c_program("sigwait.c")?.args(arguments)));
}

#[test]
fn a_thread_of_a_c_program_is_given_it_by_sigwait_in_every_run() {
    takes_sigterm(|arguments| {
        let arguments = if arguments.is_empty() { &["thread"] } else { arguments };
        Some(c_program("sigwait.c")?.args(arguments))
    });
}

#[test]
fn a_c_program_that_lets_it_in_only_while_it_waits_handles_it_in_every_run() {
    takes_sigterm(|arguments| Some(c_program("sigsuspend.c")?.args(arguments)));
}

#[test]
fn a_c_programs_signalfd_yields_it_in_every_run() {
    takes_sigterm(|arguments| Some(c_program("signalfd.c")?.args(arguments)));
}

#[test]
fn pythons_signal_handler_is_called_in_every_run() {
    takes_sigterm(|arguments| Some(python_program("signal_handler.py")?.args(arguments)));
}

#[test]
fn pythons_asyncio_handler_is_called_in_every_run() {
    takes_sigterm(|arguments| Some(python_program("asyncio_handler.py")?.args(arguments)));
}

#[test]
fn bashs_trap_is_run_in_every_run() {
    const SCRIPT: &str = r#"
        echo at work
        while for ((i = 0; i < 3000; i++)); do :; done; [ "$1" = forever ]; do :; done
        trap 'echo left in order; exit 7' TERM
        while :; do :; done
    "#;
    takes_sigterm(|arguments| Some(program(needs("bash")?).args(["-c", SCRIPT, "bash"]).args(arguments)));
}

#[test]
fn perls_handler_is_called_in_every_run() {
    const SCRIPT: &str = r#"
        $| = 1;
        print "at work\n";
        do { $sum += $_ for 1 .. 100_000 } while (@ARGV && $ARGV[0] eq "forever");
        $SIG{TERM} = sub { print "left in order\n"; exit 7 };
        1 while 1;
    "#;
    takes_sigterm(|arguments| Some(program(needs("perl")?).args(["-e", SCRIPT]).args(arguments)));
}
