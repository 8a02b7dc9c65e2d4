//! Output is bytes. Assertions compare them as they are, and a report can be printed whatever they
//! are.

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

fn odd_bytes() -> ExitTest {
    program("printf").arg(r"caf\303\251 \377\376\000 \033[31mred\007\nend")
}

const ODD: &[u8] = b"caf\xc3\xa9 \xff\xfe\0 \x1b[31mred\x07\nend";

#[test]
fn bytes_that_are_no_text_are_compared_as_they_are() {
    let exit = odd_bytes().success().stdout(ODD).flushed("café").flushed("end");
    assert_eq!(exit.stdout_bytes(), ODD);
    assert_eq!(exit.stdout_text(), "café \u{fffd}\u{fffd}\0 \u{1b}[31mred\u{7}\nend");
    assert_eq!(exit.output().stdout, ODD);
    let other = &b"caf\xc3\xa9 \xff\xff\0 \x1b[31mred\x07\nend"[..];
    fails_with(|| exit.stdout(other), &["expected: of stdout"]);
}

#[test]
fn a_report_shows_bytes_that_are_no_text_escaped() {
    let report = report_of(|| odd_bytes().code(7));
    assert!(report.contains(r"café \xff\xfe\u{0} \u{1b}[31mred\u{7}"), "{report}");
    assert!(report.contains("end (no newline)"), "{report}");
    let safe = |character: char| character == '\n' || !character.is_control();
    assert!(report.chars().all(safe), "{report:?}");
}

#[test]
fn a_line_of_text_and_bytes_counts_as_evidence_for_the_text() {
    let exit = program("printf").arg(r"\377 lock released \376\n").cleanup_ran("lock released");
    fails_with(|| exit.cleanup_ran("lock  released"), &["there is no evidence"]);
}
