//! A target that ends at about its deadline: it has either ended by itself, and then in its own way, or
//! was ended by the harness. There is nothing in between, and never a SIGKILL of its own.

use std::io::Write;
use std::time::Duration;

use exeunt::What;
use exeunt::prelude::*;

use crate::process::PATIENCE;

/// How often: `EXEUNT_RACE_RUNS`, or enough to hit the deadline from both sides.
fn runs() -> usize {
    let text = std::env::var("EXEUNT_RACE_RUNS").ok();
    text.map_or(40, |text| text.parse().expect("EXEUNT_RACE_RUNS is a number"))
}

/// When the harness gives up. Short, for the loop waits for it each time.
const STRIKES_AFTER: Duration = ms(10);

/// How much earlier a target leaves that was too late, and the reverse: about as long as a run's end takes.
const STEP: Duration = Duration::from_micros(100);

/// Runs targets that leave closer and closer to the deadline, on both sides of it.
fn around_the_deadline(
    plan: impl Fn(u64) -> ExitTest,
    carry_out: impl Fn(ExitTest) -> Exit,
    own_ending: &Ending,
) {
    let (mut by_itself, mut forced) = (0, 0);
    let mut delay = STRIKES_AFTER;
    // As long as it stays on one side of the deadline its steps grow, for a busy machine is far from it.
    let mut step = STEP;
    let mut was_forced = true;
    for _ in 0..runs() {
        let exit = carry_out(plan(u64::try_from(delay.as_micros()).expect("short")));
        let gave_up = exit.timeline().iter().any(|event| event.what == What::GaveUp);
        match exit.ending() {
            Ending::TimedOut { .. } => {
                forced += 1;
                assert!(gave_up, "{exit:?}");
                step = if was_forced { step + STEP / 4 } else { STEP };
                was_forced = true;
                delay = delay.saturating_sub(step);
            }
            ending if ending == own_ending => {
                by_itself += 1;
                assert!(!gave_up, "what ended in time was not given up: {exit:?}");
                step = if was_forced { STEP } else { step + STEP / 4 };
                was_forced = false;
                delay += step;
            }
            _ => panic!("it neither ended in its own way nor was it ended: {exit:?}"),
        }
    }
    assert!(by_itself > 0 && forced > 0, "both sides of the deadline: {by_itself} and {forced}");
    let told = format!("{by_itself} ended by themselves, {forced} by the harness\n");
    let _ = std::io::stdout().write_all(told.as_bytes());
}

fn leave_after(microseconds: u64) -> ! {
    std::thread::sleep(Duration::from_micros(microseconds));
    std::process::exit(3)
}

fn die_after(microseconds: u64) {
    std::thread::sleep(Duration::from_micros(microseconds));
    // SAFETY: a number only.
    unsafe { libc::raise(libc::SIGTERM) };
}

fn carried_out(plan: ExitTest) -> Exit {
    plan.timeout(STRIKES_AFTER).run().expect("it was started, and there is no script")
}

#[test]
fn a_code_at_about_the_deadline_is_that_code_or_the_deadline() {
    around_the_deadline(
        |delay| assert_exit_with(delay, |delay| leave_after(delay)),
        carried_out,
        &Ending::Code(3),
    );
}

#[test]
fn a_signal_at_about_the_deadline_is_that_signal_or_the_deadline() {
    let own = Ending::Signal { signal: SIGTERM, core_dumped: false };
    around_the_deadline(|delay| assert_exit_with(delay, die_after), carried_out, &own);
}

#[test]
fn an_end_at_about_the_end_of_an_observation_is_its_own_or_the_observers() {
    let observe = |plan: ExitTest| {
        let observed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            plan.timeout(PATIENCE).still_running_after(STRIKES_AFTER)
        }));
        match observed {
            Ok(exit) => exit,
            // It ended before; the facts are those of another run of the same kind.
            Err(_) => assert_exit(|| leave_after(0)).code(3),
        }
    };
    around_the_deadline(
        |delay| assert_exit_with(delay, |delay| leave_after(delay)),
        observe,
        &Ending::Code(3),
    );
}

#[test]
fn a_report_of_much_that_was_left_arrives_whole_however_late_it_crosses_an_order() {
    let script =
        "for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do sleep 1000 & done";
    for run in 0..runs() {
        let timeout = ms(4) + 3 * STEP * u32::try_from(run).expect("few");
        let exit = program("sh").args(["-c", script]).timeout(timeout).run();
        exit.unwrap_or_else(|error| panic!("with {timeout:?}: {error}"));
    }
}

#[test]
fn an_order_that_comes_before_the_supervisor_knows_of_the_run_is_heard() {
    let mut unheard = 0;
    for run in 0..runs() {
        let plan = assert_exit(|| {
            loop {
                std::thread::park();
            }
        });
        let timeout = Duration::from_micros(1 + 3 * u64::try_from(run).expect("few"));
        // What still ran is told only where the supervisor said which process that is.
        unheard += usize::from(plan.timeout(timeout).timed_out().stuck().is_empty());
    }
    // A supervisor that does not come to run for a second, on a machine that is very busy, is not heard.
    assert!(unheard * 20 < runs(), "{unheard} of {}", runs());
}
