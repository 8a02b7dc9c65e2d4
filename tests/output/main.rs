//! What a target writes: both streams apart, all of it or a bounded part that says so, and safe to
//! print whatever the bytes are.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod amounts;
mod buffers;
mod bytes;
mod capture_limit;
mod descendants;
mod stdin;

use std::io::Write;

use exeunt::prelude::*;
use support::fails_with;

#[test]
fn both_streams_are_kept_apart() {
    let exit = program("sh").args(["-c", "echo out; echo err >&2"]).success();
    let exit = exit.stdout("out\n").stderr("err\n");
    fails_with(|| exit.clone().stdout("err\n"), &["expected: of stdout", "stdout (4 bytes):\n    out"]);
    fails_with(|| exit.clone().stderr("out\n"), &["expected: of stderr", "stderr (4 bytes):\n    err"]);

    let exit = assert_exit(|| {
        println!("out");
        eprintln!("err");
    });
    exit.stdout("out\n").stderr("err\n");
}

#[test]
fn no_output_is_empty_and_empty_is_no_output() {
    let exit = program("true").stdout("").stderr("");
    assert!(exit.stdout_bytes().is_empty() && exit.stderr_text().is_empty());
    fails_with(|| exit.clone().stdout("\n"), &["expected: of stdout", "stdout: empty", "stderr: empty"]);
    fails_with(|| exit.stdout(predicate::str::is_empty().not()), &["stdout: empty"]);

    let newline = program("sh").args(["-c", "echo"]).stdout("\n").stderr("");
    fails_with(|| newline.stdout(""), &["expected: of stdout", "stdout (1 byte):"]);
}

#[test]
fn a_target_that_closes_its_streams_goes_on_to_its_own_end() {
    let exit = program("sh").args(["-c", "echo out; exec >&- 2>&-; exit 3"]).code(3);
    fails_with(|| exit.stdout("out\n").success(), &["expected: success", "happened: exit code 3"]);
}

#[test]
fn much_output_on_both_streams_by_turns_does_not_block_the_target() {
    // Sixteen times what a pipe holds.
    let exit = assert_exit(|| {
        for _ in 0..1024 {
            std::io::stdout().write_all(&[b'o'; 1024]).unwrap();
            std::io::stderr().write_all(&[b'e'; 1024]).unwrap();
        }
    });
    let exit = exit.timeout(secs(20)).returned();
    let exit = exit.stdout(vec![b'o'; 1024 * 1024]).stderr(vec![b'e'; 1024 * 1024]);
    // The control: a byte more is another text.
    fails_with(|| exit.stderr(vec![b'e'; 1024 * 1024 + 1]), &["expected: of stderr", "1048576 bytes"]);
}

#[test]
fn one_stream_at_a_time_may_hold_more_than_a_pipe_while_the_other_waits() {
    let exit = assert_exit(|| {
        std::io::stderr().write_all(&[b'e'; 512 * 1024]).unwrap();
        std::io::stdout().write_all(&[b'o'; 512 * 1024]).unwrap();
        std::io::stderr().write_all(b"end").unwrap();
    });
    let exit = exit.timeout(secs(20)).returned().flushed("eeeend");
    assert_eq!((exit.stdout_bytes().len(), exit.stderr_bytes().len()), (512 * 1024, 512 * 1024 + 3));
    fails_with(|| exit.flushed("oend"), &["\"oend\" is flushed to stdout or stderr"]);
}

#[test]
fn a_difference_is_shown_without_the_colours_of_a_terminal() {
    let exit = program("printf").arg(r"one\ntwo\n").success();
    let report = support::report_of(|| exit.stdout("one\nthree\n"));
    assert!(report.contains("-three\n") && report.contains("+two\n"), "{report}");
    assert!(!report.contains("\\u{1b}") && !report.contains('\u{1b}'), "{report}");
}

#[test]
fn a_missing_newline_and_another_line_end_are_told() {
    let printed = |text: &str| program("printf").arg(text);
    fails_with(
        || printed("hi").stdout("hi\n"),
        &[
            "expected: of stdout:\n            it differs first in line 1 (- expected, + found):\n            -hi\n            +hi (no newline)\n",
        ],
    );
    fails_with(|| printed(r"hi\r\n").stdout("hi\n"), &["            -hi\n            +hi\\r\n"]);
    printed("hi").stdout("hi");
    printed(r"hi\r\n").stdout("hi\r\n");
}

#[test]
fn an_empty_text_proves_nothing_and_the_report_says_so() {
    let exit = program("true").success();
    let because = "because: an empty text is everywhere and proves nothing\n";
    fails_with(|| exit.clone().flushed(""), &[because]);
    fails_with(|| exit.clone().not_flushed(""), &[because]);
    fails_with(
        || exit.clone().cleanup_skipped(""),
        &["because: an empty label is everywhere and proves nothing\n"],
    );
    exit.not_flushed("x").cleanup_skipped("x");
}
