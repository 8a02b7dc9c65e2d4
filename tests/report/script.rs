//! A script that was not carried out, and a target that could not be started: an error in its own words,
//! never dressed up as an exit.

use exeunt::prelude::*;

use crate::support::{report_at_a_deadline, report_of};
use crate::{normal, normal_report_of};

#[test]
fn a_target_that_ended_before_its_signal_is_told_with_its_ending() {
    let plan = || program("sh").args(["-c", "exit 3"]).signal_after(SIGTERM, secs(60));
    assert_eq!(
        normal_report_of(|| plan().code(3)),
        "`sh -c \"exit 3\"`: the script was not carried out
  not reached: SIGTERM (15) after 60 s, due N ms after the start
  because: the target had ended N ms after the start: exit code 3 (`allow_early_end` accepts that)
  happened: exit code 3, N ms after its start
  timeline:
    N ms  started, process N
    N ms  ended: exit code 3
  stdout: empty
  stderr: empty"
    );
    plan().allow_early_end().code(3);
}

#[test]
fn a_target_that_was_never_ready_is_told_with_what_it_printed_instead() {
    let plan = |words: &str| {
        let script = format!("echo {words}; exec sleep 600");
        program("sh")
            .args(["-c", &script])
            .ready_when(Ready::stdout("listening"))
            .signal_after(SIGTERM, ms(0))
    };
    let fails = |deadline| plan("cannot bind").timeout(deadline).success();
    assert_eq!(
        normal(&report_at_a_deadline(fails, "waits in clock_nanosleep")),
        "`sh -c \"echo cannot bind; exec sleep 600\"`: the script was not carried out
  not reached: readiness (stdout contains \"listening\")
  because: the deadline came before
  gate: stdout contains \"listening\": not among the 12 bytes of stdout that came since the gate before
  happened: still running after N ms, ended by the harness
  timeline:
    N ms  started, process N
    N ms  stdout: cannot bind
    N ms  the harness gave up waiting
    N ms  ended: still running after N ms, ended by the harness
  still running:
    process N: sleep 600
      thread N (sleep) waits in clock_nanosleep
  stdout (12 bytes):
    cannot bind
  stderr: empty"
    );
    plan("listening").killed_by(SIGTERM);
}

#[test]
fn a_program_that_is_not_there_is_no_exit_code_127() {
    let report = report_of(|| program("/no/such/program").code(127));
    assert_eq!(report, "could not start `/no/such/program`: No such file or directory (os error 2)");
}
