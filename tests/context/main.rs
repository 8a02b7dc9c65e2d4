//! What a test says of itself in a failing assertion's report.

use exeunt::prelude::*;

#[path = "../support/mod.rs"]
mod support;

use support::{fails_with, report_of};

#[test]
fn a_context_is_shown_in_the_report_on_a_plan_and_on_facts() {
    let test = || program("false").append_context("issue", "a full disk is no error");
    fails_with(|| test().success(), &["\n  issue: a full disk is no error\n", "happened: exit code 1"]);
    let exit = test().code(1).append_context("round", 7);
    fails_with(|| exit.clone().code(2), &["\n  issue: a full disk is no error\n  round: 7\n"]);
    let without = report_of(|| program("false").success());
    assert!(!without.contains("issue"), "{without}");
}

#[test]
fn a_context_is_shown_where_the_script_was_not_carried_out() {
    let test = program("true").append_context("case", "early end").signal_after(SIGTERM, secs(10));
    fails_with(|| test.success(), &["\n  case: early end\n", "the script was not carried out"]);
}

#[test]
fn a_context_of_any_bytes_is_safe_to_print() {
    fails_with(
        || program("false").append_context("a\u{1b}[2J", "b\u{7}\nsecond line").success(),
        &["  a\\u{1b}[2J: b\\u{7}\n            second line\n"],
    );
}
