//! `ExitTest::from(Command)`: program, arguments, environment and directory are taken over.

use std::process::Command;

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn program_and_arguments_are_taken_over() {
    let mut command = Command::new("printf");
    command.arg("[%s]").args(["a b", ""]);
    let exit = ExitTest::from(command).success().stdout("[a b][]");
    fails_with(|| exit.code(1), &["`printf ", "happened: exit code 0"]);
}

#[test]
fn the_environment_is_taken_over_with_what_was_removed() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo \"$WHAT ${HOME-unset}\""]).env("WHAT", "value").env_remove("HOME");
    ExitTest::from(command).stdout("value unset\n");
    // The control: what is removed after the conversion is removed too.
    let mut command = Command::new("sh");
    command.args(["-c", "echo \"${WHAT-unset}\""]).env("WHAT", "value");
    ExitTest::from(command).env_remove("WHAT").stdout("unset\n");
}

#[test]
fn a_cleared_environment_stays_cleared() {
    let mut cleared = Command::new("env");
    cleared.env_clear().env("WHAT", "value");
    let exit = ExitTest::from(cleared).success();
    let mut names: Vec<_> =
        exit.stdout_text().lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["EXEUNT_PROBE", "WHAT"]);
    ExitTest::from(Command::new("env")).stdout(predicate::str::contains("PATH="));
    // An argument that only looks like it clears nothing.
    let mut command = Command::new("printf");
    command.arg("env -i %s");
    ExitTest::from(command).stdout("env -i ");
}

#[test]
fn the_directory_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let mut command = Command::new("pwd");
    command.current_dir(&path).env_clear();
    ExitTest::from(command).stdout(format!("{}\n", path.display()));
}

#[test]
fn a_command_that_cannot_be_started_fails_at_the_run() {
    let plan = || ExitTest::from(Command::new("/no/such/program"));
    fails_with(|| plan().success(), &["could not start `/no/such/program`"]);
    assert!(plan().run().is_err());
}
