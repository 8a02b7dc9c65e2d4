//! The hints: each is there where its cause is, and not where it is not.

use std::io::Write;
use std::process::exit;

use exeunt::prelude::*;

use crate::process::executable;
use crate::programs::{c_program, python_program};
use crate::support::{needs, report_at_a_deadline, report_of};

/// Asserts that the report of `with` has this hint and that of `without` has not, both failing. Gives the
/// first back.
#[track_caller]
fn tells<T, U>(hint: &str, with: impl FnOnce() -> T + Send, without: impl FnOnce() -> U + Send) -> String {
    // At once: some of them wait for a deadline.
    let (with, without) = std::thread::scope(|scope| {
        let with = scope.spawn(|| report_of(with));
        let without = report_of(without);
        (with.join().expect("its panic is printed"), without)
    });
    is_told_by_one(hint, with, &without)
}

#[track_caller]
fn is_told_by_one(hint: &str, with: String, without: &str) -> String {
    assert!(with.contains(hint), "the report lacks {hint:?}:\n{with}");
    assert!(!without.contains(hint), "the report has no reason to say {hint:?}:\n{without}");
    with
}

/// A shell that says "up" when it has made this arrangement for signals, and waits.
fn shell(arrangement: &str) -> ExitTest {
    // It starts no other process, which would outlive it for a moment.
    let script = format!("{arrangement}; echo up; while :; do :; done");
    program("sh").args(["-c", &script]).ready_when(Ready::stdout("up"))
}

/// Like [`tells`], where both are sent the signal and go on to their deadline.
#[track_caller]
fn tells_at_a_deadline(
    hint: &str,
    signal: Signal,
    with: impl Fn() -> ExitTest + Sync,
    without: impl Fn() -> ExitTest + Sync,
) -> String {
    let sent = &*format!("{signal} sent");
    let report_of = |plan: &dyn Fn() -> ExitTest| {
        let fails = |deadline| plan().signal_after(signal, ms(0)).timeout(deadline).success();
        report_at_a_deadline(fails, sent)
    };
    let (with, without) = std::thread::scope(|scope| {
        let with = scope.spawn(|| report_of(&with));
        let without = report_of(&without);
        (with.join().expect("its panic is printed"), without)
    });
    is_told_by_one(hint, with, &without)
}

#[test]
fn a_death_by_default_says_that_no_handler_was_installed() {
    tells(
        "hint: SIGTERM (15) had its default action: the target had installed no handler when it was sent. If it \
         installs one later, wait for that with `.ready_when(Ready::handler(SIGTERM))`\n",
        || shell(":").signal_after(SIGTERM, ms(0)).success(),
        || shell("trap 'exit 3' TERM").signal_after(SIGTERM, ms(0)).success(),
    );
}

#[test]
fn a_handler_that_dies_by_its_own_signal_is_told_from_none() {
    let Some(bash) = needs("bash") else { return };
    let plan = |arrangement: &str| {
        let script = format!("{arrangement}; echo up; while :; do :; done");
        program(&bash).args(["-c", &script]).ready_when(Ready::stdout("up"))
    };
    tells(
        "hint: a handler was installed for SIGTERM (15) when it was sent, and the target was killed by it all \
         the same",
        || plan("trap 'trap - TERM; kill -TERM $$' TERM").signal_after(SIGTERM, ms(0)).success(),
        || plan(":").signal_after(SIGTERM, ms(0)).success(),
    );
}

#[test]
fn a_sigwait_that_another_threads_default_action_forestalls_is_told() {
    let Some(_) = c_program("sigwait.c") else { return };
    let plan = |argument: &str| {
        let plan = c_program("sigwait.c").expect("it was compiled").arg(argument);
        plan.ready_when(Ready::handler(SIGTERM)).signal_after(SIGTERM, ms(0))
    };
    tells(
        "hint: the target was about to take SIGTERM (15) without a handler, and was killed by it all the same: every \
         thread has to block it, always\n",
        || plan("careless").success(),
        || plan("thread").success(),
    );
}

