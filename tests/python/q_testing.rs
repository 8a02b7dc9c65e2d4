//! Q: testing exits the usual way.

use exeunt::prelude::*;

use crate::page::Verdict::Holds;
use crate::page::settle;
use crate::support::{fails_with, fixture};
use crate::{marks, python, python_with_packages};

#[test]
fn q01_assertraises_sees_the_code_of_sys_exit_and_an_immediate_exit_ends_the_runner_with_its_own() {
    settle(
        "Q1",
        "`assertRaises(SystemExit)` in-process sees the code of `sys.exit` and misses `os._exit`, which ends the test \
         runner itself.",
        Holds,
        |findings| {
            let runners: [(&str, &[&str], &str); 2] = [
                ("unittest", &["-m", "unittest"], "FAILED (failures=1, skipped=1)"),
                (
                    "pytest",
                    &["-m", "pytest", "-q", "-p", "no:cacheprovider"],
                    "1 failed, 1 passed, 1 skipped",
                ),
            ];
            for (name, flags, verdict) in runners {
                let plan = || {
                    let plan = python_with_packages(flags, "exits_under_test.py", [])?;
                    Some(plan.current_dir(fixture("python")))
                };
                let exit = plan()?.code(1).flushed(verdict);
                findings.saw(name, &exit);
                // Nothing says that the other tests were not run, and one of them fails.
                for code in [0, 7] {
                    let exit =
                        plan()?.env("IMMEDIATELY", code.to_string()).code(code).not_flushed("1 failed");
                    let exit = exit.not_flushed("FAILED").not_flushed("Ran ");
                    fails_with(|| exit.clone().flushed(verdict), &["is flushed to stdout or stderr"]);
                    findings.saw(&format!("{name}, and a test that comes to `os._exit({code})`"), &exit);
                }
            }
            Some(())
        },
    );
}

#[test]
fn q02_subprocess_sees_both_and_negative_numbers_for_signals() {
    settle("Q2", "`subprocess` sees both, and negative numbers for signals.", Holds, |findings| {
        let exit = python("exits_of_children.py", [])?.code(0);
        let seen = ["sys.exit(3) is 3", "os._exit(4) is 4", "SIGTERM is -15", "os.abort() is -6"];
        assert_eq!(marks(&exit), seen);
        fails_with(|| exit.clone().cleanup_ran("SIGTERM is 15"), &["there is no evidence"]);
        findings.saw("four ways", &exit);
        Some(())
    });
}
