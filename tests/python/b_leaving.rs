//! B: ways of leaving.

use exeunt::prelude::*;

use crate::page::Verdict::{Answered, DoesNotHold, Holds, InPart};
use crate::page::settle;
use crate::support::{fails_with, needs};
use crate::{interpreted, interpreter, python};

#[test]
fn b01_exit_stops_the_program() {
    settle("B1", "`exit()` stops the program, and what follows does not run.", Holds, |findings| {
        // `exit` is made by the module `site`, which the other programs here do without.
        let exit = interpreted(&["-s"], "builtin_exit.py", ["plainly"])?.code(0);
        let exit = exit.cleanup_ran("before").cleanup_skipped("went on");
        fails_with(|| exit.clone().cleanup_ran("went on"), &["there is no evidence that it did"]);
        findings.saw("`exit()`", &exit);

        let exit = python("builtin_exit.py", ["plainly"])?.code(1).cleanup_skipped("went on");
        let exit = exit.stderr(predicate::str::contains("NameError: name 'exit' is not defined"));
        fails_with(|| exit.clone().code(0), &["happened: exit code 1", "NameError"]);
        findings.saw("under `python3 -S`", &exit);
        Some(())
    });
}

#[test]
fn b02_exit_takes_an_argument_and_sets_the_status() {
    settle("B2", "`exit()` takes no argument and sets no status.", DoesNotHold, |findings| {
        let exit = interpreted(&["-s"], "builtin_exit.py", ["with_a_code"])?.code(3);
        fails_with(|| exit.clone().code(0), &["expected: exit code 0", "happened: exit code 3"]);
        findings.saw("`exit(3)`", &exit);
        Some(())
    });
}

#[test]
fn b03_exit_raises_a_systemexit_that_can_be_caught() {
    settle("B3", "`exit()` raises nothing that could be caught.", DoesNotHold, |findings| {
        let exit = interpreted(&["-s"], "builtin_exit.py", ["inside_try"])?.code(0);
        let exit = exit.cleanup_ran("caught SystemExit(None)").cleanup_ran("went on");
        fails_with(|| exit.clone().cleanup_skipped("went on"), &["it ran: a mark"]);
        findings.saw("`exit()` inside `try`", &exit);
        Some(())
    });
}

#[test]
fn b04_sys_exit_sets_the_status_which_is_0_without_one() {
    settle(
        "B4",
        "`sys.exit(n)` sets the status; without an argument, or with `None`, it is 0.",
        Holds,
        |findings| {
            let exit = python("sys_exit.py", ["3"])?.code(3).stderr("");
            fails_with(|| exit.clone().success(), &["happened: exit code 3"]);
            findings.saw("`sys.exit(3)`", &exit);
            let exit = python("sys_exit.py", [])?.success().stderr("");
            fails_with(|| exit.clone().failure(), &["happened: exit code 0"]);
            findings.saw("`sys.exit()`", &exit);
            let exit = python("sys_exit.py", ["None"])?.success().stderr("");
            findings.saw("`sys.exit(None)`", &exit);
            Some(())
        },
    );
}

#[test]
fn b05_sys_exit_is_caught_by_a_bare_except_and_not_by_except_exception() {
    settle(
        "B5",
        "`sys.exit` raises SystemExit: `except SystemExit` and a bare `except` catch it, `except Exception` does not.",
        Holds,
        |findings| {
            let caught = python("guarded_exit.py", ["system_exit"])?.code(0);
            findings.saw("`except SystemExit`", &caught.cleanup_ran("caught 3").cleanup_ran("went on"));
            let caught = python("guarded_exit.py", ["bare"])?.code(0);
            findings.saw("`except`", &caught.cleanup_ran("caught something").cleanup_ran("went on"));
            let left = python("guarded_exit.py", ["exception"])?.code(3);
            let left = left.cleanup_skipped("caught an Exception").cleanup_skipped("went on");
            fails_with(|| left.clone().cleanup_ran("went on"), &["there is no evidence that it did"]);
            findings.saw("`except Exception`", &left);
            Some(())
        },
    );
}

#[test]
fn b06_sys_exit_prints_what_is_no_number_on_stderr_and_ends_with_1() {
    settle(
        "B6",
        "`sys.exit(\"text\")` prints the text on stderr and ends with 1; other objects likewise.",
        Holds,
        |findings| {
            for (value, printed) in [
                ("'text'", "text\n"),
                ("''", "\n"),
                ("(1, 2)", "(1, 2)\n"),
                ("1.5", "1.5\n"),
                ("[]", "[]\n"),
                // A truth value is a number.
                ("True", ""),
            ] {
                let exit = python("sys_exit.py", [value])?.code(1).stdout("").stderr(printed);
                fails_with(|| exit.clone().stderr("other"), &["of stderr"]);
                findings.saw(&format!("`sys.exit({value})`"), &exit);
            }
            Some(())
        },
    );
}