#[test]
fn a_blocked_signal_that_kills_when_it_is_let_in_is_told() {
    let Some(perl) = needs("perl") else { return };
    let plan = |before: &str| {
        let script = format!(
            "use POSIX; $|=1; $set = POSIX::SigSet->new(SIGTERM); sigprocmask(SIG_BLOCK, $set); {before}; \
             print qq(up\\n); $pending = POSIX::SigSet->new; do {{ sigpending($pending) }} until \
             $pending->ismember(SIGTERM); sigprocmask(SIG_UNBLOCK, $set); 1 while 1"
        );
        let plan = program(&perl).args(["-e", &script]).ready_when(Ready::stdout("up"));
        plan.signal_after(SIGTERM, ms(0))
    };
    tells(
        "hint: the target blocked SIGTERM (15) when it was sent, and was killed by it when it let it in. If it",
        || plan("1").success(),
        || plan("$SIG{TERM} = sub { exit 3 }").success(),
    );
}

#[test]
fn an_ignored_signal_is_told_at_the_deadline() {
    tells_at_a_deadline(
        "hint: the target ignores SIGTERM (15). exeunt starts it with every signal at its default action, and it has \
         chosen that itself\n",
        SIGTERM,
        || shell("trap '' TERM"),
        || shell("trap : TERM"),
    );
}

#[test]
fn what_a_wrapper_has_handed_on_by_exec_is_told_with_what_it_became() {
    let Some(_) = needs("bash") else { return };
    let loops = "echo up; while :; do :; done";
    let wrapped = |script: String| program("sh").args(["-c", &script]).ready_when(Ready::stdout("up"));
    let executes = || wrapped(format!("trap '' TERM; exec bash -c '{loops}'"));
    tells_at_a_deadline(
        "hint: the target ignores SIGTERM (15). exeunt starts it with every signal at its default action, and it has \
         become \"bash -c echo up; while :; do :; done\" since, by `exec`, through which that is inherited: either has \
         chosen that\n",
        SIGTERM,
        executes,
        || wrapped(format!("trap '' TERM; {loops}")),
    );
    let nohup = || program("nohup").args(["sh", "-c", loops]).ready_when(Ready::stdout("up"));
    tells_at_a_deadline(
        "and it has become \"sh -c echo up; while :; do :; done\" since",
        SIGHUP,
        nohup,
        || shell("trap '' HUP"),
    );
}

#[test]
fn a_blocked_signal_is_told_at_the_deadline_and_that_it_was_never_taken() {
    let Some(_) = c_program("sigwait.c") else { return };
    let plan = |arguments: &[&str]| c_program("sigwait.c").expect("it was compiled").args(arguments);
    let blocked = || plan(&["blocked"]).ready_when(Ready::stdout("arranged"));
    let waited_for = || plan(&[]).ready_when(Ready::handler(SIGTERM));
    let told = "SIGTERM (15) was still pending: it was never taken\n";
    let report = tells_at_a_deadline(told, SIGTERM, blocked, waited_for);
    let hint = "hint: every thread of the target blocks SIGTERM (15), and none waits for it\n";
    assert!(report.contains(hint), "{report}");
}

#[test]
fn a_shell_that_waits_for_its_command_before_it_acts_on_a_signal_is_told() {
    let hint = "hint: the target waits for a child, to which SIGTERM (15) was not sent. A shell acts on a signal that it \
                catches when the command in its foreground has ended, not before: send the signal to the group \
                (`group_signal_after`), or start the program with `exec`, or in the background, followed by `wait`\n";
    let trap = "trap 'echo bye; exit 3' TERM";
    let plan = |script: &str| {
        let plan = program("sh").args(["-c", script, "sh", "echo up; sleep 1000"]).timeout(secs(2));
        plan.ready_when(Ready::stdout("up")).signal_after(SIGTERM, ms(0))
    };
    let report = tells(
        hint,
        || plan(&format!("{trap}; sh -c \"$1\"; exit 4")).cleanup_ran("bye"),
        // It waits for its child in the same way, and has not taken the signal.
        || plan("trap '' TERM; sh -c \"$1\"; exit 4").success(),
    );
    assert!(!report.contains("blocks SIGTERM"), "{report}");
    plan(&format!("{trap}; sh -c \"$1\" & wait")).cleanup_ran("bye").code(3);
}

