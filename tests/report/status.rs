//! A status that is not the expected one: a code, a signal, the one for the other, an end that did not
//! come.

use std::process::exit;

use exeunt::prelude::*;

use crate::support::report_at_a_deadline;
use crate::{normal, normal_report_of};

#[test]
fn a_wrong_code_of_a_program_is_shown_with_its_timeline_and_both_streams() {
    let plan = || program("sh").args(["-c", "echo out; echo err >&2; exit 3"]);
    let exit = plan().code(3);
    let report = normal_report_of(|| exit.code(4));
    // Which of two lines was read first is a matter of microseconds.
    let (out, err) = ("    N ms  stdout: out\n", "    N ms  stderr: err\n");
    let lines = if report.contains(&[out, err].concat()) { [out, err] } else { [err, out] }.concat();
    assert_eq!(
        report,
        [
            "`sh -c \"echo out; echo err >&2; exit 3\"`: not the expected exit\n  expected: exit code 4\n  happened: \
             exit code 3, N ms after its start\n  timeline:\n    N ms  started, process N\n",
            &lines,
            "    N ms  ended: exit code 3\n  stdout (4 bytes):\n    out\n  stderr (4 bytes):\n    err",
        ]
        .concat()
    );
}

#[test]
fn a_wrong_code_of_a_function_says_how_it_left() {
    let report = normal_report_of(|| assert_exit(|| exit(3)).code(0));
    assert_eq!(
        report,
        "function `report::status::a_wrong_code_of_a_function_says_how_it_left`: not the expected exit
  expected: exit code 0
  happened: exit code 3, N ms after its start; the function called `exit`
  timeline:
    N ms  started, process N
    N ms  ended: exit code 3
  stdout: empty
  stderr: empty"
    );
}

#[test]
fn a_wrong_signal_names_both() {
    let report = normal_report_of(|| program("sh").args(["-c", "kill -USR1 $$"]).killed_by(SIGTERM));
    assert_eq!(
        report,
        "`sh -c \"kill -USR1 $$\"`: not the expected exit
  expected: killed by SIGTERM (15)
  happened: killed by SIGUSR1 (10), N ms after its start
  timeline:
    N ms  started, process N
    N ms  ended: killed by SIGUSR1 (10)
  stdout: empty
  stderr: empty"
    );
}

#[test]
fn a_signal_where_a_code_was_expected_is_told_with_what_was_sent() {
    let plan = program("sleep").arg("600").signal_after(SIGTERM, ms(0));
    let report = normal_report_of(|| plan.code(143));
    assert_eq!(
        report,
        "`sleep 600`: not the expected exit
  expected: exit code 143
  happened: killed by SIGTERM (15), N ms after SIGTERM (15) was sent
  hint: SIGTERM (15) had its default action: the target had installed no handler when it was sent. If it installs \
         one later, wait for that with `.ready_when(Ready::handler(SIGTERM))`
  timeline:
    N ms  started, process N
    N ms  SIGTERM (15) sent, which had its default action: no handler was installed
    N ms  ended: killed by SIGTERM (15)
  stdout: empty
  stderr: empty"
    );
}

#[test]
fn a_code_where_a_signal_was_expected_is_told_as_a_code() {
    let report = normal_report_of(|| program("sh").args(["-c", "exit 15"]).killed_by(SIGTERM));
    assert_eq!(
        report,
        "`sh -c \"exit 15\"`: not the expected exit
  expected: killed by SIGTERM (15)
  happened: exit code 15, N ms after its start
  timeline:
    N ms  started, process N
    N ms  ended: exit code 15
  stdout: empty
  stderr: empty"
    );
}

#[test]
fn a_panic_is_told_with_its_message_and_place() {
    let plan = assert_exit(|| panic!("no such file:\n  x.toml"));
    let line = line!() - 1;
    let report = normal_report_of(|| plan.env("RUST_BACKTRACE", "0").success());
    let place = format!("tests/report/status.rs:{line}:31");
    let expected = format!(
        "function `report::status::a_panic_is_told_with_its_message_and_place`: not the expected exit
  expected: success (exit code 0)
  happened: exit code 101, N ms after its start; the function panicked at {place}:
            no such file:
              x.toml
  timeline:
    N ms  started, process N
"
    );
    assert!(report.starts_with(&expected), "{report}");
}

#[test]
fn a_deadline_that_struck_is_told_with_what_was_still_running() {
    let fails = |deadline| program("sleep").arg("600").timeout(deadline).success();
    assert_eq!(
        normal(&report_at_a_deadline(fails, "waits in clock_nanosleep")),
        "`sleep 600`: not the expected exit
  expected: success (exit code 0)
  happened: still running after N ms, ended by the harness
  timeline:
    N ms  started, process N
    N ms  the harness gave up waiting
    N ms  ended: still running after N ms, ended by the harness
  still running:
    process N: sleep 600
      thread N (sleep) waits in clock_nanosleep
  stdout: empty
  stderr: empty"
    );
}

#[test]
fn what_was_left_behind_is_listed() {
    let script =
        r#"sleep 600 & until [ "$(tr '\0' ' ' < /proc/$!/cmdline)" = "sleep 600 " ]; do :; done; exit 3"#;
    let report = normal_report_of(|| program("sh").args(["-c", script]).success());
    let (_, left) = report.split_once("  left behind and killed: ").expect("a list");
    // It may be found before it sleeps.
    let left = left.replace("state R", "state S");
    let age = left.strip_prefix("1 process\n    N (parent N, state S, ");
    let age = age.and_then(|rest| rest.strip_suffix(" old): sleep 600"));
    assert!(age.is_some_and(|age| age.ends_with("ms") || age.ends_with(" s")), "{left}");
}

#[test]
fn marks_guards_and_hooks_are_on_the_timeline() {
    let report = normal_report_of(|| {
        let plan = assert_exit(|| {
            probe::mark("begun");
            probe::at_exit("hook");
            let _guard = probe::on_drop("guard");
        });
        plan.failure()
    });
    assert_eq!(
        report,
        "function `report::status::marks_guards_and_hooks_are_on_the_timeline`: not the expected exit
  expected: failure (an exit code that is not 0, or a signal)
  happened: exit code 0, N ms after its start; the function returned
  timeline:
    N ms  started, process N
    N ms  mark: begun
    N ms  guard armed: guard
    N ms  guard dropped: guard
    N ms  exit hook: hook
    N ms  ended: exit code 0
  stdout: empty
  stderr: empty"
    );
}