#[test]
fn b07_an_uncaught_exception_ends_with_1_and_a_traceback() {
    settle("B7", "An uncaught exception ends with 1 and a traceback on stderr.", Holds, |findings| {
        let exit = python("blocks_and_hook.py", ["raise"])?.code(1);
        let exit = exit.stderr(predicate::str::starts_with("Traceback (most recent call last):\n"));
        let exit = exit.stderr(predicate::str::ends_with("\nValueError: nobody catches this\n"));
        fails_with(|| exit.clone().stderr(""), &["Traceback"]);
        findings.saw("`raise ValueError`", &exit);
        Some(())
    });
}

#[test]
fn b08_finally_and_with_run_on_exit_an_exception_and_an_interrupt() {
    settle(
        "B8",
        "`finally` and `with` run on `sys.exit`, on an uncaught exception, on KeyboardInterrupt.",
        Holds,
        |findings| {
            let run = |case: &str, exit: Exit, findings: &mut crate::page::Findings| {
                let exit = exit.cleanup_ran("with left").cleanup_ran("finally ran").flushed("in the buffer");
                fails_with(|| exit.clone().cleanup_skipped("finally ran"), &["it ran: a mark"]);
                findings.saw(case, &exit);
            };
            run("`sys.exit(3)`", python("blocks_and_hook.py", ["exit"])?.code(3), findings);
            run("`raise ValueError`", python("blocks_and_hook.py", ["raise"])?.code(1), findings);
            let waiting = python("blocks_and_hook.py", ["wait"])?;
            let interrupted = waiting.signal_when(SIGINT, Ready::mark("ready")).killed_by(SIGINT);
            run("KeyboardInterrupt", interrupted, findings);
            Some(())
        },
    );
}

#[test]
fn b09_immediate_exit_runs_no_finally_no_with_no_hook_and_flushes_nothing() {
    settle(
        "B9",
        "`os._exit(n)` runs no `finally`, no `with`, no exit hook, and flushes no buffer.",
        Holds,
        |findings| {
            let leaves_all = |exit: Exit| {
                let exit = exit
                    .cleanup_skipped("with left")
                    .cleanup_skipped("finally ran")
                    .cleanup_skipped("hook ran");
                fails_with(|| exit.clone().cleanup_ran("finally ran"), &["there is no evidence that it did"]);
                exit
            };
            let exit = leaves_all(python("blocks_and_hook.py", ["immediately"])?.code(4));
            let exit = exit.not_flushed("in the buffer");
            fails_with(|| exit.clone().flushed("in the buffer"), &["is flushed to stdout or stderr"]);
            findings.saw("`os._exit(4)`", &exit);
            // There is no buffer then, so that nothing is lost.
            let unbuffered = python("blocks_and_hook.py", ["immediately"])?.env("PYTHONUNBUFFERED", "1");
            let exit = leaves_all(unbuffered.code(4)).flushed("in the buffer");
            fails_with(|| exit.clone().not_flushed("in the buffer"), &["it is on stdout"]);
            findings.saw("the same with PYTHONUNBUFFERED", &exit);
            Some(())
        },
    );
}

#[test]
fn b10_immediate_exit_is_a_code_and_no_signal() {
    settle("B10", "`os._exit` ends the process by a signal.", DoesNotHold, |findings| {
        let exit = python("immediate_exit.py", ["9"])?.code(9);
        fails_with(
            || exit.clone().killed_by(SIGKILL),
            &["expected: killed by SIGKILL (9)", "happened: exit code 9"],
        );
        findings.saw("`os._exit(9)`", &exit);
        Some(())
    });
}

#[test]
fn b11_immediate_exit_with_a_text_is_a_typeerror_like_any_other() {
    settle("B11", "`os._exit` wants an integer.", Holds, |findings| {
        let exit = python("immediate_exit.py", ["'1'"])?.code(1).cleanup_ran("hook ran");
        let exit = exit.stderr(predicate::str::contains("TypeError: 'str' object cannot be interpreted"));
        fails_with(|| exit.clone().cleanup_skipped("hook ran"), &["it ran: a mark"]);
        findings.saw("`os._exit('1')`", &exit);
        let exit = python("immediate_exit.py", ["True"])?.code(1).cleanup_skipped("hook ran").stderr("");
        fails_with(|| exit.clone().cleanup_ran("hook ran"), &["there is no evidence that it did"]);
        findings.saw("`os._exit(True)`", &exit);
        Some(())
    });
}

#[test]
fn b12_of_a_status_out_of_range_the_lowest_eight_bits_remain_or_255() {
    settle(
        "B12",
        "What becomes of statuses outside 0 to 255, of negative ones, and of `sys.exit(2**40)`.",
        Answered,
        |findings| {
            for (value, code) in
                [("256", 0), ("257", 1), ("-1", 255), ("2**40", 0), ("2**40 + 7", 7), ("2**64 + 7", 255)]
            {
                let exit = python("sys_exit.py", [value])?.code(code).stderr("");
                fails_with(|| exit.clone().code(code ^ 1), &[&format!("happened: exit code {code}")]);
                findings.saw(&format!("`sys.exit({value})`"), &exit);
            }
            // exeunt never compares with a code that cannot arrive.
            let exit = python("sys_exit.py", ["256"])?;
            fails_with(|| exit.code(256), &["256"]);
            let exit = python("immediate_exit.py", ["256"])?.code(0).cleanup_skipped("hook ran");
            findings.saw("`os._exit(256)`", &exit);
            let exit = python("immediate_exit.py", ["2**40"])?.code(1).cleanup_ran("hook ran");
            let exit = exit.stderr(predicate::str::contains("OverflowError"));
            findings.saw("`os._exit(2**40)`", &exit);
            Some(())
        },
    );
}