#[test]
fn a_signal_that_was_blocked_for_a_moment_is_not_told_to_be_blocked_at_the_deadline() {
    let Some(perl) = needs("perl") else { return };
    let report = |then: &str, there: &str| {
        let script = format!(
            "use POSIX; $|=1; $SIG{{TERM}} = sub {{ print qq(taken\\n) }}; $set = POSIX::SigSet->new(SIGTERM); \
             sigprocmask(SIG_BLOCK, $set); print qq(up\\n); $pending = POSIX::SigSet->new; \
             do {{ sigpending($pending) }} until $pending->ismember(SIGTERM); {then}; sleep 1 while 1"
        );
        let plan = || program(&perl).args(["-e", &script]).ready_when(Ready::stdout("up"));
        let fails = |deadline| plan().signal_after(SIGTERM, ms(0)).timeout(deadline).failure();
        report_at_a_deadline(fails, there)
    };
    let later = report("sigprocmask(SIG_UNBLOCK, $set)", "stdout: taken\n");
    let never = report("1", "SIGTERM (15) sent");
    let hint = "hint: the target blocked SIGTERM (15) when it was sent, and has taken it since\n";
    let later = is_told_by_one(hint, later, &never);
    let hint = "hint: every thread of the target blocks SIGTERM (15), and none waits for it\n";
    is_told_by_one(hint, never, &later);
}

#[test]
fn a_wrapper_that_got_the_signal_instead_of_its_program_is_told() {
    let hint = "It went to the process that was started and not to those that it started, which outlived it: a \
                shell passes no signal on (start the program with `exec`)\n";
    let plan = |script: &str| {
        let inner = "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done";
        let plan = program("sh").args(["-c", script, "sh", inner]).ready_when(Ready::stdout("up"));
        plan.signal_after(SIGTERM, ms(0))
    };
    tells(hint, || plan("sh -c \"$1\"; exit 4").success(), || plan("exec sh -c \"$1\"").success());
}

/// Prints without a newline, and leaves in this way.
fn print_and_leave(way: u8) {
    print_raw("half a line");
    match way {
        // SAFETY: a number only.
        0 => unsafe { libc::_exit(0) },
        1 => std::process::abort(),
        // SAFETY: a number only.
        2 => drop(unsafe { libc::raise(libc::SIGTERM) }),
        3 => loop {
            std::thread::park();
        },
        _ => exit(0),
    }
}

#[expect(clippy::print_stdout, reason = "what is printed goes into a buffer, and that is the point")]
fn print_raw(text: &str) {
    print!("{text}");
}

#[test]
fn output_that_was_never_flushed_is_told_for_each_way_that_loses_it() {
    let rest = " and with it what was printed but never flushed. To a pipe, Rust writes line by line and at the exit, C \
                and Python only when a buffer is full and at the exit\n";
    for (way, end) in [
        (0, "because: the process ended without exit hooks,"),
        (1, "because: SIGABRT (6) ended the process,"),
        (2, "because: SIGTERM (15) ended the process,"),
        (3, "because: the harness ended the process,"),
    ] {
        tells(
            &[end, rest].concat(),
            || assert_exit_with(way, print_and_leave).timeout(ms(300)).flushed("half a line"),
            // Where it was flushed, another text was simply never printed.
            || assert_exit_with(4, print_and_leave).flushed("half a line").flushed("another line"),
        );
    }
}

