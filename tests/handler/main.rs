//! `Ready::handler`: the gate that makes a sleep before a signal unnecessary. Once it is open, a signal
//! that is sent at once reaches the program's own handling, each and every time.
//!
//! Every program here computes for some milliseconds before it makes its arrangements, so that a gate
//! that opened too early would have it killed. `EXEUNT_RACE_RUNS` says how often each of them is run.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod combined;
mod declined;
mod hidden;
mod languages;
mod not_ready;
mod rust;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

/// What every program here says when it handles the signal; then it leaves with [`LEFT`].
const WORDS: &str = "left in order";
const LEFT: i32 = 7;

/// How often a race is run: enough to see a gate that is wrong, few enough for every run of the tests.
fn runs() -> usize {
    let text = std::env::var("EXEUNT_RACE_RUNS").ok();
    text.map_or(10, |text| text.parse().expect("EXEUNT_RACE_RUNS is a number"))
}

/// Asserts that the signal, sent as soon as the gate opens, is handled in all runs.
#[track_caller]
fn is_always_handled(signal: Signal, gate: impl Fn() -> Ready, plan: impl Fn() -> ExitTest) {
    let runs = runs();
    let failures: Vec<String> = (0..runs)
        .filter_map(|_| {
            let run = || plan().ready_when(gate()).signal_after(signal, ms(0)).cleanup_ran(WORDS).code(LEFT);
            catch_unwind(AssertUnwindSafe(run)).err()
        })
        .map(|payload| *payload.downcast::<String>().expect("a report"))
        .collect();
    assert!(
        failures.is_empty(),
        "not handled in {} of {runs} runs, first:\n{}",
        failures.len(),
        failures.first().map_or("", String::as_str)
    );
}

/// The control: a program that never comes to its handler is killed, and the report says why.
#[track_caller]
fn is_killed_at_work(signal: Signal, forever_at_work: ExitTest) {
    let plan = forever_at_work.ready_when(Ready::stdout("at work")).signal_after(signal, ms(0));
    fails_with(
        || plan.cleanup_ran(WORDS).code(LEFT),
        &[
            &format!("happened: killed by {signal}, "),
            "because: there is no evidence that it did",
            "the target had installed no handler when it was sent",
            &format!(".ready_when(Ready::handler({}))", signal.name().expect("it has a name")),
            &format!("{signal} sent, which had its default action"),
        ],
    );
}

/// How long the target is given to come to the arrangement that the test is about. Only where the machine
/// is so busy that it did not is it given longer.
const PATIENCE: [Duration; 3] = [ms(200), secs(2), secs(15)];

/// Asserts that the gate is still closed at the deadline, long after the program said "arranged", and that
/// the report contains every one of `texts`.
#[track_caller]
fn stays_closed(plan: impl Fn() -> ExitTest, gate: impl Fn() -> Ready, texts: &[&str]) {
    let mut report = String::new();
    for patience in PATIENCE {
        report = report_of(|| {
            plan().ready_when(gate()).signal_after(SIGTERM, ms(0)).timeout(patience).cleanup_ran(WORDS)
        });
        // What came after the harness gave up says nothing of what it saw then.
        let (before, _) = report.split_once("the harness gave up").expect("it gave up");
        if before.contains("stdout: arranged\n") {
            for text in texts.iter().chain(&["the script was not carried out", "the deadline came before"]) {
                assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
            }
            return;
        }
    }
    panic!("it did not come to its arrangement:\n{report}");
}

#[test]
fn a_gate_that_opens_before_the_handler_is_there_is_found_out_by_these_tests() {
    // Where the machine is busy, the program may be faster than the signal for a while.
    const MOST: usize = 500;
    let Some(_) = programs::c_program("sigaction.c") else { return };
    let plan = || programs::c_program("sigaction.c").expect("it was there a moment ago");
    let once = || plan().ready_when(Ready::stdout("at work")).signal_after(SIGTERM, ms(0)).code(LEFT);
    let report = |_| Some(*catch_unwind(once).err()?.downcast::<String>().expect("a report"));
    // One that came while the handler was being installed is another failure (see the next test).
    let found_out = (0..MOST).filter_map(report).any(|report| report.contains("killed by SIGTERM (15)"));
    assert!(found_out, "one of them was too early");
}

#[test]
fn a_signal_that_comes_while_a_handler_is_being_installed_is_delivered_all_the_same() {
    let Some(_) = programs::c_program("sigaction.c") else { return };
    let all = runs() * 10;
    let mut taken_back = 0;
    for run in 0..all {
        let plan = programs::c_program("sigaction.c").expect("it was there a moment ago");
        let delay = Duration::from_micros(200 * u64::try_from(run % 100).expect("few"));
        match plan.ready_when(Ready::stdout("at work")).signal_after(SIGTERM, delay).run() {
            Ok(exit) => {
                let killed = Ending::Signal { signal: SIGTERM, core_dumped: false };
                assert!(*exit.ending() == killed || *exit.ending() == Ending::Code(LEFT), "{exit:?}");
            }
            // It installed its handler, took the signal and left, all since it was looked at: that cannot be
            // told from one that was leaving of its own accord, and would pass for evidence of nothing.
            Err(error) => {
                assert!(error.to_string().contains("the target had ended"), "{error}");
                taken_back += 1;
            }
        }
    }
    assert!(taken_back * 20 <= all, "{taken_back} of {all}");
}
