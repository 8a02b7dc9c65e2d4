//! Plans that cannot be carried out are refused before anything starts.

use exeunt::prelude::*;

use crate::support::fails_with;

/// Must never run.
fn never() -> ExitTest {
    program("/no/such/program")
}

#[test]
fn a_step_at_a_terminal_needs_one() {
    type Add = fn(ExitTest) -> ExitTest;
    let steps: [(Add, &str); 7] = [
        (|plan| plan.interrupt_after(ms(5)), "typing Ctrl-C after 5 ms"),
        (|plan| plan.quit_after(ms(5)), "typing Ctrl-\\ after 5 ms"),
        (|plan| plan.suspend_after(ms(5)), "typing Ctrl-Z after 5 ms"),
        (|plan| plan.end_of_input_when(Ready::stdout("x")), "typing Ctrl-D when stdout contains \"x\""),
        (|plan| plan.type_after("yes\n", ms(5)), "typing \"yes\\n\" after 5 ms"),
        (|plan| plan.hang_up_after(ms(5)), "the terminal's hang-up after 5 ms"),
        (
            |plan| plan.resize_after(50, 132, ms(5)),
            "resizing the window to 50 rows of 132 columns after 5 ms",
        ),
    ];
    for (add, name) in steps {
        let why = ": that needs a terminal, and the target has none: add `pty()`";
        fails_with(|| add(never()).success(), &[&format!("{name}{why}")]);
        // With one the plan is carried out, as far as there is a program.
        fails_with(|| add(never().pty()).success(), &["could not start `/no/such/program`"]);
    }
}

#[test]
fn nothing_is_typed_after_the_hang_up() {
    let plan = || never().pty().hang_up_after(ms(0));
    fails_with(|| plan().interrupt_after(ms(5)).success(), &["a step before has hung the terminal up"]);
    fails_with(|| plan().resize_after(50, 132, ms(5)).success(), &["a step before has hung the terminal up"]);
    fails_with(|| plan().signal_after(SIGTERM, ms(5)).success(), &["could not start `/no/such/program`"]);
}

#[test]
fn a_window_needs_a_terminal() {
    fails_with(|| never().window_size(24, 80).success(), &["`window_size` is that of a terminal"]);
    program("true").window_size(24, 80).pty().success();
    for (rows, columns) in [(0, 0), (0, 80), (24, 0)] {
        let plan = never().pty().window_size(rows, columns);
        fails_with(|| plan.success(), &["a window has at least one row and one column"]);
        let plan = never().pty().resize_when(rows, columns, Ready::stdout("x"));
        fails_with(
            || plan.success(),
            &[
                "resizing the window to",
                "stdout contains \"x\": a window has at least one row and one column",
            ],
        );
    }
}

#[test]
fn stdin_and_a_terminal_exclude_each_other() {
    fails_with(
        || never().stdin("x").pty().success(),
        &["`stdin` and `pty` exclude each other", "`type_when`"],
    );
}

#[test]
fn a_gate_on_stderr_never_opens_at_a_terminal() {
    let why = "a gate on stderr never opens at a terminal";
    fails_with(|| never().pty().ready_when(Ready::stderr("ready")).success(), &[why]);
    let either = || Ready::stdout("ready").or(Ready::stderr("ready"));
    fails_with(|| never().pty().interrupt_when(either()).success(), &[why]);
}

#[test]
fn an_empty_text_is_not_typed() {
    fails_with(|| never().pty().type_after("", ms(0)).success(), &["there is nothing to write"]);
}
