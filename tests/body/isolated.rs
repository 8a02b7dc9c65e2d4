//! `isolated!`: a test in a process of its own, its output, and what is said where it fails.

use exeunt::prelude::*;

use crate::support::{again, fails_with};

exeunt::isolated! {
    #[test]
    fn what_belongs_to_the_process_may_be_changed() {
        let before = std::env::current_dir().unwrap();
        std::env::set_current_dir("/").unwrap();
        let exit = program("pwd").success().stdout("/\n");
        assert_ne!(before.as_os_str(), "/");
        fails_with(|| exit.stdout(format!("{}\n", before.display())), &["of stdout"]);
    }

    #[test]
    fn it_runs_apart_from_the_runner() {
        // SAFETY: the process is this test's own, and no other thread of it reads the environment.
        unsafe { std::env::set_var("EXEUNT_TESTS_ISOLATED", "set here") };
        program("sh").args(["-c", "printf %s \"$EXEUNT_TESTS_ISOLATED\""]).stdout("set here");
    }

    #[test]
    fn it_may_return_a_result() -> Result<(), std::num::ParseIntError> {
        "7".parse::<u8>().map(|_| ())
    }

    #[test]
    #[should_panic(expected = "the place for it is empty")]
    fn it_may_be_one_that_should_panic() {
        panic!("the place for it is empty");
    }
}

#[test]
fn a_change_of_an_isolated_test_is_not_seen_by_others() {
    assert!(std::env::var_os("EXEUNT_TESTS_ISOLATED").is_none());
    assert_ne!(std::env::current_dir().unwrap().as_os_str(), "/");
}

/// What the tests below run by themselves, one at a time.
mod specimens {
    exeunt::isolated! {
        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn returns() {
            println!("said before it returned");
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn panics() {
            println!("said before it panicked");
            panic!("the reason for it");
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn exits_early() {
            std::process::exit(0);
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn exits_as_a_panic_would() {
            std::process::exit(70);
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn aborts() {
            std::process::abort();
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn returns_an_error() -> Result<(), String> {
            Err("not today".to_owned())
        }

        #[test]
        #[ignore = "a specimen, for the tests of `isolated`"]
        fn returns_and_exits_with_a_code() {
            extern "C" fn leave() {
                // SAFETY: it ends the process.
                unsafe { libc::_exit(5) }
            }
            // SAFETY: the hook is a function of this executable.
            unsafe { libc::atexit(leave) };
        }
    }

    /// The name under which it looks for itself is not the one that the runner knows.
    #[test]
    #[ignore = "a specimen, for the tests of `isolated`"]
    fn is_not_reached() {
        exeunt::__private::isolated("crate::no::such::test", exeunt::__private::rusty_fork_id!(), || {});
    }
}

fn specimen(name: &str) -> ExitTest {
    again(["--ignored", "--exact"]).arg(format!("isolated::specimens::{name}"))
}

fn passes(name: &str) -> Exit {
    specimen(name).success().stdout(predicate::str::contains("1 passed; 0 failed"))
}

/// Runs a specimen that must fail; its report must contain `text`.
#[track_caller]
fn says(name: &str, text: &str) -> Exit {
    specimen(name)
        .code(101)
        .stdout(predicate::str::contains("0 passed; 1 failed"))
        .stdout(predicate::str::contains(format!("the isolated test `isolated::specimens::{name}` {text}")))
}

#[test]
fn a_test_that_returns_passes() {
    let exit = passes("returns");
    fails_with(|| exit.clone().code(101), &["happened: exit code 0"]);
    fails_with(|| specimen("panics").success(), &["happened: exit code 101", "the reason for it"]);
}

#[test]
fn what_it_prints_is_the_tests_own_output() {
    let text = "said before it returned\n";
    specimen("returns").arg("--nocapture").success().stdout(predicate::str::contains(text));
    specimen("returns").args(["--show-output", "--test-threads=1"]).stdout(predicate::str::contains(text));
    // The control: captured, and not shown where the test passes.
    fails_with(|| specimen("returns").stdout(predicate::str::contains(text)), &["1 passed"]);
}

#[test]
fn a_test_that_panics_fails_with_its_message_and_shows_its_output() {
    let exit = says("panics", "panicked: the reason for it")
        .stdout(predicate::str::contains("said before it panicked\n"))
        .stdout(predicate::str::contains("panicked at tests/body/isolated.rs:"));
    fails_with(|| exit.success(), &["happened: exit code 101"]);
}

#[test]
fn a_test_that_exits_early_fails_even_with_code_zero() {
    let exit = says("exits_early", "did not return: its process ended with exit status: 0");
    fails_with(|| exit.success(), &["happened: exit code 101"]);
}

#[test]
fn a_test_that_exits_with_the_code_of_a_panic_is_no_panic() {
    let exit = says("exits_as_a_panic_would", "did not return: its process ended with exit status: 70");
    fails_with(|| exit.stdout(predicate::str::contains("test` panicked")), &["of stdout"]);
}

#[test]
fn a_test_that_is_killed_fails_with_the_signal() {
    let exit = says("aborts", "did not return: its process ended with signal: 6 (SIGABRT)");
    fails_with(|| exit.stdout(predicate::str::contains("exit status")), &["of stdout"]);
}

#[test]
fn a_test_that_returns_an_error_fails_and_shows_it() {
    let exit = says("returns_an_error", "returned an error")
        .stdout(predicate::str::contains("Error: \"not today\"\n"));
    fails_with(|| exit.success(), &["happened: exit code 101"]);
}

#[test]
fn a_process_that_fails_after_the_test_returned_fails_the_test() {
    let exit = says("returns_and_exits_with_a_code", "returned, but its process ended with exit status: 5");
    fails_with(|| exit.success(), &["happened: exit code 101"]);
}

#[test]
fn a_test_that_is_never_reached_does_not_pass() {
    let exit = specimen("is_not_reached")
        .code(101)
        .stdout(predicate::str::contains("the isolated test `no::such::test` was not reached"))
        .stdout(predicate::str::contains("0 passed; 1 failed"));
    fails_with(|| exit.success(), &["happened: exit code 101"]);
}

#[test]
fn an_ignored_test_runs_where_it_was_asked_for() {
    let name = "isolated::specimens::returns";
    let passed = || predicate::str::contains("1 passed; 0 failed");
    again(["--exact", name, "--include-ignored"]).success().stdout(passed());
    again(["--ignored", "--nocapture", "--exact", name]).success().stdout(passed());
    fails_with(|| again(["--exact", name]).stdout(passed()), &["0 passed; 0 failed; 1 ignored"]);
    // An order that rusty-fork does not get right must not pass for a test that ran.
    again(["--exact", name, "--nocapture", "--ignored"])
        .code(101)
        .stderr(predicate::str::contains("was not reached in its process"))
        .stderr(predicate::str::contains("loses an `--ignored` that comes after `--nocapture`"));
}

#[test]
fn no_capture_with_a_hyphen_is_explained() {
    let exit = specimen("returns").arg("--no-capture").code(101).stderr(
        predicate::str::contains("could not start the process of the isolated test")
            .and(predicate::str::contains("does not know the test runner's flag `--no-capture`"))
            .and(predicate::str::contains("use `--nocapture`")),
    );
    fails_with(|| exit.success(), &["happened: exit code 101"]);
    specimen("returns").arg("--nocapture").success();
}
