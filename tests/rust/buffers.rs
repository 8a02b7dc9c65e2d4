//! Buffers of the program's own: who flushes them, and what is told of a reader that has gone.

use std::fs;

use exeunt::prelude::*;

use crate::by_both;
use crate::support::fails_with;

const TEXT: &str = "what was written";

/// Takes this way in a directory of its own; gives the facts and what is in the file afterwards.
#[track_caller]
fn written_by(way: &str, check: impl Fn(Exit, &str)) {
    by_both(way, |test| {
        let directory = tempfile::tempdir().expect("a directory");
        let exit = test.current_dir(&directory).run().expect("a run");
        let text = fs::read_to_string(directory.path().join("report.txt")).expect("the file is there");
        check(exit, &text);
    });
}

#[test]
fn h11_a_buffered_writer_is_flushed_by_its_drop() {
    written_by("buffer-then-return", |exit, text| {
        exit.success();
        assert_eq!(text, TEXT);
    });
    written_by("buffer-then-panic", |exit, text| {
        exit.code(101);
        assert_eq!(text, TEXT);
    });
    written_by("buffer-flushed-then-exit", |exit, text| {
        exit.success();
        assert_eq!(text, TEXT);
    });
}

#[test]
fn h11_a_buffered_writer_that_is_not_dropped_is_not_flushed_and_nothing_says_so() {
    for way in ["buffer-then-exit", "buffer-that-is-forgotten"] {
        written_by(way, |exit, text| {
            let exit = exit.success().stderr("");
            assert_eq!(text, "");
            fails_with(|| exit.flushed(TEXT), &["is flushed to stdout or stderr"]);
        });
    }
}

#[test]
fn g10_to_print_to_a_reader_that_has_gone_is_a_panic() {
    by_both("print-to-nobody", |test| {
        let exit = test.code(101).stderr(predicate::str::contains("failed printing to stdout: Broken pipe"));
        fails_with(|| exit.killed_by(SIGPIPE), &["happened: exit code 101"]);
    });
}

#[test]
fn g10_to_write_to_a_reader_that_has_gone_is_an_error_to_be_handled() {
    by_both("write-to-nobody", |test| {
        let exit = test.code(4).stderr("");
        fails_with(|| exit.code(101), &["happened: exit code 4"]);
    });
}

#[test]
fn g10_with_sigpipe_as_in_c_it_is_death_by_that() {
    by_both("print-to-nobody-with-sigpipe-as-in-c", |test| {
        let exit = test.killed_by(SIGPIPE).stderr("");
        fails_with(|| exit.code(141), &["happened: killed by SIGPIPE (13)"]);
    });
}
