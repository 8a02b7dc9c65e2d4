//! T: threads and processes.

use exeunt::{Fate, Member, prelude::*};

use crate::page::Verdict::{DoesNotHold, Holds, InPart};
use crate::page::settle;
use crate::support::fails_with;
use crate::{FORK_AND_SPAWN, left_behind, python};

#[test]
fn t01_a_thread_is_waited_for_and_a_daemon_thread_is_cut_off() {
    settle(
        "T1",
        "A non-daemon thread keeps the process alive after the main thread's `sys.exit`; a daemon thread is cut off.",
        Holds,
        |findings| {
            let exit = python("thread_and_main.py", ["waited_for"])?.code(3);
            let order = ["the main thread leaves", "the thread is done after the main thread", "hook ran"];
            let exit = exit.cleanup_order(order);
            fails_with(|| exit.clone().cleanup_order([order[1], order[0]]), &["in this order"]);
            findings.saw("a thread", &exit);
            let exit = python("thread_and_main.py", ["daemon"])?.code(3).cleanup_ran("hook ran");
            let exit = exit.cleanup_ran("the thread works").cleanup_skipped("the daemon thread is done");
            fails_with(|| exit.clone().cleanup_ran("the daemon thread is done"), &["there is no evidence"]);
            findings.saw("a daemon thread", &exit);
            Some(())
        },
    );
}

#[test]
fn t02_sys_exit_ends_a_thread_only_and_immediate_exit_the_process() {
    settle(
        "T2",
        "`sys.exit` in a thread ends the thread only; `os._exit` in a thread ends the process.",
        Holds,
        |findings| {
            let exit = python("exit_in_thread.py", ["exit"])?.code(0).stderr("");
            let exit = exit.cleanup_ran("the main thread goes on");
            fails_with(|| exit.clone().code(4), &["happened: exit code 0"]);
            findings.saw("`sys.exit(4)`", &exit);
            let exit = python("exit_in_thread.py", ["immediately"])?.code(4);
            findings.saw("`os._exit(4)`", &exit.cleanup_skipped("the main thread goes on"));
            Some(())
        },
    );
}

#[test]
fn t03_a_thread_has_no_method_exit() {
    settle("T3", "`Thread.exit()` asks a thread to leave.", DoesNotHold, |findings| {
        let exit = python("thread_exit.py", [])?.code(1);
        let error = "AttributeError: 'Thread' object has no attribute 'exit'\n";
        let exit = exit.stderr(predicate::str::ends_with(error));
        fails_with(|| exit.clone().success(), &["happened: exit code 1", "AttributeError"]);
        findings.saw("`thread.exit()`", &exit);
        Some(())
    });
}

#[test]
fn t04_a_watcher_thread_that_exits_leaves_its_server_running() {
    settle(
        "T4",
        "A server whose watcher thread calls `sys.exit` when asked to stop ends cleanly.",
        DoesNotHold,
        |findings| {
            let asked = || Ready::mark("asked to stop");
            let plan = python("watcher_exits.py", ["exit"])?.stdin("stop\n").ready_when(asked());
            let exit = plan.still_running_after(ms(500)).cleanup_skipped("the server is closed");
            fails_with(|| exit.clone().code(0), &["happened: still running"]);
            findings.saw("`sys.exit(0)` in the watcher", &exit);
            let plan = python("watcher_exits.py", ["tells_main"])?.stdin("stop\n").ready_when(asked());
            let exit = plan.code(0).cleanup_ran("the server is closed");
            findings.saw("where it tells the main thread instead", &exit);
            Some(())
        },
    );
}

#[test]
fn t05_an_event_stops_a_thread_and_a_join_with_a_time_limit_ends_in_any_case() {
    settle(
        "T5",
        "`join(timeout)` and an Event to stop a thread make a clean end within a bound.",
        Holds,
        |findings| {
            let exit = python("thread_told_to_stop.py", ["listens"])?.code(0).within(secs(15));
            let exit = exit.cleanup_ran("the thread has cleaned up").cleanup_ran("the thread is gone");
            findings.saw("a thread that listens", &exit);
            let exit = python("thread_told_to_stop.py", ["does_not"])?.code(0).within(secs(15));
            let exit = exit.cleanup_ran("the thread is still there").cleanup_skipped("the thread is gone");
            fails_with(|| exit.clone().within(ms(1)), &["ended within 1 ms after its start"]);
            fails_with(|| exit.clone().cleanup_ran("the thread has cleaned up"), &["no evidence"]);
            findings.saw("a daemon thread that does not", &exit);
            Some(())
        },
    );
}

