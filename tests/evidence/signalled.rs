//! Where the script delivered a signal, only what came after the first delivery is evidence: what a
//! program says or marks before it is told to leave proves nothing about its leaving.

use exeunt::prelude::*;

use crate::support::fails_with;

/// A shell that does `before`, waits for SIGTERM, upon which it does `after`, and leaves with 3.
fn shell(before: &str, after: &str) -> ExitTest {
    let script = format!("trap '{after}; exit 3' TERM; {before}; sleep 1000 & echo ready; wait");
    program("sh").args(["-c", &script]).signal_when(SIGTERM, Ready::stdout("ready"))
}

const MARK: &str = r#"echo "lock released" >> "$EXEUNT_PROBE""#;
const LINE: &str = "echo lock released";
const ERROR_LINE: &str = "echo lock released >&2";

#[test]
fn evidence_from_after_the_signal_counts() {
    for after in [MARK, LINE, ERROR_LINE] {
        let exit = shell(":", after).code(3).cleanup_ran("lock released");
        fails_with(|| exit.cleanup_skipped("lock released"), &["is skipped", "it ran: "]);
    }
}

#[test]
fn evidence_from_before_the_signal_does_not_count_and_is_named() {
    for (before, what) in [
        (MARK, "a mark was made"),
        (LINE, "stdout said \"lock released\""),
        (ERROR_LINE, "stderr said \"lock released\""),
    ] {
        let exit = shell(before, ":").code(3).cleanup_skipped("lock released");
        fails_with(
            || exit.cleanup_ran("lock released"),
            &[
                "there is no evidence that it did",
                what,
                "but before SIGTERM (15) was sent, so it does not show that the signal led to it",
                ", after SIGTERM (15) was sent",
            ],
        );
    }
}

#[test]
fn evidence_from_before_does_not_hide_that_from_after() {
    shell(MARK, MARK).cleanup_ran("lock released");
    shell(LINE, LINE).cleanup_ran("lock released");
    shell(LINE, MARK).cleanup_ran("lock released");
}

#[test]
fn of_a_line_only_the_part_from_after_the_signal_counts() {
    shell("printf 'leaving: '", "echo lock released").cleanup_ran("lock released").flushed("leaving: ");
    let exit = shell("printf 'lock released'", "echo").code(3);
    fails_with(|| exit.cleanup_ran("lock released"), &["but before SIGTERM (15) was sent"]);
}

/// A shell without a trap, and a worker with one.
fn shell_with_worker() -> ExitTest {
    let worker = "trap 'echo worker left' TERM; echo ready; while :; do sleep 0.01; done";
    program("sh").args(["-c", "sh -c \"$0\" & wait", worker])
}

#[test]
fn what_others_do_at_a_groups_signal_counts_though_the_target_does_nothing() {
    // The target takes it when it goes on, so that the worker has come to its line before.
    let plan = || {
        let plan = shell_with_worker().stop_when(Ready::stdout("ready")).group_signal_after(SIGTERM, ms(0));
        plan.pause_stdout_when(Ready::stdout("worker left")).continue_after(ms(0))
    };
    let exit = plan().cleanup_ran("worker left").killed_by(SIGTERM);
    fails_with(|| exit.clone().cleanup_ran("ready"), &["but before SIGTERM (15) was sent"]);
    // The worker outlives the target, but not because it was not told.
    let hint = "It went to the process that was started";
    assert!(!crate::support::report_of(|| exit.success()).contains(hint));
    let alone = shell_with_worker().signal_when(SIGTERM, Ready::stdout("ready"));
    fails_with(|| alone.success(), &[hint]);
}

#[test]
fn a_mark_of_a_handler_in_rust_counts() {
    let with_handler = || {
        assert_exit(|| {
            extern "C" fn handler(_: libc::c_int) {
                probe::mark("lock released");
                crate::exit_now(3);
            }
            // SAFETY: the handler makes a mark and leaves, both async-signal-safe.
            unsafe { libc::signal(libc::SIGTERM, handler as *const () as libc::sighandler_t) };
            probe::mark("ready");
            crate::wait_for_ever();
        })
    };
    let signalled = |signal| with_handler().signal_when(signal, Ready::mark("ready"));
    signalled(SIGTERM).code(3).cleanup_ran("lock released");
    // SIGKILL leaves no time for anything.
    let killed = signalled(SIGKILL).killed_by(SIGKILL).cleanup_skipped("lock released");
    fails_with(|| killed.clone().cleanup_ran("lock released"), &["there is no evidence that it did"]);
    fails_with(|| killed.cleanup_ran("ready"), &["a mark was made", "but before SIGKILL (9) was sent"]);
}

#[test]
fn the_first_signal_is_the_boundary_where_there_are_several() {
    let script = "
        trap 'echo first; echo lock released' USR1
        trap 'echo second; exit 3' TERM
        sleep 1000 & sleeper=$!
        echo ready
        while :; do wait $sleeper; done";
    let exit = program("sh")
        .args(["-c", script])
        .signal_when(SIGUSR1, Ready::stdout("ready"))
        .signal_when(SIGTERM, Ready::stdout("lock released"))
        .code(3);
    let exit = exit.cleanup_ran("lock released").cleanup_ran("second");
    fails_with(|| exit.cleanup_ran("ready"), &["stdout said \"ready\"", "but before SIGUSR1 (10) was sent"]);
}

#[test]
fn without_a_delivered_signal_all_counts() {
    let ended = program("sh").args(["-c", LINE]).signal_after(SIGTERM, secs(100)).allow_early_end();
    ended.success().cleanup_ran("lock released");
    let exit = program("sh").args(["-c", LINE]).ready_when(Ready::stdout("lock")).success();
    exit.cleanup_ran("lock released");
}

#[test]
fn a_check_counts_whenever_the_signal_came() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("lock");
    let plan = |after: &str| {
        let (path, gone) = (lock.clone(), lock.clone());
        std::fs::write(&path, "").unwrap();
        shell(":", after).env("LOCK", path).cleanup_check("lock removed", move || !gone.exists())
    };
    plan("rm \"$LOCK\"").cleanup_ran("lock removed");
    fails_with(|| plan(":").cleanup_ran("lock removed"), &["did not hold"]);
}

#[test]
fn a_signal_that_ends_no_process_is_a_boundary_only_for_one_that_listens_to_it() {
    let plan = |trap: &str, signal| {
        let script = format!(
            "trap 'exit 3' TERM; {trap}; echo ready; read it; echo lock released; while :; do sleep 0.01; done"
        );
        program("sh")
            .args(["-c", &script])
            .signal_when(signal, Ready::stdout("ready"))
            .write_stdin_after("\n", ms(0))
            .signal_when(SIGTERM, Ready::stdout("lock released"))
    };
    for (trap, signal) in [(":", SIGCONT), ("trap : CONT", SIGCONT), (":", SIGWINCH)] {
        let exit = plan(trap, signal).code(3).cleanup_skipped("lock released");
        fails_with(|| exit.cleanup_ran("lock released"), &["but before SIGTERM (15) was sent"]);
    }
    plan("trap : WINCH", SIGWINCH).code(3).cleanup_ran("lock released");
}
