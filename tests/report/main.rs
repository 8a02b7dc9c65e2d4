//! What a failing assertion prints: the exact words, with the numbers that every run has of its own
//! replaced, and each hint where its cause is there and nowhere else.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod bytes;
mod colour;
mod exit_hooks;
mod hints;
mod locations;
mod script;
mod status;
mod waits;

use crate::support::report_of;

/// The report of an assertion that must fail, with N for times, processes, threads and pipes.
#[track_caller]
fn normal_report_of<T>(assertion: impl FnOnce() -> T) -> String {
    normal(&report_of(assertion))
}

fn normal(report: &str) -> String {
    const BEFORE: [&str; 6] = ["process ", "Process ", "thread ", "parent ", "pipe:[", "socket:["];
    const AFTER: [&str; 2] = [" ms", " (parent "];
    /// What stands before and after a time that may be a second or more.
    const TIMES: [(&str, &str); 3] =
        [("", " s after its start"), ("", " s after SIG"), ("still running after ", " s")];
    let own = process::own_executable().display().to_string();
    let report = report.replace(&own, "THIS TEST");
    let mut out = String::new();
    let mut rest = report.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        out.push_str(before);
        let is_the_runs_own = BEFORE.iter().any(|text| out.ends_with(text))
            || (out.ends_with('\'') || out.ends_with("' ("))
            || AFTER.iter().any(|text| after.starts_with(text));
        let is_long = TIMES.iter().any(|(text, then)| out.ends_with(text) && after.starts_with(then));
        if is_long {
            out.push_str("N ms");
            rest = &after[" s".len()..];
            continue;
        }
        out.push_str(if is_the_runs_own { "N" } else { number });
        rest = after;
    }
    out.push_str(rest);
    let line = |line: &str| match line.trim_start().strip_prefix("N ms  ") {
        Some(event) => format!("    N ms  {event}"),
        None => line.to_owned(),
    };
    out.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_numbers_of_a_run_are_replaced() {
    let report = "x: exit code 3, 1.5 ms after\n        12.3 ms  started, process 77\n    78 (parent 77, state S): \
                  sleep 600\n      thread 9 (x) waits in read on descriptor 0 (pipe:[123])\n  stdout (3 bytes):";
    assert_eq!(
        normal(report),
        "x: exit code 3, N ms after\n    N ms  started, process N\n    N (parent N, state S): sleep 600\n      \
         thread N (x) waits in read on descriptor 0 (pipe:[N])\n  stdout (3 bytes):"
    );
    assert_ne!(normal("exit code 3"), normal("exit code 4"));
    let long =
        "exit code 3, 1.25 s after its start; still running after 3 s, ended; SIGTERM (15) after 60 s, due";
    let short =
        "exit code 3, N ms after its start; still running after N ms, ended; SIGTERM (15) after 60 s, due";
    assert_eq!(normal(long), short);
}
