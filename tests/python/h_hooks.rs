//! H: exit hooks, which Python calls atexit.

use exeunt::prelude::*;

use crate::page::Verdict::{Holds, InPart};
use crate::page::settle;
use crate::support::fails_with;
use crate::{FORK_AND_SPAWN, marks, python};

#[test]
fn h01_hooks_run_at_a_normal_end_after_sys_exit_and_after_an_uncaught_exception() {
    settle(
        "H1",
        "Hooks run at a normal end, after `sys.exit`, after an uncaught exception.",
        Holds,
        |findings| {
            for (case, way, code) in
                [("a normal end", "fall_off", 0), ("`sys.exit(3)`", "exit", 3), ("`raise`", "raise", 1)]
            {
                let exit = python("blocks_and_hook.py", [way])?.code(code).cleanup_ran("hook ran");
                fails_with(|| exit.clone().cleanup_skipped("hook ran"), &["it ran: a mark"]);
                findings.saw(case, &exit);
            }
            Some(())
        },
    );
}

#[test]
fn h02_the_hook_that_was_registered_last_runs_first() {
    settle("H2", "The hook that was registered last runs first.", Holds, |findings| {
        let order = ["registered last", "middle", "registered first"];
        let exit = python("hook_that_fails.py", ["raise"])?.code(3).cleanup_order(order);
        fails_with(|| exit.clone().cleanup_order(order.into_iter().rev()), &["in this order"]);
        findings.saw("three hooks", &exit);
        Some(())
    });
}

#[test]
fn h03_an_unregistered_hook_does_not_run_and_one_registered_twice_runs_twice() {
    settle(
        "H3",
        "`unregister` takes a hook out; a function registered twice goes twice.",
        Holds,
        |findings| {
            let exit = python("hooks_taken_out.py", [])?.code(0).cleanup_skipped("taken out");
            assert_eq!(marks(&exit), ["registered twice"; 2]);
            fails_with(|| exit.clone().cleanup_ran_once("registered twice"), &["runs once"]);
            fails_with(|| exit.clone().cleanup_ran("taken out"), &["there is no evidence that it did"]);
            findings.saw("one twice, one taken out", &exit);
            Some(())
        },
    );
}

#[test]
fn h04_hooks_take_arguments_by_register_a_lambda_or_a_partial() {
    settle("H4", "Hooks are given arguments by a lambda or a partial.", Holds, |findings| {
        let exit = python("hooks_in_order.py", [])?.code(0).cleanup_ran("first");
        let exit = exit.cleanup_ran("second, a lambda").cleanup_ran("third, a partial");
        let exit = exit.cleanup_ran("fourth, by keyword");
        fails_with(|| exit.clone().cleanup_ran("fifth"), &["there is no evidence that it did"]);
        findings.saw("four hooks, and a `with` block", &exit);
        Some(())
    });
}

#[test]
fn h05_a_hook_that_raises_or_exits_changes_no_status_and_one_that_exits_immediately_cuts_off() {
    settle(
        "H5",
        "A hook that raises: its traceback is printed, the others run, and the exit status is as before. One that \
         calls `sys.exit` or `os._exit`?",
        Holds,
        |findings| {
            for (way, case, error) in [
                ("raise", "`raise ValueError`", "ValueError: a hook went wrong\n"),
                ("exit", "`sys.exit(5)`", "SystemExit: 5\n"),
            ] {
                let exit = python("hook_that_fails.py", [way])?.code(3);
                let exit = exit.cleanup_ran("registered last").cleanup_ran("registered first");
                let exit = exit.stderr(predicate::str::starts_with("Exception ignored in atexit callback"));
                let exit = exit.stderr(predicate::str::contains("Traceback"));
                let exit = exit.stderr(predicate::str::ends_with(error));
                fails_with(|| exit.clone().code(5), &["happened: exit code 3"]);
                findings.saw(case, &exit);
            }
            let exit = python("hook_that_fails.py", ["immediately"])?.code(6).stderr("");
            let exit = exit.cleanup_ran("registered last").cleanup_skipped("registered first");
            fails_with(|| exit.clone().cleanup_ran("registered first"), &["there is no evidence"]);
            findings.saw("`os._exit(6)`", &exit);
            Some(())
        },
    );
}

#[test]
fn h06_no_hook_runs_on_a_signal_an_immediate_exit_an_abort_and_a_crash() {
    settle("H6", "No hook runs on an unhandled signal, `os._exit`, or a fatal error.", Holds, |findings| {
        let mut no_hook = |case: &str, exit: Exit| {
            let exit = exit.cleanup_skipped("hook ran");
            fails_with(|| exit.clone().cleanup_ran("hook ran"), &["there is no evidence that it did"]);
            findings.saw(case, &exit);
        };
        let plan = python("blocks_and_hook.py", ["wait"])?.signal_when(SIGTERM, Ready::mark("ready"));
        no_hook("a signal", plan.killed_by(SIGTERM));
        no_hook("`os._exit(4)`", python("blocks_and_hook.py", ["immediately"])?.code(4));
        no_hook("`os.abort()`", python("blocks_and_hook.py", ["abort"])?.aborted());
        no_hook("a crash", python("blocks_and_hook.py", ["crash"])?.killed_by(SIGSEGV));
        Some(())
    });
}

