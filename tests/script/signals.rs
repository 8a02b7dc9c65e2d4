//! Every signal there is, signals with values, and signals as they are named.

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn every_signal_reaches_its_target() {
    let last = libc::SIGRTMAX();
    for number in 1..=last {
        let signal = Signal::try_from(number).unwrap();
        let plan = || program("sleep").arg("1000").signal_after(signal, ms(0));
        match signal {
            SIGCHLD | SIGURG | SIGWINCH | SIGCONT | SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU => {
                plan().still_running_after(ms(5));
            }
            _ => {
                plan().killed_by(signal);
            }
        }
    }
    for number in [0, -1, last + 1, 200] {
        let error = Signal::try_from(number).unwrap_err().to_string();
        assert!(
            error.contains(&format!("there is no signal {number}: numbers go from 1 to {last}")),
            "{error}"
        );
    }
}

#[test]
fn a_signal_converts_to_and_from_what_others_use() {
    assert_eq!(Signal::try_from("TERM").unwrap(), SIGTERM);
    assert_eq!(Signal::try_from("SIGRTMIN+1").unwrap().number(), libc::SIGRTMIN() + 1);
    assert_eq!(i32::from(SIGTERM), 15);
    let error = Signal::try_from("sigterminate").unwrap_err().to_string();
    assert!(error.contains("there is no signal named \"sigterminate\""), "{error}");
}

/// Waits for SIGUSR1 and SIGRTMIN and leaves with the value that came with the last of two.
#[expect(clippy::print_stdout, reason = "it is the way to tell the test")]
fn leaves_with_the_value() {
    // SAFETY: all-zero is an empty set, filled below; every place is live.
    let (mut set, mut info): (libc::sigset_t, libc::siginfo_t) = unsafe { std::mem::zeroed() };
    for signal in [libc::SIGUSR1, libc::SIGRTMIN()] {
        // SAFETY: `set` is live.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: `set` is live, and the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    println!("ready");
    let mut values = Vec::new();
    while values.len() < 2 {
        // SAFETY: both are live.
        let signal = unsafe { libc::sigwaitinfo(&raw const set, &raw mut info) };
        if signal > 0 {
            // SAFETY: signals that were sent have a value, which is zero where none was given.
            let value = unsafe { info.si_value() };
            // The first member of that union is an int.
            let [a, b, c, d, ..] = value.sival_ptr.addr().to_ne_bytes();
            let value = i32::from_ne_bytes([a, b, c, d]);
            println!("{value} by code {}", info.si_code);
            values.push(value);
        }
    }
    std::process::exit(values[1]);
}

#[test]
fn a_signal_is_queued_with_its_value() {
    let real_time = Signal::try_from(libc::SIGRTMIN()).unwrap();
    let plan = |value| {
        assert_exit(leaves_with_the_value)
            // It says so before it waits.
            .ready_when(Ready::stdout("ready").and(Ready::handler(SIGUSR1)))
            .queue_after(SIGUSR1, -5, ms(0))
            .queue_when(real_time, value, Ready::stdout("-5 by code -1"))
    };
    plan(42).code(42).stdout("ready\n-5 by code -1\n42 by code -1\n");
    plan(43).code(43);
    fails_with(
        || plan(42).code(43),
        &["SIGUSR1 (10) with the value -5 sent, for which a thread waited", "with the value 42 sent"],
    );
}

#[test]
fn a_signal_that_is_not_queued_has_no_value() {
    let plan = || {
        let plan = assert_exit(leaves_with_the_value).ready_when(Ready::stdout("ready"));
        plan.signal_after(SIGUSR1, ms(0))
    };
    let sent = || plan().signal_when(SIGUSR1, Ready::stdout("by code 0"));
    let queued = || plan().queue_when(SIGUSR1, 0, Ready::stdout("by code 0"));
    let by_code = "by code -1";
    sent().code(0).stdout(predicate::str::contains(by_code).not());
    // The control: the value 0 that was queued is another thing than none.
    fails_with(|| queued().stdout(predicate::str::contains(by_code).not()), &[by_code]);
}

#[test]
fn a_queued_signal_that_comes_too_late_names_its_value() {
    let plan = || program("true").queue_after(SIGTERM, 9, secs(60));
    fails_with(|| plan().success(), &["not reached: SIGTERM (15) with the value 9 after 60 s"]);
    plan().allow_early_end().success();
}
