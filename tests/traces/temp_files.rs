//! `no_temp_files_left`: a target that is given a directory for temporary files of its own.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use exeunt::prelude::*;

use crate::support::{again, fails_with};

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
        shell("mkdir \"$TMPDIR/job\"; : > \"$TMPDIR/job/part\"; : > \"$TMPDIR/log\"; echo \"$TMPDIR\"");
    let exit = exit.own_temp_dir().success();
    fails_with(
        || exit.clone().no_temp_files_left(),
        &[
            "3 entries were left in the directory that `TMPDIR` named:",
            "\n            job/part\n",
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

#[test]
fn a_file_without_a_name_does_not_show() {
    let exit = assert_exit(|| {
        let directory = std::env::temp_dir();
        let unnamed = std::fs::File::options().write(true).custom_flags(libc::O_TMPFILE).open(directory);
        probe::mark(if unnamed.is_ok() { "unnamed" } else { "not supported" });
    });
    let exit = exit.own_temp_dir().returned();
    if exit.marks()[0].label() == "not supported" {
        let _ = writeln!(std::io::stderr(), "SKIPPED: this file system knows no files without a name");
        return;
    }
    fails_with(|| exit.no_temp_files_left(), &["nothing was ever made in the directory that `TMPDIR` named"]);
}

#[test]
fn the_directory_goes_with_a_test_process_that_is_killed() {
    let place = tempfile::tempdir().unwrap();
    let told = place.path().join("told");
    let exit = again(["--ignored", "--exact", "temp_files::waits_with_a_temporary_file"])
        .env("EXEUNT_TEST_TOLD", &told)
        .ready_when(Ready::file(&told))
        .signal_after(SIGKILL, ms(0))
        .killed_by(SIGKILL);
    let directory = PathBuf::from(std::fs::read_to_string(&told).unwrap().trim());
    assert!(directory.is_absolute() && !directory.exists(), "{}: {exit}", directory.display());
}

#[test]
#[ignore = "another test runs it and kills it"]
fn waits_with_a_temporary_file() {
    let script = "mkdir \"$TMPDIR/job\"; echo \"$TMPDIR\" > \"$EXEUNT_TEST_TOLD.new\"; \
                  mv \"$EXEUNT_TEST_TOLD.new\" \"$EXEUNT_TEST_TOLD\"; sleep 1000";
    shell(script).own_temp_dir().success();
}

/// Gives up being root, where it is, as somebody who may not look into what is locked.
fn become_nobody() {
    const NOBODY: u32 = 65_534;
    // SAFETY: no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    // SAFETY: numbers only; this process has one thread.
    assert_eq!(unsafe { libc::setresgid(NOBODY, NOBODY, NOBODY) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) }, 0);
    // The kernel hides what `/proc` tells of a process that gave up its user, also from that itself.
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) }, 0);
}

#[test]
fn directories_that_the_target_locked_are_removed_as_well() {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let lock = "mkdir -p \"$TMPDIR/a/b/c\"; : > \"$TMPDIR/a/b/file\"; chmod 0 \"$TMPDIR/a/b\"; chmod 555 \"$TMPDIR/a\"";
    for lock in [lock.to_owned(), format!("{lock}; chmod 0 \"$TMPDIR\"")] {
        let exit = assert_exit_with(lock, |lock: String| {
            become_nobody();
            let exit = shell(&lock).own_temp_dir().success();
            fails_with(|| exit.no_temp_files_left(), &["left in the directory", "(cannot be read)"]);
        });
        let exit = exit.env("TMPDIR", place.path()).returned();
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}: {exit}");
    }
}

#[test]
fn a_directory_that_the_target_removed_itself_has_nothing_left_in_it() {
    let remove = "rm -r \"$TMPDIR\"";
    shell(&format!("mktemp -p \"$TMPDIR\"; {remove}")).no_temp_files_left().success();
    fails_with(|| shell(remove).no_temp_files_left(), &["nothing was ever made in the directory"]);
}

#[test]
fn what_the_target_put_in_the_directorys_place_is_left() {
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("precious"), "").unwrap();
    let exit = shell("mktemp -p \"$TMPDIR\"; rm -r \"$TMPDIR\"; ln -s \"$ELSEWHERE\" \"$TMPDIR\"");
    let exit = exit.env("ELSEWHERE", elsewhere.path()).own_temp_dir().success();
    fails_with(|| exit.no_temp_files_left(), &["1 entry was left", "(no directory any more)"]);
    assert!(elsewhere.path().join("precious").exists());
}
