//! `sort` of more than its memory holds, interrupted: its temporary files.

use std::fs::File;
use std::time::{Duration, SystemTime};

use exeunt::prelude::*;

use crate::names_in;
use crate::support::{fails_with, needs};

/// Runs `sort` on an input without an end, and ends it by the signal once it has temporary files. Gives the
/// facts, and the names of the files that are left.
fn ended_by(signal: Signal) -> Option<(Exit, Vec<String>)> {
    let sort = needs("sort")?;
    let directory = tempfile::tempdir().expect("a directory");
    // The gate sees that the directory is not as it was; the first file may come within the same tick of the
    // file system's clock.
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::open(&directory).and_then(|place| place.set_modified(an_hour_ago)).expect("a time");
    let exit = program(sort)
        // Each zero ends an empty record.
        .args(["--zero-terminated", "--parallel=1", "--buffer-size=64K", "/dev/zero"])
        .arg("--temporary-directory")
        .arg(directory.path())
        .signal_when(signal, Ready::file(directory.path()))
        .run()
        .expect("a run");
    Some((exit, names_in(directory.path())))
}

#[test]
fn an_interrupted_sort_removes_its_temporary_files_and_dies_of_the_signal() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let Some((exit, left)) = ended_by(signal) else { return };
        let exit = exit.killed_by(signal).stdout("");
        assert_eq!(left, [""; 0]);
        fails_with(|| exit.code(0), &[&format!("happened: killed by {signal}")]);
    }
}

#[test]
fn a_sort_that_is_killed_leaves_them() {
    let Some((exit, left)) = ended_by(SIGKILL) else { return };
    exit.killed_by(SIGKILL).stdout("");
    assert!(!left.is_empty() && left.iter().all(|name| name.starts_with("sort")), "{left:?}");
}