#[test]
fn output_of_a_program_that_a_signal_ended_before_it_flushed_is_told() {
    let Some(_) = python_program("signal_handler.py") else { return };
    let python = |script: &str| {
        let interpreter = needs("python3").expect("it was there a moment ago");
        program(interpreter).args(["-c", script]).env_remove("PYTHONUNBUFFERED")
    };
    tells(
        "because: SIGKILL (9) ended the process, and with it what was printed but never flushed",
        || python("import os; print('lost'); os.kill(os.getpid(), 9)").flushed("lost"),
        || python("print('kept')").flushed("kept").flushed("lost"),
    );
}

#[test]
fn a_mark_from_before_the_signal_is_told_not_to_count() {
    let plan = |script: &str| {
        let script = format!("{script}; echo up; while :; do sleep 0.01; done");
        let plan = program("sh").args(["-c", &script]).ready_when(Ready::stdout("up"));
        plan.signal_after(SIGTERM, ms(0))
    };
    tells(
        ", but before SIGTERM (15) was sent, so it does not show that the signal led to it\n",
        || plan("echo closed >> \"$EXEUNT_PROBE\"").cleanup_ran("closed"),
        || plan(":").cleanup_ran("closed"),
    );
    // Made by the handler it counts.
    plan("trap 'echo closed >> \"$EXEUNT_PROBE\"; exit' TERM").cleanup_ran("closed");
}

#[test]
fn a_label_with_a_typo_is_told_with_the_one_that_was_meant() {
    tells(
        "because: there is a mark with a similar label: \"lock released\"\n",
        || assert_exit(|| probe::mark("lock released")).cleanup_ran("lock relaesed"),
        || assert_exit(|| probe::mark("lock released")).cleanup_ran("temporary files removed"),
    );
    let guarded = || assert_exit(|| drop(probe::on_drop("connection")));
    tells(
        "because: there is a guard with a similar label: \"connection\"\n",
        || guarded().dropped("conection"),
        || guarded().dropped("connection").not_dropped("connection"),
    );
    tells(
        "because: there is a guard with a similar label: \"connection\"\n",
        || guarded().not_dropped("conection"),
        || guarded().not_dropped("lock"),
    );
    tells(
        "because: there is a check with a similar label: \"file removed\"\n",
        || assert_exit(|| ()).cleanup_check("file removed", || true).cleanup_ran("file remoed"),
        || assert_exit(|| ()).cleanup_check("file removed", || false).cleanup_ran("file removed"),
    );
    let steps = || assert_exit(|| ["step 1", "step 3"].into_iter().for_each(probe::mark));
    tells(
        "because: there is a mark with a similar label: \"step 3\"\n",
        || steps().cleanup_order(["step 1", "stp 3"]),
        // Those that are asked for as well were not meant.
        || steps().cleanup_order(["step 1", "step 2", "step 3"]),
    );
}

#[test]
fn a_guards_label_with_a_typo_is_told_with_the_one_that_was_meant() {
    let armed = || assert_exit(|| drop(probe::on_drop("connection")));
    let hint = "because: there is a guard with a similar label: \"connection\"\n";
    tells(hint, || armed().dropped("conection"), || armed().dropped("temporary file"));
    tells(hint, || armed().not_dropped("conection"), || armed().not_dropped("connection"));
    // A mark is no guard.
    tells(
        hint,
        || armed().dropped("conection"),
        || assert_exit(|| probe::mark("connection")).dropped("conection"),
    );
    armed().dropped("connection");
}

#[test]
fn what_only_a_function_tells_is_told_of_a_program() {
    let hint = "because: only a function's process tells that; of a program there are its code, its output and its \
                marks\n";
    tells(hint, || program("true").returned(), || assert_exit(|| exit(0)).returned());
    tells(hint, || program("true").panicked(), || assert_exit(|| exit(0)).panicked());
    tells(hint, || program("true").panicked_with("x"), || assert_exit(|| exit(0)).panicked_with("x"));
    tells(hint, || program("true").exited_immediately(), || assert_exit(|| exit(0)).exited_immediately());
    // Neither does one that was killed lack what tells it.
    tells(hint, || program("true").returned(), || assert_exit(std::process::abort).returned());
}

