//! `capture_limit`: the head and the tail of each stream are kept, half each. What was left out is
//! counted, and no assertion pretends to know it.

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

const RAISE: &str = "so this cannot be known; raise `capture_limit`";

fn letters(limit: usize) -> Exit {
    program("sh").args(["-c", "printf abcdefghijkl; printf ok >&2"]).capture_limit(limit).success()
}

#[test]
fn of_a_longer_stream_the_head_and_the_tail_are_kept() {
    assert_eq!(letters(6).stdout_bytes(), b"abcjkl");
    assert_eq!(letters(7).stdout_bytes(), b"abcdjkl");
    assert_eq!(letters(1).stdout_bytes(), b"a");
    assert_eq!(letters(0).stdout_bytes(), b"");
}

#[test]
fn up_to_the_limit_all_is_kept() {
    for limit in [12, 13, usize::MAX] {
        letters(limit).stdout("abcdefghijkl");
    }
    fails_with(|| letters(11).stdout("abcdefghijkl"), &["1 byte of the output", RAISE]);
}

#[test]
fn each_stream_has_the_limit_for_itself() {
    let exit = letters(4).stderr("ok");
    fails_with(|| exit.clone().stdout("abkl"), &["8 bytes of the output", RAISE, "stdout (12 bytes):"]);
    fails_with(|| letters(1).stderr("o"), &["1 byte of the output", RAISE]);
}

#[test]
fn no_predicate_holds_for_a_stream_that_was_not_kept_whole() {
    let any = || predicate::function(|_: &[u8]| true);
    letters(12).stdout(any());
    fails_with(|| letters(11).stdout(any()), &["1 byte of the output", RAISE]);
    fails_with(|| letters(0).stdout(""), &["12 bytes of the output", RAISE]);
    // What was expected is told; a difference to what is not known is not.
    let report = report_of(|| letters(0).stdout("xyz"));
    assert!(report.contains("  expected: of stdout: \"xyz\"\n  happened"), "{report}");
}

#[test]
fn a_text_in_a_kept_part_is_flushed_and_one_in_the_gap_is_unknown() {
    let exit = letters(6).flushed("abc").flushed("jkl").flushed("ok");
    fails_with(|| exit.clone().flushed("def"), &["\"def\" is flushed", "6 bytes of the output", RAISE]);
    fails_with(|| exit.clone().not_flushed("def"), &["\"def\" is flushed neither", RAISE]);
    // It may be in the gap, as far as is known.
    fails_with(|| exit.clone().not_flushed("zzz"), &["\"zzz\" is flushed neither", RAISE]);
    // Head and tail side by side are no text that was written.
    fails_with(|| exit.flushed("cj"), &["\"cj\" is flushed", RAISE]);
    letters(12).flushed("def").not_flushed("zzz").not_flushed("cj");
}

#[test]
fn evidence_of_clean_up_in_the_gap_is_unknown() {
    let lines = |limit| {
        let lines = "echo start; echo; echo; echo lock released; echo; echo; echo end";
        program("sh").args(["-c", lines]).capture_limit(limit).success()
    };
    let exit = lines(12).cleanup_ran("start").cleanup_ran("end");
    fails_with(
        || exit.clone().cleanup_ran("lock released"),
        &["there is no evidence that it did", "of the output were not kept", RAISE],
    );
    fails_with(|| exit.cleanup_skipped("lock released"), &["is skipped", RAISE]);
    lines(100).cleanup_ran("lock released").cleanup_skipped("lock kept");
}

#[test]
fn a_gate_opens_by_text_that_is_not_kept() {
    let script = "trap 'echo bye; exit 3' TERM; printf %099d 0; sleep 1000 & echo ready; wait";
    let exit = program("sh")
        .args(["-c", script])
        .capture_limit(8)
        .signal_when(SIGTERM, Ready::stdout("ready"))
        .code(3);
    assert_eq!(exit.stdout_bytes(), b"0000bye\n");
    fails_with(|| exit.flushed("ready"), &["\"ready\" is flushed", RAISE]);
}
