//! The probe where nobody listens: a program in production has no `EXEUNT_PROBE`, and its marks do
//! nothing.

use std::path::Path;
use std::process::{Command, Output};

use exeunt::prelude::*;

use crate::process::{inner_arguments, inner_variable, is_inner, own_executable};

#[test]
#[ignore = "other tests run it"]
fn makes_marks() {
    if !is_inner() {
        return;
    }
    probe::mark("mark");
    drop(probe::on_drop("guard"));
    probe::at_exit("hook");
    println!("marked");
}

/// Runs the marks above in a process that exeunt did not start, with this variable.
fn run(directory: &Path, variable: Option<&Path>) -> Output {
    let mut command = Command::new(own_executable());
    command.args(inner_arguments("unset::makes_marks")).envs([inner_variable()]).current_dir(directory);
    command.env_remove("EXEUNT_PROBE");
    if let Some(path) = variable {
        command.env("EXEUNT_PROBE", path);
    }
    command.output().unwrap()
}

fn files(directory: &Path) -> usize {
    directory.read_dir().unwrap().count()
}

#[test]
fn without_the_variable_the_probe_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for variable in [None, Some(Path::new("")), Some(Path::new("/no/such/directory/marks"))] {
        let output = run(directory.path(), variable);
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("marked"));
        assert_eq!((output.stderr.len(), files(directory.path())), (0, 0), "{output:?}");
    }
    // The control: with it the same program leaves five records.
    let path = directory.path().join("marks");
    assert!(run(directory.path(), Some(&path)).status.success());
    let text = std::fs::read_to_string(&path).unwrap();
    for label in [" mark\n", " guard\n", " hook\n"] {
        assert!(text.contains(label), "{text:?}");
    }
    assert_eq!((text.lines().count(), files(directory.path())), (4, 1), "{text:?}");
}

#[test]
fn a_function_that_changes_its_environment_later_keeps_its_mark_file() {
    let exit = assert_exit(|| {
        probe::mark("before");
        // SAFETY: the process has one thread.
        unsafe { std::env::set_var("EXEUNT_PROBE", "/no/such/directory/marks") };
        probe::mark("after");
    });
    exit.returned().cleanup_ran("before").cleanup_ran("after");
}
