//! Labels may hold any bytes: newlines, what the file's format uses itself, what is no text.

use std::io::Write;

use exeunt::prelude::*;

use crate::support::fails_with;

const ODD: [&str; 9] = [
    "two\nlines",
    "\n",
    "ends with a newline\n",
    "\u{1e}M 1 2 3 4 made up\n",
    "\u{1e}",
    "nul \0 byte",
    "carriage\r",
    "ümläut and 漢字",
    " spaces ",
];

#[test]
fn labels_of_any_text_come_back_as_they_were() {
    let exit = assert_exit(|| {
        for label in ODD {
            probe::mark(label);
        }
        probe::mark("last");
    });
    let mut exit = exit.returned().cleanup_ran("last");
    let labels: Vec<_> = exit.marks().iter().map(|mark| mark.label().into_owned()).collect();
    assert_eq!(labels[..ODD.len()], ODD);
    for label in ODD {
        exit = exit.cleanup_ran(label);
        fails_with(|| exit.clone().cleanup_skipped(label), &["it ran: a mark was made"]);
    }
    // None of them was cut into others.
    exit.cleanup_skipped("two").cleanup_skipped("lines").cleanup_skipped("made up");
}

#[test]
fn labels_that_are_no_text_and_long_ones_come_back() {
    let exit = assert_exit(|| {
        probe::mark(b"\xff\x00\xfe\n\x1e");
        probe::mark("x".repeat(100_000));
        probe::mark([]);
        probe::mark("last");
    });
    let exit = exit.returned().cleanup_ran("last");
    let labels: Vec<_> = exit.marks().iter().map(|mark| mark.label().into_owned()).collect();
    assert_eq!(labels[0], "\u{fffd}\0\u{fffd}\n\u{1e}");
    assert_eq!((labels[1].len(), labels[2].len(), labels.len()), (100_000, 0, 4));
    fails_with(|| exit.cleanup_ran("x".repeat(99_999)), &["there is no evidence that it did"]);
}

#[test]
fn guards_and_hooks_have_any_labels_too() {
    let exit = assert_exit(|| {
        drop(probe::on_drop("two\nlines"));
        probe::at_exit("\u{1e}hook\n");
    });
    exit.returned().dropped("two\nlines").cleanup_ran("\u{1e}hook\n").cleanup_skipped("lines");
}

#[test]
fn a_report_shows_odd_labels_escaped() {
    let exit = assert_exit(|| probe::mark("two\nlines \u{1b}[31m")).returned();
    fails_with(|| exit.code(1), &[r"mark: two\nlines \u{1b}[31m"]);
}

#[test]
fn marks_of_the_probe_and_lines_of_others_stand_side_by_side() {
    let exit = assert_exit(|| {
        let append = |bytes: &[u8]| {
            let path = std::env::var_os("EXEUNT_PROBE").unwrap();
            std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
        };
        probe::mark("first");
        append(b"a line\nbegun");
        probe::mark("second");
        append(b"\x1eM 1 2 torn\nlast");
    });
    let exit = exit.returned();
    let labels: Vec<_> = exit.marks().iter().map(|mark| mark.label().into_owned()).collect();
    assert_eq!(labels, ["first", "a line", "begun", "second", "\u{1e}M 1 2 torn", "last"]);
    exit.cleanup_ran("begun").cleanup_ran("second").cleanup_skipped("torn");
}
