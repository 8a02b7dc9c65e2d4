//! Where a handler says nothing of the program's readiness, because its runtime catches the signal from
//! its own start, the gate declines at once and names the gates to use instead.

use std::time::Instant;

use exeunt::prelude::*;

use crate::programs::{compiled, python_program};
use crate::support::{needs, report_of};

/// Asserts that the run is refused in these words, long before its deadline.
#[track_caller]
fn declines(plan: impl FnOnce() -> ExitTest, signal: Signal, whose: &str) {
    let begin = Instant::now();
    let report = report_of(|| {
        plan().timeout(secs(60)).ready_when(Ready::handler(signal)).signal_after(signal, ms(0)).failure()
    });
    assert_eq!(
        report,
        format!(
            "`Ready::handler({signal})` cannot tell: {whose} catches that signal from its own start, before the \
             program is ready; wait for something that the program does, with `Ready::stdout`, `Ready::mark` or \
             `Ready::file`"
        )
    );
    assert!(begin.elapsed() < secs(30), "it took {:?}", begin.elapsed());
}

/// The program of `runtime.c`, which catches SIGINT and SIGTERM, under this name.
#[track_caller]
fn named(name: &str) -> Option<ExitTest> {
    Some(program(compiled("runtime.c", name, &[])?))
}

/// Asserts that the gate opens.
#[track_caller]
fn opens(plan: ExitTest, signal: Signal) {
    plan.ready_when(Ready::handler(signal)).signal_after(SIGKILL, ms(0)).killed_by(SIGKILL);
}

#[test]
fn python_catches_sigint_from_its_own_start_and_sigterm_it_does_not() {
    let Some(plan) = python_program("signal_handler.py") else { return };
    declines(|| plan.arg("forever"), SIGINT, "Python");
    opens(python_program("signal_handler.py").expect("it was there a moment ago"), SIGTERM);
}

#[test]
fn the_gate_that_the_refusal_names_does_for_python() {
    let Some(plan) = python_program("signal_handler.py") else { return };
    let interrupted = plan.arg("forever").ready_when(Ready::stdout("at work")).signal_after(SIGINT, ms(0));
    interrupted.killed_by(SIGINT).stderr(predicate::str::contains("KeyboardInterrupt"));
}

#[test]
fn where_another_gate_may_open_instead_nothing_is_declined() {
    let Some(plan) = python_program("signal_handler.py") else { return };
    let or = |other| Ready::handler(SIGINT).or(Ready::stdout(other));
    let interrupted = plan.arg("forever").ready_when(or("at work")).signal_after(SIGINT, ms(0));
    interrupted.killed_by(SIGINT);
    // Where neither can tell, it is.
    let plan = python_program("signal_handler.py").expect("it was there a moment ago").arg("forever");
    let neither = plan.ready_when(Ready::handler(SIGINT).or(Ready::handler(SIGINT)));
    assert!(report_of(|| neither.failure()).contains("cannot tell"));
}

#[test]
fn a_shell_catches_sigint_while_it_waits_and_sigterm_it_does_not() {
    let Some(bash) = needs("bash") else { return };
    declines(|| program(&bash).args(["-c", "sleep 600; :"]), SIGINT, "the shell");
    opens(program(bash).args(["-c", "trap : TERM; sleep 600; :"]), SIGTERM);
}

#[test]
fn node_and_the_jvm_and_ruby_catch_sigint_and_sigterm() {
    for (name, whose) in [("node", "Node"), ("java", "the JVM"), ("ruby3.3", "Ruby")] {
        let Some(plan) = named(name) else { return };
        declines(|| plan, SIGTERM, whose);
        declines(|| named(name).expect("it was compiled"), SIGINT, whose);
    }
    // The same program under a name of its own has a handler like any other.
    opens(named("server").expect("it was compiled"), SIGTERM);
    opens(named("server").expect("it was compiled"), SIGINT);
}

#[test]
fn a_program_built_by_go_is_known_by_its_note_and_not_by_its_name() {
    let Some(path) = compiled("runtime.c", "built-by-go", &["-DGO"]) else { return };
    declines(|| program(path), SIGTERM, "Go's runtime");
    opens(program(compiled("runtime.c", "go", &[]).expect("it was compiled")), SIGTERM);
}
