//! First asked, then forced: who left by himself and who had to be killed.

use exeunt::{Delivery, Recipient, prelude::*};

use crate::support::{fails_at_a_deadline, fails_with, report_of};
use crate::{deliveries, in_words, scaled};

/// Does this at SIGTERM, then goes on.
fn at_sigterm(does: &str) -> ExitTest {
    let script = format!("trap '{does}' TERM; echo ready; while :; do sleep 0.01; done");
    program("sh").args(["-c", &script]).ready_when(Ready::stdout("ready"))
}

#[test]
fn a_target_that_leaves_in_its_grace_was_not_forced() {
    let plan = || at_sigterm("echo leaving; exit 3").escalate(SIGTERM, secs(25));
    let exit = plan().cleanup_ran("leaving").code(3).within(secs(20));
    assert_eq!(exit.forced(), None);
    assert!(matches!(
        deliveries(&exit)[..],
        [Delivery::Signal { signal: SIGTERM, to: Recipient::Target, .. }]
    ));
    fails_with(|| plan().code(4), &["happened: exit code 3, ", "after SIGTERM (15) was sent"]);
}

#[test]
fn one_that_does_not_is_killed_and_every_report_says_so() {
    let plan = || at_sigterm("echo not now").escalate(SIGTERM, ms(200));
    // It is killed in time; of the runs of which its own words are asked, one has the machine to itself.
    let runs = || (0..20).map(|_| plan().killed_by(SIGKILL));
    let exit = runs().find(|exit| exit.stdout_text().contains("not now")).expect("it said so in time");
    assert_eq!(exit.forced(), Some(scaled(ms(200))));
    assert!(matches!(
        deliveries(&exit)[..],
        [Delivery::Signal { .. }, Delivery::Forced { to: Recipient::Target, .. }]
    ));
    assert!(exit.duration() >= ms(200));
    let forced = &*format!("because: it had to be killed after {}", in_words(ms(200)));
    let told = format!("SIGKILL (9) sent: it was still there after the grace of {}", in_words(ms(200)));
    fails_with(|| plan().code(0), &[forced, &told, "happened: killed by SIGKILL (9), "]);
    fails_with(|| plan().success(), &[forced]);
    // The failure that a test means is the target's own.
    fails_with(|| plan().failure(), &["expected: failure", forced]);
    at_sigterm("exit 3").escalate(SIGTERM, secs(25)).failure();
    // However soon SIGKILL worked.
    let report = report_of(|| plan().within(secs(1000)));
    assert!(report.contains("ended within ") && report.contains(forced), "{report}");
    assert!(!report.contains("it took"), "that is SIGKILL's time, and no reason: {report}");
    // What it did in its grace is evidence all the same.
    exit.cleanup_ran("not now");
}

#[test]
fn a_sigkill_of_the_scripts_own_forces_nothing() {
    let exit = at_sigterm("").signal_after(SIGKILL, ms(0)).killed_by(SIGKILL).within(secs(20));
    assert_eq!(exit.forced(), None);
    let report = report_of(|| exit.success());
    assert!(!report.contains("it had to be killed"), "{report}");
}

#[test]
fn a_target_that_ignores_the_signal_is_told() {
    let plan = || at_sigterm("").escalate(SIGTERM, ms(100));
    let forced = format!("it had to be killed after {}", in_words(ms(100)));
    fails_with(|| plan().success(), &["SIGTERM (15) sent, which the target ignored", &forced]);
    plan().killed_by(SIGKILL);
}

#[test]
fn it_waits_for_its_gate() {
    let plan = || at_sigterm("exit 3").escalate_when(SIGTERM, secs(25), Ready::delay(ms(200)));
    assert!(plan().code(3).duration() >= ms(200));
    let never = || at_sigterm("exit 3").escalate_when(SIGTERM, ms(300), Ready::stdout("never"));
    fails_at_a_deadline(
        |deadline| never().timeout(deadline).timed_out(),
        "ready: stdout contains \"ready\"",
        &[&format!(
            "not reached: SIGTERM (15), and SIGKILL (9) {} later, when stdout contains \"never\"",
            in_words(ms(300))
        )],
    );
}

