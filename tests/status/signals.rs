//! Ends by a signal: which signal, with a core dump or without, and never a code.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio, abort};

use exeunt::prelude::*;

use crate::support::fails_with;

/// Ends the calling process by a signal at its default disposition.
fn die_by(number: i32) -> ! {
    let own = i32::try_from(std::process::id()).unwrap();
    // SAFETY: numbers only.
    unsafe { libc::kill(own, number) };
    unreachable!("signal {number} is pending, unblocked and deadly")
}

#[test]
fn success_and_codes_reject_a_signal() {
    let exit = assert_exit(|| die_by(libc::SIGTERM)).killed_by(SIGTERM);
    fails_with(|| exit.clone().success(), &["expected: success", "happened: killed by SIGTERM (15)"]);
    fails_with(|| exit.clone().code(0), &["expected: exit code 0", "happened: killed by SIGTERM (15)"]);
    fails_with(|| exit.clone().code(143), &["expected: exit code 143", "happened: killed by SIGTERM (15)"]);
    fails_with(|| exit.code(predicate::always()), &["expected: ", "happened: killed by SIGTERM (15)"]);
}

#[test]
fn a_code_never_matches_a_signals_number_and_the_reverse() {
    let killed = assert_exit(|| die_by(libc::SIGKILL)).killed_by(SIGKILL);
    fails_with(|| killed.code(9), &["expected: exit code 9", "happened: killed by SIGKILL (9)"]);
    let exited = assert_exit(|| std::process::exit(9)).code(9);
    fails_with(|| exited.killed_by(SIGKILL), &["expected: killed by SIGKILL (9)", "happened: exit code 9"]);
}

#[test]
fn a_signal_matches_only_itself() {
    let exits = [
        (SIGTERM, assert_exit(|| die_by(libc::SIGTERM)).run().unwrap()),
        (SIGINT, assert_exit(|| die_by(libc::SIGINT)).run().unwrap()),
        (SIGHUP, assert_exit(|| die_by(libc::SIGHUP)).run().unwrap()),
        (SIGKILL, assert_exit(|| die_by(libc::SIGKILL)).run().unwrap()),
        (SIGUSR1, assert_exit(|| die_by(libc::SIGUSR1)).run().unwrap()),
    ];
    for (signal, exit) in &exits {
        exit.clone().killed_by(*signal);
        for (other, _) in exits.iter().filter(|(other, _)| other != signal) {
            fails_with(
                || exit.clone().killed_by(*other),
                &[&format!("expected: killed by {other}"), &format!("happened: killed by {signal}")],
            );
        }
    }
}

#[test]
fn failure_takes_a_signal_too() {
    let exit = assert_exit(|| die_by(libc::SIGHUP)).failure();
    fails_with(|| exit.success(), &["happened: killed by SIGHUP (1)"]);
}

#[test]
fn an_abort_is_sigabrt_and_not_a_segmentation_fault() {
    let exit = assert_exit(|| abort()).aborted().killed_by(SIGABRT);
    fails_with(
        || exit.killed_by(SIGSEGV),
        &["expected: killed by SIGSEGV (11)", "happened: killed by SIGABRT (6)"],
    );
}

#[test]
fn a_segmentation_fault_is_not_an_abort() {
    let exit = assert_exit(|| {
        let nowhere = std::hint::black_box(16) as *const u8;
        // SAFETY: it is not sound, which is the point: nothing is mapped in the first page, so that
        // the read ends the process.
        unsafe { std::ptr::read_volatile(nowhere) };
    })
    .killed_by(SIGSEGV);
    fails_with(
        || exit.clone().aborted(),
        &["expected: aborted (killed by SIGABRT (6))", "happened: killed by SIGSEGV (11)"],
    );
    // A code of 6 or 134 is no abort either.
    fails_with(|| assert_exit(|| std::process::exit(6)).aborted(), &["happened: exit code 6"]);
    fails_with(|| assert_exit(|| std::process::exit(134)).aborted(), &["happened: exit code 134"]);
}

#[test]
fn a_real_time_signal_is_named_from_the_nearer_end() {
    let second = Signal::try_from(libc::SIGRTMIN() + 1).unwrap();
    let exit = assert_exit(|| die_by(libc::SIGRTMIN() + 1)).killed_by(second);
    let name = format!("SIGRTMIN+1 ({})", libc::SIGRTMIN() + 1);
    fails_with(|| exit.success(), &[&format!("happened: killed by {name}")]);
    let exit = assert_exit(|| die_by(libc::SIGRTMAX())).run().unwrap();
    let name = format!("SIGRTMAX ({})", libc::SIGRTMAX());
    fails_with(|| exit.killed_by(second), &["expected: killed by SIGRTMIN+1", &name]);
}

#[test]
fn a_signal_without_a_name_prints_as_its_number() {
    // 32 is kept by the C library for itself, and has no name; the default action ends a process.
    let exit = assert_exit(|| die_by(32)).killed_by(Signal::try_from(32).unwrap());
    assert_eq!(exit.ending().to_string(), "killed by signal 32");
    fails_with(|| exit.success(), &["happened: killed by signal 32"]);
    fails_with(
        || assert_exit(|| std::process::exit(32)).killed_by(Signal::try_from(32).unwrap()),
        &["expected: killed by signal 32", "happened: exit code 32"],
    );
}

#[test]
fn a_core_dump_is_still_an_end_by_that_signal() {
    let directory = tempfile::tempdir().unwrap();
    let exit = assert_exit(|| abort()).core_dumps(true).current_dir(directory.path()).killed_by(SIGABRT);
    fails_with(|| exit.clone().killed_by(SIGSEGV), &["happened: killed by SIGABRT (6)"]);
    fails_with(|| exit.clone().code(134), &["happened: killed by SIGABRT (6)"]);
    // Whether one is made is the machine's to say (man 5 core); the same program without the harness
    // tells.
    if machine_dumps_cores(directory.path()) {
        let exit = exit.core_dumped();
        fails_with(|| exit.success(), &["happened: killed by SIGABRT (6), core dumped"]);
    } else {
        fails_with(
            || exit.core_dumped(),
            &["expected: killed by a signal that left a core dump", "happened: killed by SIGABRT (6)"],
        );
    }
}

fn machine_dumps_cores(directory: &std::path::Path) -> bool {
    Command::new("sh")
        .args(["-c", "ulimit -c $(ulimit -H -c); kill -ABRT $$"])
        .current_dir(directory)
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .core_dumped()
}

#[test]
fn no_core_is_dumped_unless_it_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let exit = assert_exit(|| abort()).current_dir(directory.path()).aborted();
    fails_with(
        || exit.core_dumped(),
        &["expected: killed by a signal that left a core dump", "happened: killed by SIGABRT (6), "],
    );
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "a core file was left");
}

#[test]
fn a_program_that_a_signal_ends_is_told_by_that_signal() {
    let exit = program("sh").args(["-c", "kill -USR2 $$"]).killed_by(SIGUSR2);
    fails_with(|| exit.killed_by(SIGUSR1), &["`sh -c", "happened: killed by SIGUSR2 (12)"]);
}
