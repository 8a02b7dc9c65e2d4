//! `EXEUNT_TIMEOUT_SCALE`: a number multiplies deadlines, anything else is an error that says so.

use exeunt::prelude::*;

use crate::process::{inner_test, is_inner};

#[test]
#[ignore = "other tests run it"]
fn waits_for_a_deadline_of_100_ms() {
    if !is_inner() {
        return;
    }
    let exit = program("cat").ready_when(Ready::delay(secs(100))).timeout(ms(100)).run();
    println!("{}", exit.expect_err("`cat` ends at once: its stdin is empty"));
    let exit = assert_exit(|| {
        loop {
            std::thread::park();
        }
    });
    println!("{}", exit.timeout(ms(100)).timed_out().ending());
}

#[test]
#[ignore = "other tests run it"]
fn ends_within_a_millionth_of_a_millisecond() {
    if is_inner() {
        program("true").within(std::time::Duration::from_nanos(1));
    }
}

#[test]
fn a_scale_that_is_no_number_above_zero_is_an_error() {
    for scale in ["fast", "0", "-1", "inf", "nan", "1,5", " "] {
        inner_test("timeout_scale::waits_for_a_deadline_of_100_ms")
            .env("EXEUNT_TIMEOUT_SCALE", scale)
            .code(101)
            .stderr(predicate::str::contains("still running").not())
            .stderr(predicate::str::contains(format!(
                "EXEUNT_TIMEOUT_SCALE must be a number above zero, such as 10 or 0.5; it is {scale:?}"
            )));
    }
}

#[test]
fn a_scale_multiplies_the_deadline() {
    for (scale, scaled) in
        [(None, "100 ms"), (Some("3"), "300 ms"), (Some("0.5"), "50 ms"), (Some(""), "100 ms")]
    {
        let mut plan = inner_test("timeout_scale::waits_for_a_deadline_of_100_ms");
        if let Some(scale) = scale {
            plan = plan.env("EXEUNT_TIMEOUT_SCALE", scale);
        }
        let ending = format!("still running after {scaled}, ended by the harness");
        plan.success().stdout(predicate::str::contains(ending));
    }
}

#[test]
fn a_scale_multiplies_what_within_allows() {
    let plan = || inner_test("timeout_scale::ends_within_a_millionth_of_a_millisecond");
    plan().code(101).stderr(predicate::str::contains("ended within"));
    // A nanosecond becomes seconds.
    plan().env("EXEUNT_TIMEOUT_SCALE", "1e10").success();
}
