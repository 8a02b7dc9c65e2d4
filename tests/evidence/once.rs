//! `cleanup_ran_once`: code that ran twice, as after a forked child that fell through, is found.

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{fork, wait_for};

/// A child is forked that is to leave at once, and does not: it goes on into what its parent does.
fn falls_through(clean_up: fn()) {
    let child = fork();
    if child != 0 {
        wait_for(child);
    }
    clean_up();
}

#[test]
fn clean_up_that_ran_once_is_told_from_clean_up_that_did_not_run() {
    let exit = assert_exit(|| probe::mark("lock released")).cleanup_ran_once("lock released");
    fails_with(
        || exit.cleanup_ran_once("socket closed"),
        &[
            "expected: the clean-up \"socket closed\" runs once",
            "there is no evidence that it did",
            "looked at 1 mark",
        ],
    );
}

#[test]
fn a_fork_that_falls_through_is_found_by_its_marks() {
    let exit = assert_exit(|| falls_through(|| probe::mark("lock released"))).returned();
    let pids: Vec<_> = exit.marks().iter().map(|mark| mark.pid().unwrap()).collect();
    assert!(pids.len() == 2 && pids[0] != pids[1], "{pids:?}");
    fails_with(
        || exit.clone().cleanup_ran_once("lock released"),
        &[
            "it ran more than once: 2 marks",
            &format!(" ms by thread {} of process {}", pids[0], pids[0]),
            &format!(" ms by thread {} of process {}", pids[1], pids[1]),
            "2 processes did: a forked child that does not leave by itself goes on into the code of its parent",
        ],
    );
    // It ran, all the same.
    exit.cleanup_ran("lock released");
}

#[test]
fn a_fork_that_falls_through_is_found_by_what_it_prints() {
    let exit = assert_exit(|| falls_through(|| println!("lock released"))).returned();
    fails_with(
        || exit.clone().cleanup_ran_once("lock released"),
        &[
            "it ran more than once: 2 lines\n",
            "stdout said \"lock released\" at ",
            "both processes flush that; a mark (`exeunt::probe::mark`) tells which process was there",
        ],
    );
    exit.cleanup_ran("lock released");
}

#[test]
fn a_fork_that_leaves_at_once_runs_nothing_of_its_parents() {
    let exit = assert_exit(|| {
        let child = fork();
        if child == 0 {
            crate::exit_now(0);
        }
        wait_for(child);
        probe::mark("lock released");
    });
    exit.returned().cleanup_ran_once("lock released").no_leftovers();
}

#[test]
fn a_fork_that_drops_the_copy_of_a_guard_ran_its_code_a_second_time() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("lock released");
        let child = fork();
        if child != 0 {
            wait_for(child);
        }
    });
    let exit = exit.returned().dropped("lock released");
    fails_with(
        || exit.cleanup_ran_once("lock released"),
        &[
            "it ran more than once: 2 marks",
            "which dropped the copy of a guard that another process had armed",
            "2 processes did",
        ],
    );
    assert_exit(|| drop(probe::on_drop("lock released"))).cleanup_ran_once("lock released");
}

#[test]
fn each_kind_of_witness_may_tell_of_it_once() {
    let exit = assert_exit(|| {
        probe::mark("lock released");
        println!("lock released");
        eprintln!("lock released");
    });
    exit.cleanup_check("lock released", || true).cleanup_ran_once("lock released");
    // And twice from one witness is twice, on one thread of one process too.
    let exit = assert_exit(|| {
        eprintln!("lock released");
        eprintln!("now lock released again");
        probe::mark("socket closed");
        probe::mark("socket closed");
    });
    let exit = exit.returned();
    fails_with(
        || exit.clone().cleanup_ran_once("lock released"),
        &["2 lines", "stderr said \"now lock released again\""],
    );
    let report = crate::support::report_of(|| exit.cleanup_ran_once("socket closed"));
    assert!(report.contains("2 marks") && !report.contains("processes did"), "{report}");
}

#[test]
fn what_ran_before_the_signal_too_ran_twice() {
    let plan = |first: &str, then: &str| {
        let script = format!("trap '{then}; exit 0' TERM; {first}; echo up; while :; do sleep 0.01; done");
        program("sh")
            .args(["-c", &script])
            .ready_when(Ready::stdout("up"))
            .signal_after(SIGTERM, ms(0))
            .code(0)
    };
    const MARK: &str = r#"echo "lock released" >> "$EXEUNT_PROBE""#;
    let exit = plan(MARK, MARK).cleanup_ran("lock released");
    fails_with(|| exit.cleanup_ran_once("lock released"), &["it ran more than once: 2 marks"]);
    plan(":", MARK).cleanup_ran_once("lock released");
    // Once, but too early, is not once.
    fails_with(
        || plan(MARK, ":").cleanup_ran_once("lock released"),
        &["there is no evidence that it did", "a mark was made at ", "but before SIGTERM (15) was sent"],
    );
}

#[test]
fn where_output_was_not_kept_once_cannot_be_known() {
    let plan = || program("sh").args(["-c", "echo lock released; yes other | head -n 1000"]);
    plan().cleanup_ran_once("lock released");
    let exit = plan().capture_limit(200).cleanup_ran("lock released");
    fails_with(
        || exit.cleanup_ran_once("lock released"),
        &["of the output were not kept, so this cannot be known"],
    );
}

#[test]
fn an_empty_label_runs_neither_once_nor_in_order() {
    let exit = assert_exit(|| println!("x")).returned();
    fails_with(|| exit.clone().cleanup_ran_once(""), &["an empty label is everywhere and proves nothing"]);
    fails_with(|| exit.clone().cleanup_order(["x", ""]), &["an empty label is everywhere"]);
    fails_with(|| exit.cleanup_order([""; 0]), &["an order of nothing proves nothing"]);
}

#[test]
fn a_second_time_that_lacks_its_newline_is_a_second_time() {
    let plan = |text: &str| program("printf").arg(text);
    plan("released\\nand more").cleanup_ran_once("released");
    fails_with(|| plan("released\\nreleased").cleanup_ran_once("released"), &["released"]);
    // Alone it is no evidence at all.
    fails_with(|| plan("released").cleanup_ran_once("released"), &["there is no evidence"]);
}
