//! Reports have colours where somebody reads them at a terminal, and nowhere else.

use exeunt::prelude::*;

use crate::process::{inner_test, inner_variable, own_executable};
use crate::support::needs;

const COLOURED: &str = "  \u{1b}[1m\u{1b}[31mhappened:\u{1b}[0m exit code 3";
const PLAIN: &str = "  happened: exit code 3";

/// A test that fails, at a terminal.
fn failing() -> ExitTest {
    inner_test("locations::inner").pty().env("TERM", "xterm").env_remove("NO_COLOR")
}

#[test]
fn a_report_is_coloured_at_a_terminal_unless_it_is_told_not_to_be() {
    for plan in [failing(), failing().env("NO_COLOR", "")] {
        plan.code(101).stdout(predicate::str::contains(COLOURED));
    }
    for plan in [failing().env("NO_COLOR", "1"), failing().env("TERM", "dumb")] {
        plan.code(101).stdout(predicate::str::contains(PLAIN));
    }
    // Nor is it anywhere else.
    inner_test("locations::inner").env("TERM", "xterm").stderr(predicate::str::contains(PLAIN));
}

#[test]
fn what_the_runner_prints_to_a_file_has_no_colours() {
    // It prints what a test that failed has said to its stdout, though stderr is the terminal.
    let Some(sh) = needs("sh") else { return };
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let (name, value) = inner_variable();
    let runner = program(sh).args(["-c", r#"exec "$1" locations::inner --exact --ignored > "$0""#]);
    let runner = runner.arg(&log).arg(own_executable()).env(name, value).env("TERM", "xterm");
    runner.env_remove("NO_COLOR").env_remove("RUST_TEST_NOCAPTURE").pty().code(101);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(PLAIN), "{log:?}");
}
