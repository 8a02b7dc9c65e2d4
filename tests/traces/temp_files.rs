//! `no_temp_files_left`: a target that is given a directory for temporary files of its own.

use std::path::PathBuf;

use exeunt::prelude::*;

use crate::support::fails_with;

fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", script])
}

#[test]
fn temporary_files_that_are_removed_are_not_left() {
    let exit =
        shell("f=$(mktemp) && d=$(mktemp -d) && : > \"$d/file\" && rm -r \"$f\" \"$d\"").no_temp_files_left();
    exit.success().no_temp_files_left();
}

#[test]
fn temporary_files_that_are_left_are_named_and_then_removed() {
    let exit =
        shell("mkdir \"$TMPDIR/work\"; : > \"$TMPDIR/work/part\"; : > \"$TMPDIR/log\"; echo \"$TMPDIR\"");
    let exit = exit.own_temp_dir().success();
    fails_with(
        || exit.clone().no_temp_files_left(),
        &[
            "3 entries were left in the directory that `TMPDIR` named:",
            "\n            work/part\n",
            "\n            log\n",
        ],
    );
    let directory = PathBuf::from(exit.stdout_text().trim());
    assert!(directory.is_absolute() && !directory.exists(), "{}", directory.display());
}

#[test]
fn a_target_that_makes_no_temporary_file_shows_nothing() {
    fails_with(
        || shell(":").no_temp_files_left(),
        &["nothing was ever made in the directory that `TMPDIR` named", "O_TMPFILE"],
    );
}

#[test]
fn the_directory_is_the_targets_own_and_only_where_it_is_asked_for() {
    let print = || shell("echo \"$TMPDIR\"");
    let tell = |exit: &Exit| exit.stdout_text().trim().to_owned();
    let (first, second) = (print().own_temp_dir().success(), print().own_temp_dir().env_clear().success());
    assert_ne!(tell(&first), tell(&second));
    assert!(!tell(&second).is_empty());
    // Nothing of it is the test's.
    assert_eq!(tell(&print().success()), std::env::var("TMPDIR").unwrap_or_default());
    fails_with(
        || print().env("TMPDIR", "/tmp").own_temp_dir().success(),
        &["TMPDIR names the target's own directory for temporary files; the plan gives another"],
    );
    print().env("TMPDIR", "/tmp").stdout("/tmp\n");
}

#[test]
fn a_function_sees_its_own_directory() {
    let exit = assert_exit(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.path().metadata().unwrap();
    });
    exit.no_temp_files_left().returned();
    let exit = assert_exit(|| std::mem::forget(tempfile::NamedTempFile::new().unwrap()));
    fails_with(|| exit.no_temp_files_left(), &["1 entry was left"]);
}
