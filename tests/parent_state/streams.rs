//! A test process without standard streams, as daemons and careless runners start it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use exeunt::prelude::*;

use crate::process::{inner_arguments, inner_variable, is_inner, own_executable};
use crate::support::fails_with;

/// This process's standard streams, put back when it is dropped.
struct Closed([Option<OwnedFd>; 3]);

impl Closed {
    fn now() -> Self {
        Self([0, 1, 2].map(|number| {
            // SAFETY: the call takes numbers only.
            let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 100) };
            // SAFETY: nothing in this process owns its standard streams.
            unsafe { libc::close(number) };
            // SAFETY: where it is one, the kernel just made it.
            (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
        }))
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        for (number, copy) in (0..).zip(&self.0) {
            if let Some(copy) = copy {
                // SAFETY: the call takes numbers only.
                unsafe { libc::dup2(copy.as_raw_fd(), number) };
            }
        }
    }
}

/// Runs of every kind, with input and output.
fn runs_are_as_ever() {
    let exit = assert_exit(|| {
        use std::io::{Read, Write};
        let mut input = String::new();
        let _ = std::io::stdin().read_to_string(&mut input);
        let _ = write!(std::io::stdout(), "out {input}");
        let _ = write!(std::io::stderr(), "err {input}");
        std::process::exit(4)
    });
    let exit = exit.stdin("input").code(4).stdout("out input").stderr("err input");
    fails_with(|| exit.stdout("out"), &["expected: of stdout"]);
    assert_exit(|| std::process::exit(5)).arg("by exec").code(5).stdout("");
    let exit = program("sh").args(["-c", "cat; echo err >&2; exit 6"]).stdin("input").code(6);
    fails_with(|| exit.stdout("input").stderr("err\n").success(), &["happened: exit code 6"]);
    let plan =
        program("sh").args(["-c", "trap 'echo left; exit 7' TERM; echo up; while :; do sleep 0.01; done"]);
    plan.ready_when(Ready::stdout("up")).signal_after(SIGTERM, ms(0)).cleanup_ran("left").code(7);
    program("/no/such/program").run().unwrap_err();
}

isolated! {
    #[test]
    fn closed_before_the_first_run_they_are_missed_by_nobody() {
        let _closed = Closed::now();
        runs_are_as_ever();
    }
}

isolated! {
    #[test]
    fn what_the_test_process_prints_without_streams_is_not_taken_for_the_targets() {
        let _closed = Closed::now();
        let print_here = |seen: &exeunt::Sight<'_>| {
            for number in 0..=2 {
                // SAFETY: the bytes are static and as many as stated.
                unsafe { libc::write(number, b"printed here".as_ptr().cast(), 12) };
            }
            seen.stdout().contains("up")
        };
        let plan = || program("sh").args(["-c", "echo up; exec sleep 600"]).stdin("input");
        let plan = plan().ready_when(Ready::seen("up", print_here)).signal_after(SIGKILL, ms(0));
        let exit = plan.killed_by(SIGKILL).stdout("up\n").stderr("");
        fails_with(|| exit.stderr("printed here"), &["expected: of stderr"]);
    }
}

isolated! {
    #[test]
    fn closed_between_two_runs_they_are_missed_by_nobody() {
        runs_are_as_ever();
        let _closed = Closed::now();
        runs_are_as_ever();
    }
}

isolated! {
    #[test]
    fn a_forked_function_has_streams_where_the_test_process_has_none() {
        let _closed = Closed::now();
        let exit = assert_exit_forked(|| {
            let _ = std::io::Write::write_all(&mut std::io::stdout(), b"out");
            std::process::exit(4)
        });
        let exit = exit.code(4).stdout("out");
        fails_with(|| exit.stdout(""), &["expected: of stdout"]);
    }
}

#[test]
#[ignore = "other tests run it"]
fn inner() {
    if is_inner() {
        runs_are_as_ever();
    }
}

#[test]
#[ignore = "other tests run it"]
fn inner_that_fails() {
    if is_inner() {
        assert_exit(|| std::process::exit(1)).success();
    }
}

/// Runs one of the tests above by a shell that is given this script; `"$@"` is the test binary.
fn under(script: &str, test: &str) -> ExitTest {
    let (name, value) = inner_variable();
    let test = format!("streams::{test}");
    program("sh")
        .args(["-c", script, "sh"])
        .arg(own_executable())
        .args(inner_arguments(&test))
        .env(name, value)
        // To print one takes longer than all the rest.
        .env("RUST_BACKTRACE", "0")
}

#[test]
fn a_test_binary_that_is_started_without_streams_tells_success_from_failure() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script = format!("exec \"$@\" {closed}");
        under(&script, "inner").success();
        under(&script, "inner_that_fails").code(101);
    }
}

#[test]
fn a_test_binary_under_nohup_or_in_the_background_tells_success_from_failure() {
    for script in [
        "exec nohup \"$@\"",
        "\"$@\" & wait $!",
        "exec setsid -w \"$@\"",
        "trap '' INT HUP CHLD; exec \"$@\"",
    ] {
        under(script, "inner").success();
        under(script, "inner_that_fails").code(101);
    }
}