#[test]
fn b13_a_library_that_exits_ends_its_caller_unless_that_guards() {
    settle(
        "B13",
        "A library that calls `sys.exit` ends its caller, unless the caller guards.",
        Holds,
        |findings| {
            let exit = python("library_that_exits.py", ["unguarded"])?.code(2);
            let exit = exit.cleanup_skipped("the caller goes on");
            fails_with(|| exit.clone().cleanup_ran("the caller goes on"), &["there is no evidence"]);
            findings.saw("unguarded", &exit);
            let exit = python("library_that_exits.py", ["guarded"])?.code(0);
            findings.saw("guarded", &exit.cleanup_ran("the caller goes on"));
            Some(())
        },
    );
}

#[test]
fn b14_an_exit_in_finally_hides_the_exception_that_was_on_its_way() {
    settle(
        "B14",
        "A context manager whose `finally` calls `sys.exit(0)` hides an exception raised in its body.",
        Holds,
        |findings| {
            let exit =
                python("exit_in_finally.py", ["exits"])?.code(0).cleanup_ran("session closed").stderr("");
            fails_with(|| exit.clone().code(1), &["happened: exit code 0"]);
            findings.saw("`finally` with `sys.exit(0)`", &exit);
            let exit = python("exit_in_finally.py", ["returns"])?.code(1).cleanup_ran("session closed");
            let exit = exit.stderr(predicate::str::contains("ValueError: the disk is full"));
            findings.saw("`finally` without", &exit);
            Some(())
        },
    );
}

#[test]
fn b15_pythonfaulthandler_shows_a_crash_pythonverbose_imports_and_pythonexitfunc_nothing() {
    settle(
        "B15",
        "PYTHONEXITFUNC names a function to run at exit. PYTHONVERBOSE shows detailed errors. PYTHONFAULTHANDLER \
         shows a traceback on a crash.",
        InPart,
        |findings| {
            let exit = python("farewell.py", ["return"])?.env("PYTHONEXITFUNC", "farewell").code(0);
            let exit = exit.cleanup_skipped("farewell").stderr("");
            fails_with(|| exit.clone().cleanup_ran("farewell"), &["there is no evidence that it did"]);
            findings.saw("PYTHONEXITFUNC", &exit);

            let plain = python("farewell.py", ["raise"])?.code(1).stderr_text();
            let exit = python("farewell.py", ["raise"])?.env("PYTHONVERBOSE", "1").code(1);
            let exit = exit.stderr(predicate::str::contains("\nimport 'marks' # "));
            // The error is the very same, among what is said of the imports.
            let exit = exit.stderr(predicate::str::contains(plain.as_str()));
            fails_with(|| exit.clone().stderr(plain), &["of stderr"]);
            findings.saw("PYTHONVERBOSE", &exit);

            for (way, signal, name) in
                [("crash", SIGSEGV, "Segmentation fault"), ("abort", SIGABRT, "Aborted")]
            {
                let silent = python("blocks_and_hook.py", [way])?.killed_by(signal).stderr("");
                findings.saw(&format!("{way}, without PYTHONFAULTHANDLER"), &silent);
                let plan = python("blocks_and_hook.py", [way])?.env("PYTHONFAULTHANDLER", "1");
                let exit = plan.killed_by(signal).cleanup_skipped("hook ran").not_flushed("in the buffer");
                let first = format!("Fatal Python error: {name}\n\nCurrent thread");
                let exit = exit.stderr(predicate::str::starts_with(first.as_str()));
                fails_with(|| silent.stderr(predicate::str::contains("Fatal")), &["of stderr"]);
                findings.saw(&format!("{way}, with PYTHONFAULTHANDLER"), &exit);
            }
            Some(())
        },
    );
}

#[test]
fn b16_strace_shows_immediate_exit_as_exit_group() {
    settle(
        "B16",
        "Under `strace -f -e trace=exit_group`, `os._exit(1)` shows as `exit_group(1)`.",
        Holds,
        |findings| {
            let strace = program(needs("strace")?).args(["-f", "-qq", "-e", "trace=exit_group"]);
            let traced = strace.arg(interpreter()?).args(["-B", "-I", "-S", "-c", "import os; os._exit(1)"]);
            let exit = traced.code(1).stderr(predicate::str::contains("exit_group(1) "));
            fails_with(
                || exit.clone().stderr(predicate::str::contains("exit_group(0) ")),
                &["exit_group(1) "],
            );
            findings.saw("`os._exit(1)`", &exit);
            Some(())
        },
    );
}