#[test]
fn h07_with_a_handler_that_exits_hooks_run_on_sigterm() {
    settle("H7", "With a SIGTERM handler that calls `sys.exit`, hooks run on SIGTERM.", Holds, |findings| {
        let ready = || Ready::mark("ready");
        let exit = python("handled_signals.py", [])?.signal_when(SIGTERM, ready()).code(0);
        findings.saw("with the handler", &exit.cleanup_ran("hook ran"));
        let exit = python("with_atexit.py", ["wait"])?.signal_when(SIGTERM, ready());
        let exit = exit.killed_by(SIGTERM).cleanup_skipped("atexit");
        fails_with(|| exit.clone().cleanup_ran("atexit"), &["there is no evidence that it did"]);
        findings.saw("without", &exit);
        Some(())
    });
}

#[test]
fn h08_a_forked_child_runs_no_hook_and_a_spawned_one_its_own_and_its_modules() {
    settle(
        "H8",
        "Under multiprocessing, neither the hooks that the parent registered run in the child nor those that the \
         child did.",
        InPart,
        |findings| {
            for method in FORK_AND_SPAWN {
                let exit = python("hooks_and_processes.py", [method])?.code(0);
                let all = marks(&exit);
                let left = all.iter().position(|mark| mark == "the child left with 0").expect("it is there");
                // What the parent does comes after.
                let of_child: &[&str] = match method {
                    "fork" => &["the child works"],
                    _ => &["the child works", "hook of the child", "hook of the module __mp_main__"],
                };
                assert_eq!(all[..left], *of_child, "{method}");
                assert_eq!(all[left + 1..], ["hook of the parent", "hook of the module __main__"]);
                fails_with(|| exit.clone().cleanup_skipped("hook of the parent"), &["it ran: a mark"]);
                findings.saw(method, &exit);
            }
            Some(())
        },
    );
}

#[test]
fn h09_with_blocks_are_left_before_hooks_run() {
    settle("H9", "`with` blocks are left before hooks run.", Holds, |findings| {
        let exit = python("blocks_and_hook.py", ["exit"])?.code(3);
        let exit = exit.cleanup_order(["with left", "finally ran", "hook ran"]);
        fails_with(|| exit.clone().cleanup_order(["hook ran", "with left"]), &["in this order"]);
        findings.saw("`sys.exit(3)` inside", &exit);
        Some(())
    });
}

#[test]
fn h10_a_slow_hook_delays_the_end_and_the_others_still_run() {
    settle("H10", "A slow hook delays the end; the others still run.", Holds, |findings| {
        let begun = || Ready::mark("the slow hook begins");
        let exit = python("slow_hook.py", [])?.signal_when(SIGUSR1, begun()).code(3);
        let order = ["the slow hook is done", "the other hook"];
        let exit = exit.cleanup_order(order);
        fails_with(|| exit.clone().cleanup_order(order.into_iter().rev()), &["in this order"]);
        findings.saw("a hook that is done in the end", &exit);
        let exit = python("slow_hook.py", [])?.ready_when(begun()).still_running_after(ms(300));
        let exit = exit.cleanup_skipped("the other hook");
        fails_with(|| exit.clone().cleanup_ran("the other hook"), &["there is no evidence"]);
        findings.saw("a hook that is not", &exit);
        Some(())
    });
}

#[test]
fn h11_a_hook_closes_files_and_commits_or_rolls_back() {
    settle(
        "H11",
        "Files are closed and a database connection is closed or rolled back by a hook.",
        Holds,
        |findings| {
            const TEXT: &str = "in the buffer of the file";
            for (how, way, rows, text) in [
                ("commit", "exit", "one\n", TEXT),
                ("rollback", "exit", "", TEXT),
                ("commit", "immediately", "", ""),
            ] {
                let directory = tempfile::tempdir().expect("a directory");
                let exit = python("hook_closes.py", [how, way])?.current_dir(&directory).code(0);
                let exit = match way {
                    "exit" => exit.cleanup_ran("closed"),
                    _ => exit.cleanup_skipped("closed"),
                };
                let notes = std::fs::read_to_string(directory.path().join("notes.txt")).expect("a file");
                assert_eq!(notes, text);
                let found = python("read_rows.py", [])?.current_dir(&directory).code(0).stdout(rows);
                fails_with(|| found.clone().stdout("two\n"), &["of stdout"]);
                findings.saw(&format!("{how}, {way}"), &exit);
                findings.saw("its rows, read afterwards", &found);
            }
            Some(())
        },
    );
}
