//! A deployment script in bash, with the `trap` that such scripts have.

use std::path::Path;

use exeunt::prelude::*;

use crate::names_in;
use crate::support::{fails_with, needs};

/// Takes a lock, unpacks into a directory, works, and lets go of both at its end, whichever that is.
const DEPLOY: &str = r#"
    set -eu
    mkdir lock
    work=unpacked.$$
    mkdir "$work"
    clean_up() {
        rm -r "$work"
        rmdir lock
        echo "cleaned up"
    }
    trap clean_up EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    sleep 1000 &
    worker=$!
    echo "deploying"
    wait "$worker"
"#;

fn deploy(directory: &Path) -> Option<ExitTest> {
    let script = program(needs("bash")?).args(["-c", DEPLOY]).current_dir(directory);
    Some(script.ready_when(Ready::stdout("deploying\n")))
}

#[test]
fn a_trap_cleans_up_on_sigterm_and_the_worker_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(script) = deploy(directory.path()) else { return };
    let exit = script.signal_after(SIGTERM, ms(0)).cleanup_ran("cleaned up").code(143);
    assert_eq!(names_in(directory.path()), [""; 0]);
    // Nobody told the worker.
    assert_eq!(exit.leftovers().len(), 1, "{:?}", exit.leftovers());
    // 128 and the signal's number is a code that the script chose, and no signal.
    fails_with(|| exit.killed_by(SIGTERM), &["happened: exit code 143", "left behind and killed: 1 process"]);
}

#[test]
fn a_signal_that_has_no_trap_runs_the_exit_trap_and_kills() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(script) = deploy(directory.path()) else { return };
    let exit = script.signal_after(SIGHUP, ms(0)).cleanup_ran("cleaned up").killed_by(SIGHUP);
    assert_eq!(names_in(directory.path()), [""; 0]);
    fails_with(|| exit.code(129), &["happened: killed by SIGHUP (1)"]);
}

#[test]
fn sigkill_leaves_the_lock_and_the_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(script) = deploy(directory.path()) else { return };
    let exit = script.signal_after(SIGKILL, ms(0)).killed_by(SIGKILL);
    let left = names_in(directory.path());
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0], "lock");
    assert!(left[1].starts_with("unpacked."), "{left:?}");
    fails_with(|| exit.cleanup_ran("cleaned up"), &["there is no evidence that it did"]);
    // So the next deployment does not begin.
    let again = program("bash").args(["-c", DEPLOY]).current_dir(&directory).failure();
    again.cleanup_skipped("deploying").stderr(predicate::str::contains("lock"));
}