#[test]
fn what_a_core_dump_needs_is_told() {
    let killed = || program("sh").args(["-c", "kill -ABRT $$"]);
    tells(
        "because: it left none. A target may leave one where the plan has `core_dumps(true)` and the system's limits \
         allow it\n",
        || killed().core_dumped(),
        || killed().code(0),
    );
}

#[test]
fn a_code_of_128_and_a_signals_number_is_told_to_be_a_shells() {
    let plan = |code: i32| program("sh").args(["-c", &format!("exit {code}")]);
    tells(
        "hint: 143 is 128 + 15: so a shell says that SIGTERM (15) killed its child, and some programs that it made them \
         leave. The process that was started was not killed, it left with a code\n",
        || plan(143).killed_by(SIGTERM),
        || plan(14).killed_by(SIGTERM),
    );
    tells(
        "hint: 137 is 128 + 9: so a shell says that SIGKILL (9) killed its child, as the kernel does for want of \
         memory. The process",
        || plan(137).success(),
        || plan(143).success(),
    );
    // 128 alone is nobody's, and beyond the last signal there is none.
    tells("is 128 + ", || plan(129).success(), || plan(128).success());
    tells("is 128 + ", || plan(192).success(), || plan(193).success());
}

#[test]
fn what_a_shell_returns_for_a_command_that_it_cannot_run_is_told() {
    let plan = |script: &str| program("sh").args(["-c", script]);
    tells(
        "hint: 127 is what a shell returns for a command that it did not find\n",
        || plan("exeunt-no-such-command").success(),
        || plan("exit 1").success(),
    );
    tells(
        "hint: 126 is what a shell returns for a command that it could not execute\n",
        || plan("/").success(),
        || plan("exit 1").success(),
    );
}

#[test]
fn a_101_without_a_panic_is_told_from_a_panic() {
    tells(
        "hint: 101 is also the code of a panic, but the function did not panic\n",
        || assert_exit(|| exit(101)).panicked(),
        || assert_exit(|| panic!("on purpose")).env("RUST_BACKTRACE", "0").success(),
    );
    let caught_before = || {
        let _ = std::panic::catch_unwind(|| panic!("on purpose"));
        exit(101)
    };
    tells(
        "but the function did not panic",
        || assert_exit(|| exit(101)).success(),
        || assert_exit(caught_before).env("RUST_BACKTRACE", "0").success(),
    );
    let program = |script: &str| program("sh").args(["-c", script]);
    tells(
        "hint: 101 is also the code of a panic in a Rust program, but this one printed none\n",
        || program("exit 101").success(),
        || program("echo \"thread 'main' panicked at x.rs:1:1:\" >&2; exit 101").success(),
    );
}

#[test]
fn a_handler_for_one_time_is_told_from_none() {
    let twice = |arrangement: &str, gate: Ready| {
        shell(arrangement).signal_after(SIGTERM, ms(0)).signal_when(SIGTERM, gate)
    };
    tells(
        "hint: SIGTERM (15) had its default action, though the target was ready for the one before: a handler for one \
         time (SA_RESETHAND), or one that gave the default action back\n",
        || twice("trap 'trap - TERM; echo once' TERM", Ready::stdout("once")).success(),
        || shell(":").signal_after(SIGTERM, ms(0)).success(),
    );
}

#[test]
fn a_handler_that_was_there_when_the_gate_opened_and_is_gone_is_told() {
    let script = "trap 'exit 3' TERM; read line; trap - TERM; echo gone; while :; do :; done";
    let plan = || program("sh").args(["-c", script]).ready_when(Ready::handler(SIGTERM));
    tells(
        "hint: SIGTERM (15) had its default action: the target was ready for it when the gate opened, and not any more \
         when it was sent\n",
        || {
            let plan = plan().write_stdin_after("go on\n", ms(0)).signal_when(SIGTERM, Ready::stdout("gone"));
            plan.success()
        },
        || shell(":").signal_after(SIGTERM, ms(0)).success(),
    );
}

