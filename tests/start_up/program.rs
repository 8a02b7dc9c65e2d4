//! Programs that are missing, or that the kernel cannot execute.

use std::fs;

use exeunt::prelude::*;

use crate::is_not_started;
use crate::process::executable;

#[test]
fn a_missing_program_is_named_by_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server");
    let shown = path.display().to_string();
    is_not_started(|| program(&path), &["could not start", &shown, "No such file"]);

    executable(&path, "#!/bin/sh\nexit 3\n");
    program(&path).code(3);
    // A relative one counts from here, not from the target's directory, and it is told where that is.
    let here = std::env::current_dir().unwrap().join("./server");
    is_not_started(
        || program("./server").current_dir(&directory),
        &["could not start `./server`: No such file", &format!(", at `{}`", here.display())],
    );
}

#[test]
fn a_file_without_the_execute_permission_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script");
    fs::write(&path, "#!/bin/sh\nexit 3\n").unwrap();
    let shown = path.display().to_string();
    is_not_started(|| program(&path), &["could not start", &shown, "not executable"]);

    executable(&path, "#!/bin/sh\nexit 3\n");
    program(&path).code(3);
}

#[test]
fn a_file_of_no_executable_format_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes");
    executable(&path, "these are notes and no program\n");
    let shown = path.display().to_string();
    is_not_started(|| program(&path), &["could not start", &shown, "Exec format error", "#!"]);

    executable(&path, "#!/bin/sh\nexit 3\n");
    program(&path).code(3);
}

#[test]
fn a_script_whose_interpreter_is_missing_is_named_with_that_hint() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script");
    executable(&path, "#!/no/such/interpreter\n");
    let shown = path.display().to_string();
    is_not_started(|| program(&path), &["could not start", &shown, "No such file", "interpreter"]);

    executable(&path, "#!/bin/sh\nexit 3\n");
    program(&path).code(3);
}

#[test]
fn a_directory_is_no_program() {
    let directory = tempfile::tempdir().unwrap();
    let shown = directory.path().display().to_string();
    is_not_started(|| program(directory.path()), &["could not start", &shown, "it is a directory"]);

    let path = directory.path().join("program");
    executable(&path, "#!/bin/sh\nexit 3\n");
    program(path).code(3);
}

#[test]
fn a_file_below_a_file_is_no_program() {
    is_not_started(
        || program("/dev/null/program"),
        &["could not start `/dev/null/program`", "Not a directory"],
    );
}

#[test]
fn a_name_that_is_not_in_the_search_path_is_told_with_where_it_was_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let plan = || program("exeunt-tests-answer").env("PATH", directory.path());
    let looked = format!("looked in {}", directory.path().display());
    is_not_started(plan, &["could not start `exeunt-tests-answer`", "no such program", &looked]);

    executable(&directory.path().join("exeunt-tests-answer"), "#!/bin/sh\nexit 42\n");
    plan().code(42);
}

#[test]
fn a_name_in_the_search_path_that_is_not_executable_is_told_as_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("exeunt-tests-answer");
    fs::write(&path, "#!/bin/sh\nexit 42\n").unwrap();
    let plan = || program("exeunt-tests-answer").env("PATH", directory.path());
    is_not_started(plan, &["could not start `exeunt-tests-answer`", "not executable"]);

    executable(&path, "#!/bin/sh\nexit 42\n");
    plan().code(42);
}

#[test]
fn a_program_without_a_name_is_refused() {
    is_not_started(|| program(""), &["a program needs a name"]);
    program("true").success();
}

#[test]
fn a_misspelt_name_of_a_cargo_binary_is_told_with_the_one_that_is_near() {
    is_not_started(
        || cargo_bin("lock-sever"),
        &["could not start `lock-sever`", "no such program", "is it `lock-server`?", "looked in "],
    );
    is_not_started(|| cargo_bin!("lock-sever"), &["is it `lock-server`?"]);

    // It is there, and wants an argument.
    cargo_bin("lock-server").code(1).stderr(predicate::str::contains("usage: lock-server"));
    cargo_bin!("lock-server").code(1);
}

#[test]
fn a_cargo_binary_that_is_like_no_other_is_told_without_a_guess() {
    let error = cargo_bin("zzz-nothing-like-it").run().unwrap_err().to_string();
    assert!(error.contains("could not start `zzz-nothing-like-it`: no such program"), "{error}");
    assert!(!error.contains("is it"), "{error}");
}
