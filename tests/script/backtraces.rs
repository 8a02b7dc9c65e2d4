//! At a deadline, where every thread is: what gdb tells, where the test asks for it.

use exeunt::prelude::*;

use crate::support::{fails_with, needs, report_of, times_out};

#[inline(never)]
fn waits_for_what_never_comes() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
fn the_report_of_a_deadline_shows_where_every_thread_is() {
    if needs("gdb").is_none() {
        return;
    }
    let plan = || {
        let waits = || {
            let _other = std::thread::Builder::new()
                .name("the other".to_owned())
                .spawn(|| waits_for_what_never_comes());
            waits_for_what_never_comes();
        };
        assert_exit(waits)
    };
    let both_wait = |exit: &Exit| {
        exit.stuck().first().is_some_and(|process| process.threads.len() == 2 && process.is_deadlocked())
    };
    let exit = times_out(|| plan().backtraces(true), both_wait);
    let backtrace = exit.stuck()[0].backtrace.clone().unwrap();
    // Without the right to look, or the time, it says so.
    if !backtrace.starts_with("gdb could not tell: ") && backtrace != "gdb took too long" {
        assert_eq!(backtrace.matches("waits_for_what_never_comes").count(), 2, "{backtrace}");
        assert!(backtrace.contains("Thread 2 "), "{backtrace}");
        // What is below the function is the harness's own.
        assert!(!backtrace.contains("exeunt::launch"), "{backtrace}");
    }
    fails_with(|| exit.success(), &["      backtraces:\n        "]);

    let without = times_out(plan, both_wait);
    assert_eq!(without.stuck()[0].backtrace, None);
    assert!(!report_of(|| without.success()).contains("      backtraces:\n"));
}

#[test]
fn a_process_that_may_not_be_looked_into_is_told() {
    if needs("gdb").is_none() {
        return;
    }
    let plan = program("sleep").arg("1000").traced().timeout(ms(500)).backtraces(true);
    fails_with(|| plan.success(), &["backtraces:\n        gdb "]);
}

#[test]
fn nothing_is_asked_of_a_run_that_ends() {
    let exit = program("true").backtraces(true).success();
    assert!(exit.stuck().is_empty());
}