#[test]
fn sigkill_to_the_group_ends_what_the_target_started() {
    // As a service manager ends a service: the main process is asked, the group is killed.
    let child =
        r#"trap 'echo "child was asked" >> "$EXEUNT_PROBE"' TERM; echo ready; while :; do sleep 0.01; done"#;
    let script = "trap '' TERM; sh -c \"$0\" & while :; do wait; done";
    let plan = || program("sh").args(["-c", script, child]).ready_when(Ready::stdout("ready"));
    let exit =
        plan().escalate_to_group(SIGTERM, ms(100)).cleanup_skipped("child was asked").killed_by(SIGKILL);
    assert!(matches!(deliveries(&exit)[..], [_, Delivery::Forced { to: Recipient::Group, .. }]));
    fails_with(
        || plan().escalate_to_group(SIGTERM, ms(100)).success(),
        &[&format!(
            "SIGKILL (9) sent to the target's process group: it was still there after the grace of {}",
            in_words(ms(100))
        )],
    );
}

#[test]
fn a_target_that_ended_before_was_not_even_asked() {
    let plan = || program("true").escalate_when(SIGTERM, secs(1), Ready::delay(secs(60)));
    fails_with(
        || plan().success(),
        &[
            &format!("not reached: SIGTERM (15), and SIGKILL (9) {} later,", in_words(secs(1))),
            "the target had ended",
        ],
    );
    plan().allow_early_end().success();
}

#[test]
fn a_deadline_within_the_grace_is_a_deadline() {
    let late = || at_sigterm("").escalate_when(SIGTERM, ms(450), Ready::delay(ms(100)));
    let plan = || late().timeout(ms(500));
    fails_with(
        || plan().killed_by(SIGKILL),
        &["the deadline came before", &format!("still running after {}", in_words(ms(500)))],
    );
    let error = plan().run().unwrap_err();
    assert_eq!(error.exit().and_then(Exit::forced), None);
}

#[test]
fn a_target_that_died_of_another_signal_was_not_forced() {
    // Blocked in the kernel's teardown it may yet be sent SIGKILL, which comes too late.
    fn dies_of_sigterm_with_much_to_tear_down() {
        extern "C" fn again(_: libc::c_int) {
            // SAFETY: numbers only.
            unsafe { libc::signal(libc::SIGTERM, libc::SIG_DFL) };
            // SAFETY: a number only. It comes when the handler returns.
            unsafe { libc::raise(libc::SIGTERM) };
        }
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        // SAFETY: the handler calls what may be called there.
        unsafe { libc::signal(libc::SIGTERM, again as *const () as libc::sighandler_t) };
        println!("ready");
        loop {
            std::hint::black_box(&memory);
            // SAFETY: nothing to keep.
            unsafe { libc::pause() };
        }
    }
    let begin = std::time::Instant::now();
    let mut micros = 0;
    while begin.elapsed() < secs(2) {
        micros = (micros + 97) % 4000;
        let plan = assert_exit(dies_of_sigterm_with_much_to_tear_down).ready_when(Ready::stdout("ready"));
        let grace = std::time::Duration::from_micros(micros);
        let exit = plan.escalate(SIGTERM, grace).run().expect("all was carried out");
        let sent = deliveries(&exit).iter().any(|delivery| matches!(delivery, Delivery::Forced { .. }));
        let killed = matches!(exit.ending(), Ending::Signal { signal: SIGKILL, .. });
        assert_eq!(sent, killed, "{exit:?}");
    }
}

#[test]
fn a_grace_that_the_deadline_cuts_short_is_what_was_not_reached() {
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let plan = program("sh").args(["-c", script]).escalate_when(SIGTERM, ms(1500), Ready::stdout("ready"));
    // A longer one would be refused; this one begins some time after the start.
    fails_with(
        || plan.timeout(ms(1500)).success(),
        &["not reached: SIGKILL (9) 1.5 s after SIGTERM (15), due ", "the deadline came before"],
    );
}
