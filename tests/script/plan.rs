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
        plan().pause_stderr_after(ms(0)),
        plan().resume_stderr_after(ms(0)),
    ] {
        fails_with(|| plan.success(), &["the target has a terminal and no pipes"]);
    }
}

#[test]
fn nothing_is_not_written() {
    fails_with(|| never().write_stdin_after("", ms(0)).success(), &["there is nothing to write"]);
}

#[test]
fn a_gate_does_not_wait_for_what_nobody_reads() {
    let why = &["the gate never opens: a step before has seen to it that what it waits for is not read"];
    let gate = || Ready::stdout("x");
    for plan in [
        never().close_stdout_after(ms(0)).signal_when(SIGTERM, gate()),
        never().close_stderr_after(ms(0)).signal_when(SIGTERM, Ready::stderr("x").and(gate())),
        never().pause_stdout_after(ms(0)).signal_when(SIGTERM, gate().and(Ready::mark("x"))),
        never().pause_stderr_after(ms(0)).signal_when(SIGTERM, Ready::stderr("x")),
        never().pty().hang_up_after(ms(0)).signal_when(SIGTERM, gate()),
    ] {
        fails_with(|| plan.success(), why);
    }
    for plan in [
        never().close_stdout_after(ms(0)).signal_when(SIGTERM, gate().or(Ready::mark("x"))),
        never().close_stdout_after(ms(0)).signal_when(SIGTERM, Ready::stderr("x")),
        never().pause_stdout_after(ms(0)).resume_stdout_after(ms(0)).signal_when(SIGTERM, gate()),
        never().pause_stderr_after(ms(0)).signal_when(SIGTERM, gate()),
    ] {
        fails_with(|| plan.success(), &["could not start"]);
    }
}

#[test]
fn a_reader_goes_once_and_comes_back_only_from_a_pause() {
    let closed = "a step before has closed that stream";
    let plan = || never().close_stdout_after(ms(0));
    fails_with(|| plan().close_stdout_after(ms(0)).success(), &[closed]);
    fails_with(|| plan().pause_stdout_after(ms(0)).success(), &[closed]);
    fails_with(|| plan().resume_stdout_after(ms(0)).success(), &[closed]);
    fails_with(|| plan().close_stderr_after(ms(0)).success(), &["could not start"]);
    fails_with(|| never().resume_stdout_after(ms(0)).success(), &["no step before has paused it"]);
    let paused = || never().pause_stdout_after(ms(0));
    fails_with(|| paused().pause_stdout_after(ms(0)).success(), &["a step before has paused it already"]);
    fails_with(|| paused().close_stdout_after(ms(0)).success(), &["could not start"]);
    fails_with(|| paused().resume_stdout_after(ms(0)).success(), &["could not start"]);
    fails_with(|| paused().resume_stderr_after(ms(0)).success(), &["no step before has paused it"]);
    fails_with(|| paused().pause_stderr_after(ms(0)).success(), &["could not start"]);
}

#[test]
fn nobody_waits_for_a_handler_that_cannot_be() {
    for signal in [SIGKILL, SIGSTOP] {
        let why = &*format!("a gate on a handler for {signal}: no program can have one");
        fails_with(|| never().ready_when(Ready::handler(signal)).success(), &[why]);
        fails_with(|| never().ready_when(Ready::handlers([SIGTERM, signal])).success(), &[why]);
        fails_with(|| never().ready_when(Ready::handler_in_child(signal)).success(), &[why]);
    }
    fails_with(|| never().ready_when(Ready::handler(SIGTSTP)).success(), &["could not start"]);
}

#[test]
fn a_grace_fits_into_the_run() {
    let plan = |grace| never().timeout(secs(1)).escalate(SIGTERM, grace);
    fails_with(
        || plan(ms(1001)).success(),
        &["the grace is longer than the run may take in all (`timeout`)"],
    );
    fails_with(|| plan(secs(1)).success(), &["could not start"]);
}
