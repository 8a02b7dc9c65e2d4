//! What is not readiness: a signal that is ignored, or blocked with nobody waiting for it, a handler for
//! another one, none at all. The gate stays closed, and the report at the deadline says which it was.

use exeunt::prelude::*;

use crate::programs::c_program;
use crate::support::{needs, report_of};
use crate::{LEFT, WORDS, stays_closed};

fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", script])
}

#[test]
fn an_ignored_signal_is_reported_as_ignored() {
    stays_closed(
        || shell("trap '' TERM; echo arranged; exec sleep 600"),
        || Ready::handler(SIGTERM),
        &[
            "not reached: readiness (the target is ready to take SIGTERM (15))",
            "because: the deadline came before",
            "gate: the target is ready to take SIGTERM (15): the target ignores it",
        ],
    );
}

#[test]
fn a_signal_for_which_nothing_was_installed_is_reported_as_that() {
    stays_closed(
        || shell("echo arranged; exec sleep 600"),
        || Ready::handler(SIGTERM),
        &[
            "gate: the target is ready to take SIGTERM (15): never installed: the signal has its default action\n",
        ],
    );
}

#[test]
fn a_blocked_signal_that_nobody_waits_for_is_reported_as_blocked() {
    let Some(_) = c_program("sigwait.c") else { return };
    stays_closed(
        || c_program("sigwait.c").expect("it was compiled").arg("blocked"),
        || Ready::handler(SIGTERM),
        &["is ready to take SIGTERM (15): every thread blocks it, and nobody waits for it\n"],
    );
}

#[test]
fn a_main_thread_that_has_ended_lets_no_signal_in() {
    let Some(_) = c_program("sigwait.c") else { return };
    stays_closed(
        || c_program("sigwait.c").expect("it was compiled").arg("leaves"),
        || Ready::handler(SIGTERM),
        &["is ready to take SIGTERM (15): every thread blocks it, and nobody waits for it\n"],
    );
}

#[test]
fn a_handler_that_cannot_run_yet_is_not_reported_as_an_open_gate() {
    let Some(_) = c_program("vfork.c") else { return };
    stays_closed(
        || c_program("vfork.c").expect("it was compiled"),
        || Ready::handler(SIGTERM),
        &[
            "is ready to take SIGTERM (15): it has a handler, and a thread that has neither run on since nor gone to sleep\n",
            " waits in vfork (for its child to execute a program or to end)\n",
        ],
    );
}

#[test]
fn a_signalfd_takes_a_signal_that_is_ignored() {
    let Some(_) = c_program("signalfd.c") else { return };
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let plan = || shell("trap '' TERM; exec \"$0\" \"$@\"").arg(directory.join("signalfd"));
    let ready = plan().ready_when(Ready::handler(SIGTERM)).signal_after(SIGTERM, ms(0));
    ready.cleanup_ran(WORDS).code(LEFT);
    // As long as it is not blocked it is dropped.
    let at_work = plan().arg("forever").ready_when(Ready::stdout("at work")).signal_after(SIGTERM, ms(0));
    let report = report_of(|| at_work.timeout(ms(600)).code(LEFT));
    assert!(report.contains("SIGTERM (15) sent, which the target ignored"), "{report}");
}

#[test]
fn to_wait_for_another_signal_is_not_readiness() {
    let Some(_) = c_program("sigwait.c") else { return };
    let plan = || c_program("sigwait.c").expect("it was compiled").arg("other");
    stays_closed(
        plan,
        || Ready::handler(SIGTERM),
        &["is ready to take SIGTERM (15): every thread blocks it, and nobody waits for it\n"],
    );
    // For the one it waits for it is.
    plan().ready_when(Ready::handler(SIGUSR1)).signal_after(SIGUSR1, ms(0)).code(8);
}

#[test]
fn a_handler_for_another_signal_is_not_readiness() {
    let Some(bash) = needs("bash") else { return };
    let plan = || program(&bash).args(["-c", "trap 'exit 7' USR1; echo arranged; while :; do sleep 1; done"]);
    stays_closed(plan, || Ready::handler(SIGTERM), &["SIGTERM (15): never installed"]);
    plan().ready_when(Ready::handler(SIGUSR1)).still_running_after(ms(0));
}

#[test]
fn a_program_behind_a_shell_that_waits_for_it_is_named() {
    let Some(bash) = needs("bash") else { return };
    let inner = "trap 'echo left in order; exit 7' TERM; echo arranged; while :; do sleep 0.01; done";
    let plan = |outer: &str| program("sh").args(["-c", outer, "sh"]).arg(&bash).arg(inner);
    stays_closed(
        || plan("\"$1\" -c \"$2\"; :"),
        || Ready::handler(SIGTERM),
        &[
            "never installed: the signal has its default action. Process ",
            " (bash), which the target started, is ready for it, but the signal goes to the target",
            "a shell passes no signal on (start the program with `exec`)",
        ],
    );
    let exec = plan("exec \"$1\" -c \"$2\"").ready_when(Ready::handler(SIGTERM));
    exec.signal_after(SIGTERM, ms(0)).cleanup_ran(WORDS).code(LEFT);
}

#[test]
fn a_program_that_ends_before_it_installs_its_handler_is_reported_with_its_ending() {
    let report = report_of(|| {
        shell("exit 3").ready_when(Ready::handler(SIGTERM)).signal_after(SIGTERM, ms(0)).code(3)
    });
    assert!(report.contains("because: the target had ended "), "{report}");
    assert!(report.contains("happened: exit code 3"), "{report}");
    // Whether it was looked at before it ended is a race; that it was ready is out of the question.
    let gate = "gate: the target is ready to take SIGTERM (15): ";
    let (_, told) = report.split_once(gate).unwrap_or_else(|| panic!("{report}"));
    assert!(told.starts_with("never "), "{report}");
}
