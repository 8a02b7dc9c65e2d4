//! A test without a test runner (`harness = false`): `main` makes the assertions itself. It prints
//! `ok` at the end, and answers the questions that nextest asks such a test (`--list`).
#![expect(clippy::print_stdout, reason = "there is no runner that would print for it")]

#[path = "../support/mod.rs"]
mod support;

use std::process::exit;

use exeunt::prelude::*;

/// `support::fails_with`, without the report on this process's stderr: no runner captures it.
#[track_caller]
fn fails_with<T>(assertion: impl FnOnce() -> T, texts: &[&str]) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let report = support::report_of(assertion);
    std::panic::set_hook(hook);
    for text in texts {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--list") {
        if !has("--ignored") {
            println!("all: test");
        }
        return;
    }
    a_function_is_asserted();
    a_function_gets_values_and_arguments();
    a_program_is_asserted();
    the_main_thread_may_fork_itself();
    nothing_of_main_runs_again();
    println!("ok");
}

fn a_function_is_asserted() {
    let exit = assert_exit(|| exit(3)).code(3).stdout("");
    fails_with(|| exit.success(), &["function `no_harness::a_function_is_asserted`", "exit code 3"]);
    assert_exit(|| panic!("in a fresh process")).panicked_with("in a fresh process").code(101);
    fails_with(|| assert_exit(|| ()).panicked(), &["the function returned"]);
}

fn a_function_gets_values_and_arguments() {
    assert_exit_with((40, 2), |(a, b)| exit(a + b)).code(42);
    let exit = assert_exit(|| println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>()))
        .args(["--list", "x"])
        .stdout("[\"--list\", \"x\"]\n")
        .success();
    fails_with(|| exit.stdout("[]\n"), &["of stdout", "[\"--list\", \"x\"]"]);
}

fn a_program_is_asserted() {
    let exit = program("sh").args(["-c", "echo out; kill -TERM $$"]).killed_by(SIGTERM).stdout("out\n");
    fails_with(|| exit.code(143), &["expected: exit code 143", "happened: killed by SIGTERM (15)"]);
}

/// There are no other threads here, so that it is safe without `isolated!`.
fn the_main_thread_may_fork_itself() {
    let code = i32::try_from(std::env::args().count()).unwrap() + 6;
    let exit = assert_exit_forked(|| {
        print!("printed by the copy");
        exit(code)
    })
    .code(code)
    .stdout("printed by the copy");
    fails_with(|| exit.success(), &["the_main_thread_may_fork_itself"]);
}

/// A launcher or a function's process that came to `main` would end there, or start over.
fn nothing_of_main_runs_again() {
    let directory = tempfile::tempdir().unwrap();
    let plan = || program(std::env::current_exe().unwrap()).env("TMPDIR", directory.path());
    let exit = plan().arg("--list").success().stdout("all: test\n");
    fails_with(|| exit.stdout("ok\n"), &["of stdout", "all: test"]);
}
