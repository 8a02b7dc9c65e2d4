//! Exit codes: which codes an expectation takes, and which expectations no code can meet.

use std::process::exit;

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", script])
}

#[test]
fn a_code_matches_only_itself() {
    let exits = [
        (0, assert_exit(|| exit(0)).run().unwrap()),
        (1, assert_exit(|| exit(1)).run().unwrap()),
        (42, assert_exit(|| exit(42)).run().unwrap()),
        (255, assert_exit(|| exit(255)).run().unwrap()),
    ];
    for (code, exit) in &exits {
        exit.clone().code(*code);
        assert_eq!(*exit.ending(), Ending::Code(*code));
        for (other, _) in exits.iter().filter(|(other, _)| other != code) {
            fails_with(
                || exit.clone().code(*other),
                &[&format!("expected: exit code {other}\n"), &format!("happened: exit code {code}, ")],
            );
        }
    }
}

#[test]
fn a_programs_code_matches_only_itself() {
    for code in [0, 1, 42, 255] {
        let exit = shell(&format!("exit {code}")).code(code);
        fails_with(
            || exit.code((code + 1) % 256),
            &["`sh -c \"exit ", "not the expected exit", &format!("happened: exit code {code}, ")],
        );
    }
}

#[test]
fn a_code_may_be_one_of_several_or_meet_a_predicate() {
    let exit = shell("exit 7").code(vec![6, 7]).code(predicate::gt(6)).code(&[7, 8][..]);
    fails_with(|| exit.clone().code(vec![5, 6]), &["expected: exit code 5 or 6", "happened: exit code 7"]);
    fails_with(|| exit.code(predicate::lt(7)), &["expected: ", "var < 7", "happened: exit code 7"]);
}

#[test]
fn success_is_code_zero_and_no_other() {
    assert_exit(|| exit(0)).success();
    fails_with(
        || assert_exit(|| exit(1)).success(),
        &["expected: success (exit code 0)", "happened: exit code 1", "the function called `exit`"],
    );
}

#[test]
fn failure_is_any_other_code() {
    assert_exit(|| exit(1)).failure();
    assert_exit(|| exit(255)).failure();
    fails_with(|| assert_exit(|| exit(0)).failure(), &["expected: failure", "happened: exit code 0"]);
}

#[test]
fn a_code_of_512_is_rejected_as_impossible() {
    // The kernel would hand over 512 & 255, which is 0.
    assert_exit(|| exit(512)).code(0);
    let report = report_of(|| assert_exit(|| exit(512)).code(512));
    assert!(report.contains("no process can end with code 512"), "{report}");
    assert!(report.contains("exit codes go from 0 to 255"), "{report}");
}

#[test]
fn a_code_of_minus_one_is_rejected_as_impossible() {
    assert_exit(|| exit(-1)).code(255);
    fails_with(
        || assert_exit(|| exit(-1)).code(-1),
        &["no process can end with code -1", "exit codes go from 0 to 255"],
    );
}

#[test]
fn an_expectation_that_no_code_meets_is_rejected_whatever_happened() {
    let exit = assert_exit(|| exit(0)).success();
    fails_with(|| exit.clone().code(predicate::gt(255)), &["can end with a code for which var > 255:"]);
    fails_with(|| exit.clone().code(vec![256, 300]), &["can end with a code of [256, 300]:"]);
    fails_with(|| exit.clone().code(Vec::<i32>::new()), &["can end with a code of an empty list:"]);
    // One possible code among them is enough to ask.
    exit.code(vec![0, 256]);
}

#[test]
fn an_impossible_code_is_rejected_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    let touched = directory.path().join("touched");
    let plan = || program("sh").args(["-c", ": > \"$0\""]).arg(&touched);
    fails_with(|| plan().code(512), &["no process can end with code 512"]);
    assert!(!touched.exists(), "the program was run for an assertion that cannot hold");
    plan().code(0);
    assert!(touched.exists(), "the control did not run the program");
}

#[test]
fn a_shells_128_and_signal_number_is_a_code() {
    let script = "sh -c 'kill -TERM $$'; exit $?";
    let exit = shell(script).code(128 + 15);
    fails_with(
        || exit.clone().killed_by(SIGTERM),
        &["expected: killed by SIGTERM (15)", "happened: exit code 143"],
    );
    // Without the second shell it is the signal itself.
    let killed = shell("kill -TERM $$").killed_by(SIGTERM);
    fails_with(|| killed.code(143), &["expected: exit code 143", "happened: killed by SIGTERM (15)"]);
}

#[test]
fn output_and_assert_cmds_assertions_see_the_same_status() {
    let exit = shell("echo out; echo err >&2; exit 3").run().unwrap();
    assert_eq!(exit.output().status.code(), Some(3));
    let assert = assert_cmd::assert::Assert::from(exit.clone()).code(3).stdout("out\n").stderr("err\n");
    fails_with(|| assert.code(4), &["code=3"]);
    let killed = shell("kill -KILL $$").run().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.output().status), Some(9));
    fails_with(|| assert_cmd::assert::Assert::from(killed).code(9), &["interrupted"]);
}
