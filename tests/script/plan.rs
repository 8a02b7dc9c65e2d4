//! Scripts that cannot be carried out are refused before anything starts.

use exeunt::prelude::*;

use crate::support::fails_with;

/// Must never run.
fn never() -> ExitTest {
    program("/no/such/program")
}

#[test]
fn an_escalation_is_the_last_step() {
    let plan = || never().escalate(SIGTERM, secs(1));
    fails_with(|| plan().signal_after(SIGTERM, ms(5)).success(), &["an escalation is the last step"]);
    fails_with(|| plan().success(), &["could not start"]);
}

#[test]
fn a_closed_stdin_is_not_written_to() {
    let plan = || never().close_stdin_after(ms(0));
    fails_with(|| plan().write_stdin_after("x", ms(0)).success(), &["a step before has closed stdin"]);
    fails_with(|| plan().close_stdin_after(ms(0)).success(), &["a step before has closed stdin"]);
    fails_with(|| plan().close_stdout_after(ms(0)).success(), &["could not start"]);
}

#[test]
fn a_terminal_has_no_pipes() {
    let plan = || never().pty();
    for plan in [
        plan().close_stdin_after(ms(0)),
        plan().write_stdin_after("x", ms(0)),
        plan().close_stdout_after(ms(0)),
        plan().close_stderr_after(ms(0)),
        plan().pause_stdout_after(ms(0)),
        plan().resume_stdout_after(ms(0)),
    ] {
        fails_with(|| plan.success(), &["the target has a terminal and no pipes"]);
    }
}

#[test]
fn nothing_is_not_written() {
    fails_with(|| never().write_stdin_after("", ms(0)).success(), &["there is nothing to write"]);
}