#[test]
fn a_signal_that_the_handler_of_the_one_before_blocks_is_told() {
    let Some(perl) = needs("perl") else { return };
    let script = "use POSIX; $|=1; sigaction(SIGTERM, POSIX::SigAction->new(sub { syswrite STDOUT, \"in the \
                  handler\\n\"; 1 while 1 })); print qq(up\\n); 1 while 1";
    let once = || {
        let plan = program(&perl).args(["-e", script]).ready_when(Ready::stdout("up"));
        plan.signal_after(SIGTERM, ms(0))
    };
    let twice = || once().signal_when(SIGTERM, Ready::stdout("in the handler"));
    let never_taken = "SIGTERM (15) was still pending: not all that were sent were taken\n";
    let with = report_at_a_deadline(|deadline| twice().timeout(deadline).success(), never_taken);
    let without =
        report_at_a_deadline(|deadline| once().timeout(deadline).success(), "stdout: in the handler\n");
    is_told_by_one(
        "hint: every thread of the target blocks SIGTERM (15), and none waits for it: a handler blocks its own signal as \
         long as it runs, and that for the one before may not have come back\n",
        with,
        &without,
    );
}

#[test]
fn a_signal_that_waits_for_a_stopped_target_is_told() {
    let stopped = || shell(":").stop_after(ms(0)).signal_after(SIGTERM, ms(0));
    let sent = "SIGTERM (15) sent";
    let with = report_at_a_deadline(|deadline| stopped().timeout(deadline).success(), sent);
    let without = report_of(|| stopped().continue_after(ms(0)).success());
    is_told_by_one(
        "hint: the target is stopped, and takes SIGTERM (15) when it is told to go on (SIGCONT, as by `continue_after`)\n",
        with,
        &without,
    );
}

#[test]
fn a_signal_that_came_before_its_handler_and_was_ignored_is_told() {
    let script = "trap '' TERM; echo up; read line; trap : TERM; echo ready; while :; do :; done";
    let plan =
        || program("sh").args(["-c", script]).ready_when(Ready::stdout("up")).signal_after(SIGTERM, ms(0));
    let goes_on = || plan().write_stdin_after("go on\n", ms(0));
    let with = report_at_a_deadline(|deadline| goes_on().timeout(deadline).success(), "stdout: ready\n");
    let without = report_at_a_deadline(
        |deadline| shell("trap '' TERM").signal_after(SIGTERM, ms(0)).timeout(deadline).success(),
        "SIGTERM (15) sent",
    );
    is_told_by_one(
        "hint: the target ignored SIGTERM (15) when it was sent, and has a handler for it now: wait for that with \
         `.ready_when(Ready::handler(SIGTERM))`\n",
        with,
        &without,
    );
}

#[test]
fn what_a_target_made_of_its_signal_is_told_also_where_it_had_to_be_killed() {
    tells(
        "hint: the target ignores SIGTERM (15). exeunt starts it with every signal at its default action, and it has \
         chosen that itself\n",
        || shell("trap '' TERM").escalate(SIGTERM, ms(100)).success(),
        || shell("trap : TERM").escalate(SIGTERM, ms(100)).success(),
    );
    let loops = "echo up; while :; do :; done";
    let nohup = program("nohup").args(["sh", "-c", loops]).ready_when(Ready::stdout("up"));
    let report = report_of(|| nohup.escalate(SIGHUP, ms(100)).success());
    assert!(report.contains("and it has become \"sh -c echo up; while :; do :; done\" since"), "{report}");
}

