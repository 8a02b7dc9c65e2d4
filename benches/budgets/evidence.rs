//! What taking evidence costs: of a run in which there is none, and of one that leaves some.

use std::path::Path;

use exeunt::prelude::*;

use crate::measure::{Contender, Pace, in_turn};
use crate::support::contenders;
use crate::table::{Budget, Row};

pub(crate) fn evidence(quick: bool) -> Vec<Row> {
    let count = if quick { 20 } else { 400 };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lock");
    let contenders = vec![
        Contender::timed("exeunt, the code only", contenders::exeunt_function),
        Contender::timed("", asking_for_evidence),
        Contender::timed("", making_a_mark),
        Contender::timed("", || watching(&path)),
        Contender::timed("", || looking_for_locks(&path)),
        Contender::timed("", looking_at_ports),
    ];
    let samples = in_turn(count, Pace::Rested, contenders);
    let whats = [
        "function, asked for clean-up, drops and leftovers of which there are none",
        "function that makes a mark",
        "function that makes and removes a file which is watched",
        "function, asked for locks on a file",
        "function, asked for listening ports",
    ];
    let mut rows: Vec<Row> = whats
        .into_iter()
        .zip(&samples[1..])
        .map(|(what, samples_of)| Row::of("evidence", what, samples_of).against(&samples[0]))
        .collect();
    let none = rows.remove(0).within(Budget::RatioAtMost(1.1));
    rows.insert(0, none);
    rows
}

fn asking_for_evidence() {
    let exit = assert_exit(|| contenders::leave_now()).code(0);
    exit.cleanup_skipped("lock released").not_flushed("lock released").no_leftovers();
}

fn making_a_mark() {
    assert_exit(|| probe::mark("lock released")).cleanup_ran_once("lock released");
}

fn watching(path: &Path) {
    let made_and_removed = assert_exit_with(path.to_owned(), |path| {
        std::fs::write(&path, "").expect("a file");
        std::fs::remove_file(path).expect("no file");
    });
    made_and_removed.removed(path);
}

fn looking_for_locks(path: &Path) {
    std::fs::write(path, "").expect("a file");
    assert_exit(|| contenders::leave_now()).lock_free(path);
}

fn looking_at_ports() {
    assert_exit(|| contenders::leave_now()).watch_ports().code(0);
}
