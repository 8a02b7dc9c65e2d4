//! Gates for programs that say nothing: that all is idle, that a socket listens, that children are there,
//! that one of them is ready for a signal, or the target for several.
//!
//! What is raced here is run as often as `EXEUNT_RACE_RUNS` says.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod child_handler;
mod children;
mod handlers;
mod idle;
mod sockets;

use std::hint::black_box;
use std::time::Duration;

use exeunt::prelude::*;

use crate::support::report_of;

/// How often a race is run: enough to see a gate that is wrong, few enough for every run of the tests.
fn runs() -> usize {
    let text = std::env::var("EXEUNT_RACE_RUNS").ok();
    text.map_or(10, |text| text.parse().expect("EXEUNT_RACE_RUNS is a number"))
}

/// Computes for some milliseconds.
fn work() {
    black_box((0..200_000_u64).fold(0, |sum, number| black_box(sum ^ number)));
}

/// `_exit(2)`.
fn exit_immediately(code: i32) -> ! {
    // SAFETY: it ends the process and touches nothing before.
    unsafe { libc::_exit(code) }
}

/// How long the target is given to come to the arrangement that the test is about. Only where the machine
/// is so busy that it did not is it given longer.
const PATIENCE: [Duration; 3] = [ms(200), secs(2), secs(15)];

/// Asserts that the gate is still closed at the deadline, though the target has made the mark "arranged", and
/// that the report contains every one of `texts`.
#[track_caller]
fn stays_closed(plan: impl Fn() -> ExitTest, gate: impl Fn() -> Ready, texts: &[&str]) {
    const ARRANGED: &str = "arranged";
    let mut report = String::new();
    for patience in PATIENCE {
        let gate = gate().and(Ready::mark(ARRANGED));
        report = report_of(|| plan().signal_when(SIGTERM, gate).timeout(patience).killed_by(SIGTERM));
        if report.contains("the mark \"arranged\" was made: open\n") {
            for text in texts.iter().chain(&["the script was not carried out", "the deadline came before"]) {
                assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
            }
            return;
        }
    }
    panic!("it did not come to its arrangement:\n{report}");
}
