//! Many steps, each counted from the one before, and a deadline for each.

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};
use crate::{deliveries, in_words};

#[test]
fn a_long_script_is_carried_out_in_order() {
    let script = r#"
        trap 'echo "second Ctrl-C"; exit 4' INT
        trap 'trap "echo \"leaving\"; exit 5" USR1; echo cleaning >> "$EXEUNT_PROBE"' TERM
        echo working
        read -r line; echo "read $line"; while :; do sleep 0.01; done"#;
    let plan = || {
        program("sh")
            .args(["-c", script])
            .write_stdin_when("one\n", Ready::stdout("working"))
            .stop_when(Ready::stdout("read one"))
            .continue_after(ms(10))
            .signal_after(SIGTERM, ms(10))
            .queue_when(SIGUSR1, 1, Ready::mark("cleaning"))
            .close_stdin_after(secs(60))
            .allow_early_end()
    };
    let exit = plan().cleanup_ran("leaving").code(5);
    assert_eq!(deliveries(&exit).len(), 5);
    fails_with(|| plan().code(4), &["happened: exit code 5"]);
}

#[test]
fn a_step_that_was_not_reached_is_named_with_when_it_was_due() {
    let plan = || program("sh").args(["-c", "exit 3"]).stop_after(secs(20)).continue_after(secs(20));
    fails_with(
        || plan().code(3),
        &["not reached: the stop after 20 s, due 20000.0 ms after the start", "the target had ended"],
    );
    plan().allow_early_end().code(3);
}

#[test]
fn each_gate_has_its_time() {
    let plan = || program("sh").args(["-c", "echo first; exec sleep 1000"]);
    let late = || plan().ready_when(Ready::stdout("first")).signal_when(SIGTERM, Ready::stdout("second"));
    // Where it has come to its sleep by then.
    for time in [ms(300), secs(3), secs(15)] {
        let report = report_of(|| late().step_timeout(time).timed_out());
        if !report.contains("waits in clock_nanosleep") && time < secs(15) {
            continue;
        }
        for text in [
            "not reached: SIGTERM (15) when stdout contains \"second\"",
            &format!("it had not come to it within {} (`step_timeout`)", in_words(time)),
            "gate: stdout contains \"second\": not among",
            "still running after ",
            "waits in clock_nanosleep",
        ] {
            assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
        }
        break;
    }
    fails_with(
        || plan().step_timeout(ms(300)).ready_when(Ready::stdout("never")).success(),
        &["readiness (stdout contains \"never\")", "step_timeout"],
    );
    // A time that is waited on purpose, and the run itself, are not under it.
    let exit = program("sleep").arg("1000").step_timeout(ms(100)).signal_after(SIGTERM, ms(600));
    exit.killed_by(SIGTERM);
    let exit = program("sleep").arg("0.5").step_timeout(ms(100)).success();
    assert!(exit.duration() >= ms(500));
}

#[test]
fn a_step_timeout_of_zero_is_refused() {
    fails_with(|| program("true").step_timeout(ms(0)).success(), &["a step timeout of zero"]);
}

#[test]
fn a_step_timeout_is_for_what_a_step_waits_for_and_not_for_its_time() {
    let plan = |at| program("sleep").arg("1000").step_timeout(ms(1500)).stop_after(at);
    plan(ms(1600)).signal_after(SIGKILL, ms(0)).killed_by(SIGKILL);
    let text = vec![b'x'; 1 << 20];
    let plan = |program: ExitTest| program.step_timeout(ms(1500)).write_stdin_after(text.clone(), ms(1600));
    plan(program("wc").arg("-c")).stdout("1048576\n").success();
    // One that does not read is waited for as long as that, from when the step was due.
    let deaf = || plan(program("sleep").arg("1000"));
    let begin = std::time::Instant::now();
    fails_with(|| deaf().success(), &["not reached: writing \"xxx", "within 1.5 s (`step_timeout`)"]);
    assert!(begin.elapsed() >= ms(3100));
}
