//! What a target has at a terminal: three streams that are one, a session, a window.

use exeunt::prelude::*;
use std::io::{self, IsTerminal, Write};

use crate::support::{fails_at_a_deadline, fails_with};

#[test]
fn all_three_streams_are_a_terminal_and_without_pty_none_is() {
    let program = || program("sh").args(["-c", "for fd in 0 1 2; do test -t $fd && echo yes; done; exit 0"]);
    program().pty().stdout("yes\r\nyes\r\nyes\r\n").success();
    program().stdout("").success();
}

#[test]
fn a_function_runs_at_a_terminal_too() {
    let function = || {
        assert_exit(|| {
            let all = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
            std::process::exit(if all { 3 } else { 4 });
        })
    };
    function().pty().code(3);
    function().arg("with an argument").pty().code(3);
    function().code(4);
    fails_with(|| function().code(3), &["happened: exit code 4"]);
}

exeunt::isolated! {
    #[test]
    fn a_forked_function_runs_at_a_terminal_too() {
        let wanted = i32::from(std::env::args().count() > 0) + 2;
        let forked =
            || assert_exit_forked(|| std::process::exit(if io::stdout().is_terminal() { wanted } else { 77 }));
        forked().pty().code(wanted);
        forked().code(77);
    }
}

#[test]
fn stdout_and_stderr_arrive_as_one_stream_in_order() {
    let plan = || program("sh").args(["-c", "echo one; echo two >&2; echo three"]);
    plan().pty().stdout("one\r\ntwo\r\nthree\r\n").success();
    plan().stdout("one\nthree\n").stderr("two\n");
}

#[test]
fn an_assertion_on_stderr_fails_at_a_terminal_whatever_is_expected() {
    let plan = || program("sh").args(["-c", "echo oops >&2"]).pty();
    let why = "stdout and stderr arrive as one stream: ask for `stdout`";
    fails_with(|| plan().stderr("oops\r\n"), &[why, "terminal (6 bytes):\n    oops"]);
    fails_with(|| plan().stderr(""), &[why]);
    fails_with(|| plan().stderr(predicate::str::is_empty()), &[why]);
    plan().flushed("oops").stdout("oops\r\n");
}

#[test]
fn a_line_that_is_flushed_at_a_terminal_is_found_by_the_end_that_it_was_printed_with() {
    let exit = program("sh")
        .args(["-c", "echo one; echo two"])
        .pty()
        .flushed("one\ntwo\n")
        .flushed("one\r\ntwo\r\n");
    fails_with(
        || exit.clone().not_flushed("two\n"),
        &["\"two\\n\" is flushed neither to stdout nor", "it is on stdout"],
    );
    let exit = exit.not_flushed("one\n\n").not_flushed("two\none");
    fails_with(|| exit.flushed("two\none"), &["is flushed to stdout or stderr"]);
    // At a pipe a line ends as it was printed.
    program("echo").arg("one").not_flushed("one\r\n");
}

#[test]
fn a_report_calls_the_one_stream_the_terminal() {
    let plan = || program("sh").args(["-c", "echo hello; printf unfinished"]).pty();
    fails_with(
        || plan().code(1),
        &["ms  terminal: hello\n", "  terminal (17 bytes):\n    hello\n    unfinished (no newline)"],
    );
    let report = crate::support::report_of(|| plan().code(1));
    assert!(!report.contains("stderr") && !report.contains("stdout"), "{report}");
}

#[test]
fn the_target_leads_a_session_and_the_foreground_group() {
    // PID, state, parent, group, session, terminal, foreground group (man 5 proc).
    let fields =
        r"set -- $(cat /proc/$$/stat); shift 2; echo $$ $3 $4 $6; test $5 != 0 && echo controlled; exit 0";
    let plan = || program("sh").args(["-c", fields]);
    let at_terminal = plan().pty().success().stdout_text();
    let (ids, rest) = at_terminal.split_once("\r\n").unwrap();
    let ids: Vec<&str> = ids.split(' ').collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{at_terminal}");
    assert_eq!(rest, "controlled\r\n");

    let at_pipes = plan().success().stdout_text();
    let ids: Vec<&str> = at_pipes.trim_end().split(' ').collect();
    assert_eq!((ids[0] == ids[1], ids[0] == ids[2], ids[3]), (true, false, "-1"), "{at_pipes}");
}

#[test]
fn the_window_has_the_size_that_was_asked_for() {
    let size = || program("stty").arg("size").pty();
    size().stdout("24 80\r\n").success();
    size().window_size(50, 132).stdout("50 132\r\n").success();
    fails_with(|| size().window_size(50, 132).stdout("24 80\r\n"), &["50 132"]);
}

#[test]
fn nothing_that_was_written_right_before_the_end_is_lost() {
    for _ in 0..200 {
        program("sh").args(["-c", "printf 'the last words'; exit 3"]).pty().stdout("the last words").code(3);
    }
    assert_exit(|| {
        let _ = io::stdout().write_all(b"gone in an instant");
        let _ = io::stdout().flush();
        std::process::abort()
    })
    .pty()
    .stdout("gone in an instant")
    .aborted();
}

#[test]
fn a_mebibyte_comes_whole() {
    let plan = || program("sh").args(["-c", "head -c 1048576 /dev/zero | tr '\\0' x"]).pty();
    let exit = plan().success();
    assert_eq!(exit.stdout_bytes().len(), 1 << 20);
    assert!(exit.stdout_bytes().iter().all(|byte| *byte == b'x'));
    let cut = plan().capture_limit(1000).success();
    assert_eq!(cut.stdout_bytes().len(), 1000);
}

#[test]
fn nothing_of_a_session_outlives_its_run() {
    let script = "trap '' HUP; sleep 1000 & (setsid sleep 1000 &) ; echo started; wait";
    let exit = program("sh")
        .args(["-c", script])
        .pty()
        .ready_when(Ready::stdout("started"))
        .signal_after(SIGKILL, ms(0))
        .killed_by(SIGKILL);
    assert_eq!(exit.leftovers().len(), 2, "{:?}", exit.leftovers());
    for leftover in exit.leftovers() {
        let alive = crate::process::Process::alive(leftover.pid);
        assert!(alive.is_none_or(|process| process.name() != "sleep"), "{leftover:?}");
    }
}

#[test]
fn a_deadline_ends_a_target_that_waits_at_its_terminal() {
    let plan = || program("cat").pty();
    plan().timeout(ms(300)).timed_out();
    let told = "read on descriptor 0";
    fails_at_a_deadline(|deadline| plan().timeout(deadline).success(), told, &["still running"]);
    plan().still_running_after(ms(50));
}
