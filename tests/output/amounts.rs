//! Very much output: memory stays bounded, and a report shows the head, the tail and how much it
//! leaves out.

use std::io::Write;

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

const MIB: usize = 1024 * 1024;

/// Writes 100 MiB to stdout, with a first and a last line that can be known.
fn write_100_mib() {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(b"the first line\n").unwrap();
    let block = [b'x'; 64 * 1024];
    for _ in 0..1600 {
        stdout.write_all(&block).unwrap();
    }
    stdout.write_all(b"\nthe last line\n").unwrap();
    stdout.flush().unwrap();
}

/// The most memory that this process ever had resident, in bytes (`VmHWM`, man 5 proc).
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<usize>().unwrap() * 1024
}

/// The target's own writes, the harness's reads and a busy machine: seconds, with room.
const LONG: std::time::Duration = secs(120);

isolated! {
    #[test]
    fn of_100_mib_only_the_limit_is_held_in_memory() {
        assert_exit(|| ()).success();
        let before = peak_memory();
        let exit = assert_exit(write_100_mib).timeout(LONG).capture_limit(MIB).returned();
        let grown = peak_memory() - before;
        assert!(grown < 8 * MIB, "the peak grew by {grown} bytes for a limit of {MIB}");
        assert_eq!(exit.stdout_bytes().len(), MIB);

        // The control: a limit above it all is memory that is seen.
        let exit = assert_exit(write_100_mib).timeout(LONG).capture_limit(200 * MIB).returned();
        assert!(peak_memory() - before > 100 * MIB);
        exit.flushed("the first line").flushed("the last line");
    }
}

#[test]
fn a_report_of_100_mib_shows_head_and_tail_and_how_much_lies_between() {
    let exit = assert_exit(write_100_mib).timeout(LONG).capture_limit(MIB).returned();
    let total = 1600 * 64 * 1024 + "the first line\n".len() + "\nthe last line\n".len();
    let shown = 4096;
    let report = report_of(|| exit.clone().code(7));
    for text in [
        format!("stdout ({total} bytes):\n    the first line"),
        "xxx\n    the last line\n".to_owned(),
        format!("… {} bytes not shown …", total - shown),
    ] {
        assert!(report.contains(&text), "the report lacks {text:?}:\n{report}");
    }
    assert!(report.len() < 16 * 1024, "a report of {} bytes:\n{report}", report.len());
    let left_out = format!("{} bytes of the output were not kept", total - MIB);
    fails_with(|| exit.stdout("x"), &[&left_out, "raise `capture_limit`"]);
}

#[test]
fn a_report_of_output_within_the_limit_is_cut_too() {
    let exit = assert_exit(|| {
        for line in 0..10_000 {
            println!("line {line}");
        }
    });
    let report = report_of(|| exit.returned().code(7));
    for text in ["line 0\n", "line 9999", "bytes not shown …", "more …"] {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
    assert!(!report.contains("line 5000"), "{report}");
    assert!(report.len() < 16 * 1024, "a report of {} bytes", report.len());
}

#[test]
fn a_difference_in_much_output_is_shown_cut() {
    let exit = assert_exit(|| {
        for line in 0..10_000 {
            println!("line {line}");
        }
    });
    let exit = exit.returned();
    let text = exit.stdout_text();
    let report = report_of(|| exit.clone().stdout(text.replace("line 5000\n", "")));
    assert!(report.len() < 32 * 1024, "a report of {} bytes", report.len());
    exit.stdout(text);
}
