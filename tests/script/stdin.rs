//! A stdin that is written to step by step, and that ends when the script says so.

use exeunt::{Delivery, StandardStream, prelude::*};

use crate::deliveries;
use crate::support::{fails_at_a_deadline, fails_with};

#[test]
fn what_is_written_step_by_step_is_read_step_by_step() {
    let script = "read a; echo got $a; read b; echo got $b; cat; echo end";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .write_stdin_after("one\n", ms(5))
            .write_stdin_when("two\n", Ready::stdout("got one"))
            .write_stdin_when("rest", Ready::stdout("got two"))
    };
    // The input ends with the last of them.
    let exit = plan().stdout("got one\ngot two\nrestend\n").success();
    assert_eq!(deliveries(&exit)[0], &Delivery::Written { text: "one\n".to_owned() });
    fails_with(|| plan().code(1), &["\"one\\n\" was written to stdin", "\"rest\" was written to stdin"]);
}

#[test]
fn the_input_stays_open_until_it_is_closed() {
    let plan = || program("cat").stdin("given\n").close_stdin_when(Ready::delay(ms(200)));
    let exit = plan().stdout("given\n").success();
    assert!(exit.duration() >= ms(200));
    assert_eq!(deliveries(&exit), [&Delivery::Closed { stream: StandardStream::Stdin }]);
    // Without it the input ends at once; with a step that is never reached, never.
    assert!(program("cat").stdin("given\n").success().duration() < secs(20));
    let open = || program("cat").stdin("given\n").close_stdin_after(secs(60));
    fails_at_a_deadline(
        |deadline| open().timeout(deadline).success(),
        "read on descriptor 0",
        &["not reached: the end of stdin after 60 s"],
    );
}

#[test]
fn a_closed_input_is_what_clean_up_and_within_count_from() {
    let script = "echo cleaned up early; cat; echo cleaned up";
    let plan = || program("sh").args(["-c", script]).close_stdin_when(Ready::stdout("early"));
    plan().cleanup_ran("cleaned up").cleanup_skipped("cleaned up early").within(secs(20)).success();
    fails_with(
        || plan().within(std::time::Duration::from_nanos(1)),
        &["ended within 0 ms after stdin was closed", "stdin was closed"],
    );
}

#[test]
fn more_than_a_pipe_holds_is_written_as_it_is_read() {
    let text = vec![b'x'; 1 << 20];
    let plan = || {
        program("sh").args(["-c", "echo ready; wc -c"]).write_stdin_when(text.clone(), Ready::stdout("ready"))
    };
    plan().stdout("ready\n1048576\n").success();
    let deaf = program("sh").args(["-c", "echo ready; exec sleep 1000"]);
    let deaf = deaf.write_stdin_when(text.clone(), Ready::stdout("ready")).timeout(ms(500));
    fails_with(|| deaf.timed_out(), &["not reached: writing \"xxx", "the deadline came before"]);
}

#[test]
fn what_stdin_gives_comes_before_what_the_script_writes() {
    let given = vec![b'x'; 1 << 20];
    let plan = || program("cat").stdin(given.clone()).write_stdin_after("end\n", ms(0));
    let exit = plan().success();
    fails_with(|| plan().stdout(predicate::str::starts_with("end")), &["expected: "]);
    assert_eq!(exit.stdout_bytes().len(), (1 << 20) + 4);
    assert!(exit.stdout_bytes().ends_with(b"xend\n"));
}

#[test]
fn what_nobody_reads_cannot_be_written() {
    let plan = || {
        let closed = program("sh").args(["-c", "exec < /dev/null; echo ready; exec sleep 1000"]);
        closed.write_stdin_when("text", Ready::stdout("ready"))
    };
    fails_with(
        || plan().success(),
        &[
            "not reached: writing \"text\" to stdin when stdout contains \"ready\"",
            "nobody reads that stream any more",
        ],
    );
}

#[test]
fn a_target_that_may_end_early_may_leave_what_is_written_unread() {
    for _ in 0..300 {
        program("true").write_stdin_after("text", ms(0)).allow_early_end().success();
    }
    // It reads no more, and takes its time.
    let script = "exec < /dev/null; echo ready; sleep 0.2; exit 3";
    let plan = || program("sh").args(["-c", script]).write_stdin_when("text", Ready::stdout("ready"));
    plan().allow_early_end().code(3);
    let script = "exec < /dev/null; echo ready; exec sleep 1000";
    let plan = || program("sh").args(["-c", script]).write_stdin_when("text", Ready::stdout("ready"));
    fails_with(|| plan().code(3), &["nobody reads that stream any more"]);
    let plan = || plan().allow_early_end();
    fails_at_a_deadline(
        |deadline| plan().timeout(deadline).timed_out(),
        "stdout: ready",
        &["not reached: writing", "nobody reads that stream any more"],
    );
}

#[test]
fn a_step_that_was_refused_ended_the_run_when_it_was() {
    let script = "exec < /dev/null; echo ready; exec sleep 1000";
    let plan = program("sh").args(["-c", script]).write_stdin_when("text", Ready::stdout("ready"));
    let report = plan.timeout(secs(200)).run().unwrap_err().to_string();
    assert!(!report.contains(", due "), "{report}");
    assert!(
        report.contains("still running after") && !report.contains("still running after 200 s"),
        "{report}"
    );
}

#[test]
fn the_end_that_follows_the_last_text_is_a_reason_to_leave_like_any_other() {
    let script = "echo early; read it; cat; echo cleaned up";
    let plan = || program("sh").args(["-c", script]).write_stdin_when("text\n", Ready::stdout("early"));
    let exit = plan().cleanup_ran("cleaned up").cleanup_skipped("early").within(secs(20)).success();
    let closed = Delivery::Closed { stream: StandardStream::Stdin };
    assert_eq!(deliveries(&exit), [&Delivery::Written { text: "text\n".to_owned() }, &closed]);
    fails_with(|| exit.cleanup_ran("early"), &["but before stdin was closed", "ms  stdin was closed\n"]);
    // Where a step follows it is that which the target is to leave for.
    let script = "trap 'exit 3' TERM; read it; echo early; while :; do sleep 0.01; done";
    let plan = program("sh").args(["-c", script]).write_stdin_after("text\n", ms(0));
    let exit = plan.signal_when(SIGTERM, Ready::stdout("early")).cleanup_skipped("early").code(3);
    assert!(!deliveries(&exit).contains(&&closed));
}