#[test]
fn a_program_that_gives_itself_a_title_has_not_become_another() {
    let Some(perl) = needs("perl") else { return };
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("server");
    let text = "$0 = 'title'; $SIG{TERM} = 'IGNORE'; $| = 1; print qq(up\n); 1 while 1;\n";
    executable(&script, &format!("#!{}\n{text}", perl.display()));
    let plan = || program(&script).ready_when(Ready::stdout("up")).signal_after(SIGTERM, ms(0));
    let report = report_at_a_deadline(|deadline| plan().timeout(deadline).success(), "SIGTERM (15) sent");
    assert!(report.contains(": title\n"), "{report}");
    assert!(report.contains("and it has chosen that itself\n"), "{report}");
}

#[test]
fn that_sigpipe_is_ignored_is_a_runtimes_arrangement() {
    let parked = || {
        let plan = assert_exit(|| {
            probe::mark("parked");
            loop {
                std::thread::park();
            }
        });
        plan.ready_when(Ready::mark("parked"))
    };
    let fails = |deadline| parked().signal_after(SIGPIPE, ms(0)).timeout(deadline).success();
    let report = report_at_a_deadline(fails, "SIGPIPE (13) sent");
    let told = "hint: the target ignores SIGPIPE (13), as Rust's runtime arranges it for every program, Python's too, and \
                exeunt for a function\n";
    assert!(report.contains(told), "{report}");
}

#[test]
fn the_cause_is_told_also_where_the_script_was_not_carried_out() {
    let plan = |script: &str| program("sh").args(["-c", script]).ready_when(Ready::stdout("listening"));
    let report = tells(
        "hint: 127 is what a shell returns for a command that it did not find\n",
        || plan("exeunt-no-such-command").success(),
        || plan("exit 3").success(),
    );
    assert!(report.contains("  not reached: readiness"), "{report}");
    tells(
        "hint: SIGTERM (15) had its default action: the target had installed no handler",
        || shell(":").signal_after(SIGTERM, ms(0)).signal_after(SIGUSR1, secs(600)).success(),
        || {
            shell("trap 'exit 3' TERM")
                .signal_after(SIGTERM, ms(0))
                .signal_after(SIGUSR1, secs(600))
                .success()
        },
    );
}

#[test]
fn of_sigkill_nobody_is_told_that_it_had_no_handler() {
    let report = report_of(|| shell(":").signal_after(SIGKILL, ms(0)).success());
    assert!(report.contains(" ms  SIGKILL (9) sent\n"), "{report}");
    let report = report_of(|| shell(":").signal_after(SIGTERM, ms(0)).success());
    assert!(
        report.contains(" ms  SIGTERM (15) sent, which had its default action: no handler was installed\n"),
        "{report}"
    );
}

#[test]
fn a_sigkill_that_nobody_here_sent_is_told() {
    tells(
        "hint: SIGKILL (9) was not sent by the script or the harness: the target itself, another process, or the \
         kernel for want of memory\n",
        || program("sh").args(["-c", "kill -KILL $$"]).success(),
        || shell(":").signal_after(SIGKILL, ms(0)).success(),
    );
    // Nor is it told where the harness ended it.
    let report = report_of(|| program("sleep").arg("600").timeout(ms(100)).success());
    assert!(!report.contains("SIGKILL"), "{report}");
}

#[test]
fn a_write_to_a_pipe_that_nobody_reads_is_told() {
    tells(
        "hint: the target wrote to a pipe or a socket that nobody reads, such as one of its own, unless somebody sent it \
         that signal\n",
        || program("sh").args(["-c", "kill -PIPE $$"]).success(),
        || program("sh").args(["-c", "kill -ALRM $$"]).success(),
    );
}

#[test]
fn a_panic_that_was_caught_before_another_end_is_told() {
    let plan = |panics: bool| {
        let body = |panics: bool| {
            let _ = std::panic::catch_unwind(|| assert!(!panics, "caught in between"));
            let _ = std::io::stdout().flush();
            exit(3)
        };
        assert_exit_with(panics, body).env("RUST_BACKTRACE", "0")
    };
    tells(
        "; before, it panicked at tests/report/hints.rs:",
        || plan(true).success(),
        || plan(false).success(),
    );
}
