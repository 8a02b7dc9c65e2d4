//! A target that hangs in an exit hook at the deadline: also a program is told from one that hangs
//! elsewhere, by what its stacks show.

use std::time::Duration;

use exeunt::prelude::*;

use crate::programs::c_program;
use crate::support::report_of;

const TOLD: &str = "  still running:\n    the target has called `exit` or returned from `main`, and is in an exit hook or in its last \
                    flush\n";

/// Long enough for the program to have come to where it hangs; the longer ones only where it did not.
const PATIENCE: [Duration; 3] = [ms(300), secs(3), secs(15)];

/// The report of a target that hangs, once it has said so.
#[track_caller]
fn report_of_a_hang(plan: impl Fn() -> ExitTest) -> String {
    let mut report = String::new();
    for patience in PATIENCE {
        report = report_of(|| plan().timeout(patience).code(3));
        if report.contains("stderr: here it hangs\n") {
            return report;
        }
    }
    panic!("it did not come to where it hangs:\n{report}")
}

#[test]
fn a_program_that_hangs_in_an_exit_hook_is_told_from_one_that_hangs_before() {
    let Some(_) = c_program("exit_hooks.c") else { return };
    let hangs =
        |place: &str| report_of_a_hang(|| c_program("exit_hooks.c").expect("it was compiled").arg(place));
    for place in ["exit", "return", "thread"] {
        let report = hangs(place);
        assert!(report.contains(TOLD), "{place}:\n{report}");
    }
    let report = hangs("before");
    assert!(report.contains("  still running:\n    process "), "{report}");
    assert!(!report.contains("exit hook"), "{report}");
}

#[test]
fn a_python_program_that_hangs_in_its_own_hooks_has_not_called_exit() {
    // Python runs them at the end of its interpreter, which comes before.
    const SCRIPT: &str = "import atexit, signal, sys
atexit.register(lambda: (sys.stderr.write('here it hangs\\n'), sys.stderr.flush(), signal.pause()))";
    let Some(_) = crate::programs::python() else { return };
    let python = || crate::programs::python().expect("it was there a moment ago");
    let report = report_of_a_hang(|| python().args(["-c", SCRIPT]));
    assert!(!report.contains("exit hook or"), "{report}");
    // A hook of the C library is one in a Python program as well.
    const LIBRARY: &str = "import ctypes, os
library = ctypes.CDLL(None)
os.write(2, b'here it hangs\\n')
library.on_exit(library.pause, None)
library.exit(3)";
    let report = report_of_a_hang(|| python().args(["-c", LIBRARY]));
    assert!(report.contains(TOLD), "{report}");
}
