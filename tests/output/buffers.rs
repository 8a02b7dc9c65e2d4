//! What a program keeps in its own buffers is written by some ways to end, and lost by others. exeunt
//! shows what arrived, and never writes on a target's behalf.

#![expect(clippy::print_stdout, reason = "printing through the buffer is what is tested")]

use std::io::Write;

use exeunt::prelude::*;

use crate::support::fails_with;

/// Prints a text that is flushed, and one that is not.
fn print_flushed_and_not() {
    print!("flushed");
    std::io::stdout().flush().unwrap();
    print!("buffered");
}

/// The same with C's stdio, which buffers what goes to a pipe.
fn puts_flushed_and_not() {
    // SAFETY: the text is NUL-terminated.
    unsafe { libc::puts(c"flushed".as_ptr()) };
    // SAFETY: null means all streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    // SAFETY: the text is NUL-terminated.
    unsafe { libc::puts(c"buffered".as_ptr()) };
}

fn exit_now(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
}

fn exit_of_c(code: i32) -> ! {
    // SAFETY: one thread, no hook registered by the tests of this file.
    unsafe { libc::exit(code) }
}

/// Both texts arrived; so the claim that the second was lost fails, naming where it is.
#[track_caller]
fn both_arrived(exit: Exit) {
    let exit = exit.flushed("flushed").flushed("buffered");
    fails_with(
        || exit.not_flushed("buffered"),
        &["\"buffered\" is flushed neither to stdout nor to stderr", "it is on stdout"],
    );
}

/// The first text arrived and the second was lost; so the claim that it arrived fails.
#[track_caller]
fn only_the_flushed_arrived(exit: Exit) {
    let exit = exit.flushed("flushed").not_flushed("buffered");
    fails_with(|| exit.flushed("buffered"), &["\"buffered\" is flushed to stdout or stderr"]);
}

#[test]
fn exit_and_return_and_panic_keep_what_rust_has_buffered() {
    let exited = assert_exit(|| {
        print_flushed_and_not();
        std::process::exit(0);
    });
    both_arrived(exited.success());
    both_arrived(assert_exit(print_flushed_and_not).returned());
    let panicked = assert_exit(|| {
        print_flushed_and_not();
        panic!("no reason");
    });
    both_arrived(panicked.code(101));
}

#[test]
fn immediate_exit_loses_what_rust_has_buffered() {
    let exit = assert_exit(|| {
        print_flushed_and_not();
        exit_now(0);
    });
    only_the_flushed_arrived(exit.success());
    // C's exit knows nothing of Rust's buffer.
    let exit = assert_exit(|| {
        print_flushed_and_not();
        exit_of_c(0);
    });
    only_the_flushed_arrived(exit.success());
}

#[test]
fn a_signal_and_abort_lose_what_is_buffered_and_keep_what_was_flushed() {
    let killed = assert_exit(|| {
        print_flushed_and_not();
        // SAFETY: raising a signal has no preconditions.
        unsafe { libc::raise(libc::SIGKILL) };
    });
    only_the_flushed_arrived(killed.killed_by(SIGKILL));
    let aborted = assert_exit(|| {
        print_flushed_and_not();
        std::process::abort();
    });
    only_the_flushed_arrived(aborted.aborted());
}

#[test]
fn a_signal_from_the_test_loses_what_is_buffered() {
    let exit = assert_exit(|| {
        print_flushed_and_not();
        probe::mark("printed");
        loop {
            std::thread::park();
        }
    });
    let exit = exit.signal_when(SIGTERM, Ready::mark("printed")).killed_by(SIGTERM);
    only_the_flushed_arrived(exit);
}

#[test]
fn c_exit_keeps_what_c_has_buffered() {
    let exit = assert_exit(|| {
        puts_flushed_and_not();
        exit_of_c(0);
    });
    both_arrived(exit.success());
}

#[test]
fn c_immediate_exit_and_abort_lose_what_c_has_buffered() {
    let exit = assert_exit(|| {
        puts_flushed_and_not();
        exit_now(0);
    });
    only_the_flushed_arrived(exit.success());
    let exit = assert_exit(|| {
        puts_flushed_and_not();
        std::process::abort();
    });
    only_the_flushed_arrived(exit.aborted());
}

#[test]
fn stderr_is_not_buffered() {
    let exit = assert_exit(|| {
        eprint!("no newline");
        std::process::abort();
    });
    let exit = exit.aborted().stderr("no newline");
    fails_with(|| exit.not_flushed("no newline"), &["it is on stderr"]);
}

#[test]
fn what_a_shell_says_before_it_kills_itself_is_kept() {
    let exit = program("sh").args(["-c", "echo said; kill -9 $$; echo never"]).killed_by(SIGKILL);
    let exit = exit.stdout("said\n").not_flushed("never");
    fails_with(|| exit.flushed("never"), &["\"never\" is flushed", "happened: killed by SIGKILL (9)"]);
}
