//! F: fork, and a SystemExit that is swallowed.

use exeunt::{Event, Sender, What, prelude::*};

use crate::page::Verdict::Holds;
use crate::page::settle;
use crate::support::fails_with;
use crate::{marks, python};

const WORK: &str = "the parent's own work";
const TWICE: [&str; 4] = ["the child's finally", WORK, "the child ended with 0", WORK];

#[test]
fn f01_a_forked_child_whose_exit_is_swallowed_runs_its_parents_code_again() {
    settle(
        "F1",
        "In a forked child, `sys.exit(0)` under a bare `except` is swallowed: the child falls through, and the \
         parent's code runs twice.",
        Holds,
        |findings| {
            let exit = python("forked_child_leaves.py", ["swallowed"])?.code(0);
            assert_eq!(marks(&exit), TWICE);
            fails_with(
                || exit.clone().cleanup_ran_once(WORK),
                &["the clean-up \"the parent's own work\" runs once", "2"],
            );
            findings.saw("`except: pass`", &exit);
            Some(())
        },
    );
}

#[test]
fn f02_to_raise_systemexit_again_repairs_it() {
    settle("F2", "`except SystemExit: raise` repairs it.", Holds, |findings| {
        let exit = python("forked_child_leaves.py", ["raised_again"])?.code(0);
        let exit = exit.cleanup_ran_once(WORK);
        assert_eq!(marks(&exit), [TWICE[0], TWICE[2], TWICE[3]]);
        fails_with(|| exit.clone().cleanup_ran_once("another's work"), &["there is no evidence"]);
        findings.saw("`except SystemExit: raise`", &exit);
        Some(())
    });
}

#[test]
fn f03_a_child_that_kills_itself_runs_nothing_twice_and_cleans_nothing_up() {
    settle(
        "F3",
        "A child that sends itself SIGTERM instead is killed by it; nothing runs twice, and no clean-up runs.",
        Holds,
        |findings| {
            let exit = python("forked_child_leaves.py", ["killed"])?.traced().code(0);
            let itself = |event: &Event| match event.what {
                What::Received(received) => (received.signal, received.from) == (SIGTERM, Sender::Itself),
                _ => false,
            };
            assert_eq!(
                exit.timeline().iter().filter(|event| itself(event)).count(),
                1,
                "{:?}",
                exit.timeline()
            );
            let exit = exit.cleanup_skipped("the child's finally").cleanup_ran_once(WORK);
            assert_eq!(marks(&exit), ["the child ended with -15", "the parent's own work"]);
            fails_with(|| exit.clone().cleanup_ran("the child's finally"), &["no evidence"]);
            findings.saw("SIGTERM to itself", &exit);
            Some(())
        },
    );
}

#[test]
fn f04_a_child_that_is_never_waited_for_is_a_zombie_while_its_parent_lives() {
    settle("F4", "A parent that never waits leaves a zombie while it lives.", Holds, |findings| {
        let exit = python("child_never_waited_for.py", [])?.code(0);
        let exit = exit.cleanup_ran("the state of the child is Z");
        fails_with(|| exit.clone().no_zombies(), &["every child is waited for"]);
        fails_with(|| exit.clone().cleanup_ran("the state of the child is S"), &["no evidence"]);
        findings.saw("a child that has left", &exit);
        Some(())
    });
}

#[test]
fn f05_workers_of_a_manager_forked_early_carry_nothing_of_the_parents_later_state() {
    settle(
        "F5",
        "Workers that a manager starts, which was forked early, carry nothing of the parent's later state.",
        Holds,
        |findings| {
            let exit = python("early_manager.py", ["manager"])?.code(0);
            let exit = exit.cleanup_ran("the worker finds []");
            fails_with(|| exit.clone().cleanup_ran("the worker finds ['a secret']"), &["no evidence"]);
            findings.saw("by the manager", &exit);
            let exit = python("early_manager.py", ["itself"])?.code(0);
            findings.saw("by the parent itself", &exit.cleanup_ran("the worker finds ['a secret']"));
            Some(())
        },
    );
}
