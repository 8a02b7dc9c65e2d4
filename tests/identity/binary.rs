//! Where the test binary lies: its path may hold spaces, and it may be gone by the time of the call.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

use exeunt::prelude::*;

use crate::support::fails_with;

/// The variable by which a specimen knows that it runs in a copy.
const COPY: &str = "EXEUNT_TESTS_COPY";

/// A place for copies: where links to the test binary can be made. What was just written might not
/// be executable, while a process that another thread starts holds it open.
fn directory() -> tempfile::TempDir {
    let own = env::current_exe().unwrap();
    tempfile::tempdir_in(own.parent().unwrap()).unwrap()
}

/// A specimen of this file in a copy of this test binary.
fn in_copy(copy: &Path, specimen: &str) -> ExitTest {
    let _ = fs::remove_file(copy);
    fs::hard_link(env::current_exe().unwrap(), copy).unwrap();
    program(copy).args(["--ignored", "--exact"]).arg(format!("binary::{specimen}")).env(COPY, copy)
}

#[test]
fn the_path_of_the_test_binary_may_hold_spaces() {
    let directory = directory();
    let copy = directory.path().join("a copy, with\nmore than letters");
    let passed = in_copy(&copy, "runs_functions").success();
    let passed = passed.stdout(predicate::str::contains("1 passed; 0 failed"));
    fails_with(|| passed.code(101), &["happened: exit code 0"]);
    fails_with(|| in_copy(&copy, "fails").success(), &["happened: exit code 101", "exit code 7"]);
}

#[test]
fn the_test_binary_may_be_gone() {
    let directory = directory();
    let copy = directory.path().join("copy");
    let passed = in_copy(&copy, "removes_itself_and_runs_functions").success();
    passed.stdout(predicate::str::contains("1 passed; 0 failed"));
    assert!(!copy.exists(), "the control: the copy has removed itself");
}

#[test]
fn another_binary_in_its_place_is_not_taken_for_it() {
    let directory = directory();
    let copy = directory.path().join("copy");
    let passed = in_copy(&copy, "replaces_itself_and_runs_functions").success();
    passed.stdout(predicate::str::contains("1 passed; 0 failed"));
    program(&copy).code(66);
}

/// This process's executable, if it is a copy that was made for a test.
fn own_copy() -> PathBuf {
    let copy = PathBuf::from(env::var_os(COPY).expect("only in a copy"));
    assert_eq!(env::current_exe().unwrap(), copy);
    copy
}

fn run_functions() {
    assert_exit(|| exit(7)).code(7);
    assert_exit_with(8, |code| exit(code)).code(8);
    assert_exit(|| exit(i32::try_from(env::args().count()).unwrap())).args(["by", "exec"]).code(3);
}

#[test]
#[ignore = "a specimen, for the tests of `binary`"]
fn runs_functions() {
    own_copy();
    run_functions();
}

#[test]
#[ignore = "a specimen, for the tests of `binary`"]
fn fails() {
    own_copy();
    assert_exit(|| exit(7)).success();
}

#[test]
#[ignore = "a specimen, for the tests of `binary`"]
fn removes_itself_and_runs_functions() {
    fs::remove_file(own_copy()).unwrap();
    run_functions();
}

#[test]
#[ignore = "a specimen, for the tests of `binary`"]
fn replaces_itself_and_runs_functions() {
    use std::os::unix::fs::PermissionsExt;
    let copy = own_copy();
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "#!/bin/sh\nexit 66\n").unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    run_functions();
}
