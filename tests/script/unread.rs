//! Output that nobody reads: for a while, or any more.

use exeunt::{Delivery, StandardStream, prelude::*};
use std::io::Write;

use crate::deliveries;
use crate::support::{fails_at_a_deadline, fails_with};

#[test]
fn a_program_dies_of_sigpipe_when_its_reader_is_gone() {
    let plan = || program("yes").close_stdout_when(Ready::stdout("y\ny\n"));
    let exit = plan().killed_by(SIGPIPE);
    assert_eq!(deliveries(&exit), [&Delivery::Closed { stream: StandardStream::Stdout }]);
    assert!(exit.stdout_text().starts_with("y\ny\n"));
    fails_with(
        || plan().capture_limit(100).success(),
        &["killed by SIGPIPE (13), ", "after the reader of stdout went away", "the script had closed"],
    );
}

#[test]
fn a_rust_function_gets_an_error_instead() {
    let plan = || {
        assert_exit(|| {
            loop {
                if let Err(error) = std::io::stdout().write_all(b"line\n") {
                    std::process::exit(if error.kind() == std::io::ErrorKind::BrokenPipe { 5 } else { 6 });
                }
            }
        })
        .close_stdout_when(Ready::stdout("line"))
    };
    plan().code(5).within(secs(20));
    fails_with(|| plan().capture_limit(100).killed_by(SIGPIPE), &["happened: exit code 5"]);
}

#[test]
fn stderr_goes_alone() {
    let script = "echo kept; read it; echo lost >&2; echo $? ; trap '' PIPE; echo lost 2> /dev/null >&2; echo still here";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .close_stderr_when(Ready::stdout("kept"))
            .write_stdin_after("\n", ms(0))
    };
    plan().killed_by(SIGPIPE).stdout("kept\n").stderr("");
    let open = program("sh").args(["-c", script]).write_stdin_when("\n", Ready::stdout("kept"));
    open.stderr("lost\n").success();
}

#[test]
fn what_was_written_before_the_reader_went_is_kept() {
    let plan = || program("sh").args(["-c", "echo one; echo two; exec sleep 1000"]);
    let plan = || plan().close_stdout_when(Ready::stdout("two")).signal_after(SIGTERM, ms(0));
    for _ in 0..20 {
        plan().stdout("one\ntwo\n").killed_by(SIGTERM);
    }
    fails_with(|| plan().stdout("one\n"), &["+two"]);
}

#[test]
fn a_writer_waits_while_nobody_reads_and_goes_on_when_somebody_does() {
    let script = "echo ready; read it; head -c 1000000 /dev/zero; echo done >&2";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .pause_stdout_when(Ready::stdout("ready"))
            .write_stdin_after("\n", ms(0))
    };
    // It does not come to its end while nobody reads.
    fails_at_a_deadline(
        |deadline| plan().signal_when(SIGTERM, Ready::stderr("done")).timeout(deadline).success(),
        "write on descriptor 1",
        &["not reached: SIGTERM (15) when stderr contains \"done\"", "the reader of stdout paused"],
    );
    let exit = plan().resume_stdout_after(ms(200)).stderr("done\n").success();
    assert!(exit.duration() >= ms(200));
    assert_eq!(exit.stdout_bytes().len(), 1_000_006);
    assert!(matches!(deliveries(&exit)[..], [Delivery::Paused { .. }, _, Delivery::Resumed { .. }]));
}

#[test]
fn a_writer_to_stderr_waits_as_well_and_stdout_is_read_meanwhile() {
    let script = "echo ready; read it; echo before; head -c 1000000 /dev/zero >&2; echo done";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .pause_stderr_when(Ready::stdout("ready"))
            .write_stdin_after("\n", ms(0))
    };
    fails_with(
        || plan().signal_when(SIGTERM, Ready::stdout("done")).timeout(ms(1500)).success(),
        &["the reader of stderr paused", "stdout contains \"done\"", "write on descriptor 1"],
    );
    let exit = plan().resume_stderr_when(Ready::stdout("before")).stdout("ready\nbefore\ndone\n").success();
    assert_eq!(exit.stderr_bytes().len(), 1_000_000);
    let stream = StandardStream::Stderr;
    let [paused, _, resumed] = deliveries(&exit)[..] else { panic!("{:#?}", exit.timeline()) };
    assert_eq!((paused, resumed), (&Delivery::Paused { stream }, &Delivery::Resumed { stream }));
    plan().resume_stderr_after(ms(50)).stdout("ready\nbefore\ndone\n").success();
}

#[test]
fn what_was_not_read_by_then_is_read_after_the_end() {
    let script = "echo ready; read it; echo more; exit 3";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .pause_stdout_when(Ready::stdout("ready"))
            .write_stdin_after("\n", ms(0))
    };
    plan().stdout("ready\nmore\n").code(3);
    fails_with(|| plan().stdout("ready\n"), &["+more"]);
}

/// Says that it cleaned up before it is told to leave, while nobody reads.
fn says_it_too_early() -> ExitTest {
    let script = r#"
        trap 'exit 0' TERM
        echo ready; read it; echo cleaned up; echo said >> "$EXEUNT_PROBE"
        while :; do sleep 0.01; done"#;
    let plan = program("sh").args(["-c", script]).pause_stdout_when(Ready::stdout("ready"));
    plan.write_stdin_after("\n", ms(0))
}

#[test]
fn what_was_written_before_the_signal_is_no_evidence_though_it_is_read_after() {
    let plan = || says_it_too_early().signal_when(SIGTERM, Ready::mark("said"));
    plan().cleanup_skipped("cleaned up").code(0);
    fails_with(|| plan().cleanup_ran("cleaned up"), &["but before SIGTERM (15) was sent"]);
    let resumed = || plan().resume_stdout_when(Ready::delay(ms(0))).allow_early_end();
    fails_with(|| resumed().cleanup_ran("cleaned up"), &["but before SIGTERM (15) was sent"]);
}

#[test]
fn what_was_written_before_a_paused_reader_went_is_kept() {
    let plan = || {
        let plan = says_it_too_early().close_stdout_when(Ready::mark("said"));
        plan.signal_after(SIGTERM, ms(0))
    };
    plan().stdout("ready\ncleaned up\n").code(0);
    // And it was written before the reader went.
    fails_with(|| plan().cleanup_ran("cleaned up"), &["but before the reader of stdout went away"]);
}