#[test]
fn t06_a_parent_sees_1_for_an_exception_and_minus_15_for_terminate_which_runs_no_finally() {
    settle(
        "T6",
        "The parent of a child process that calls `sys.exit(1)` sees 1; for an uncaught exception 1; for \
         `terminate()` minus SIGTERM, and no `finally` runs.",
        Holds,
        |findings| {
            for method in FORK_AND_SPAWN {
                for (way, seen) in [("exit", 1), ("raise", 1), ("terminated", -15)] {
                    let exit = python("process_ends.py", [method, way])?.traced().code(0);
                    let end = match way {
                        "terminated" => Ending::Signal { signal: SIGTERM, core_dumped: false },
                        _ => Ending::Code(1),
                    };
                    let mut ends = exit.tree().members().iter().map(Member::fate);
                    assert!(ends.any(|fate| *fate == Fate::Ended(end.clone())), "{:?}", exit.tree());
                    let exit = exit.cleanup_ran(format!("the parent sees {seen}"));
                    let exit = match way {
                        "terminated" => exit.cleanup_skipped("the child's finally"),
                        _ => exit.cleanup_ran("the child's finally"),
                    };
                    fails_with(|| exit.clone().cleanup_ran("the parent sees 0"), &["no evidence"]);
                    findings.saw(&format!("{method}, {way}"), &exit);
                }
            }
            Some(())
        },
    );
}

#[test]
fn t07_a_parent_that_exits_stays_until_its_child_is_done() {
    settle(
        "T7",
        "A parent that calls `sys.exit` while a child process that is no daemon lives stays until that is done.",
        Holds,
        |findings| {
            let exit = python("process_outlived.py", ["exit"])?.code(3);
            let order = ["the parent is leaving", "the child is done", "the parent's first hook"];
            let exit = exit.cleanup_order(order).no_leftovers();
            fails_with(|| exit.clone().leftovers_are(1), &["happened: exit code 3"]);
            findings.saw("a child that comes to its end", &exit);
            let plan = python("process_outlived.py", ["exit_with_an_endless_child"])?;
            let exit = plan.ready_when(Ready::mark("the parent is leaving")).still_running_after(ms(300));
            let exit = exit.cleanup_skipped("the parent's first hook");
            fails_with(|| exit.clone().code(3), &["happened: still running"]);
            findings.saw("a child that does not", &exit);
            Some(())
        },
    );
}

#[test]
fn t08_a_parent_that_exits_immediately_leaves_its_child_running() {
    settle("T8", "A parent's `os._exit` orphans a live child, which runs on.", Holds, |findings| {
        let exit = python("process_outlived.py", ["immediately"])?.code(3);
        let exit = exit.cleanup_ran("the child works").cleanup_skipped("the child is done");
        let exit = exit.leftovers_are(1);
        fails_with(|| exit.clone().no_leftovers(), &["process_outlived.py immediately"]);
        fails_with(|| exit.clone().cleanup_ran("the parent's first hook"), &["no evidence"]);
        findings.saw("`os._exit(3)`", &exit);
        Some(())
    });
}

#[test]
fn t09_a_pool_ends_by_close_and_terminate_and_its_workers_outlive_a_parent_killed_by_sigterm() {
    settle(
        "T9",
        "A pool of workers is ended by `close` and `join`, by `terminate`, by SIGTERM on the parent.",
        InPart,
        |findings| {
            let both_at_work = || {
                Ready::seen("both workers are at work", |seen| {
                    seen.marks().iter().filter(|mark| *mark == "at work").count() == 2
                })
            };
            for method in FORK_AND_SPAWN {
                let exit = python("pool_of_workers.py", [method, "close"])?.code(0);
                let exit = exit.cleanup_ran("squares [0, 1, 4, 9]").cleanup_ran("the pool is gone");
                assert_eq!(left_behind(&exit), [] as [&exeunt::Leftover; 0]);
                findings.saw(&format!("{method}, `close`"), &exit);
                let plan = python("pool_of_workers.py", [method, "terminate"])?;
                let exit = plan.signal_when(SIGUSR1, both_at_work()).code(0).cleanup_ran("the pool is gone");
                assert_eq!(left_behind(&exit), [] as [&exeunt::Leftover; 0]);
                findings.saw(&format!("{method}, `terminate`"), &exit);
                let plan = python("pool_of_workers.py", [method, "wait"])?;
                let exit = plan.signal_when(SIGTERM, both_at_work()).killed_by(SIGTERM);
                let exit = exit.cleanup_skipped("the pool is gone");
                assert_eq!(left_behind(&exit).len(), 2, "{:?}", exit.leftovers());
                fails_with(|| exit.clone().cleanup_ran("the pool is gone"), &["no evidence"]);
                findings.saw(&format!("{method}, SIGTERM"), &exit);
            }
            Some(())
        },
    );
}
