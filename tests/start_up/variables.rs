//! `EXEUNT_LAUNCHER` and `EXEUNT_FUNCTION`, by which the test binary knows what it is to be, set by
//! somebody else: the run is refused with the cause. Above all the binary does not take itself for a
//! launcher, or run its tests in its stead: that would be a fork bomb.

use exeunt::prelude::*;

use crate::process::{inner_test, is_inner};

const REFUSED: &str = "this process was started with EXEUNT_LAUNCHER or EXEUNT_FUNCTION in its environment";

#[test]
#[ignore = "other tests run it"]
fn runs_a_program_and_a_function() {
    if !is_inner() {
        return;
    }
    program("true").success();
    assert_exit(|| ()).returned();
    println!("both ran");
}

#[test]
#[ignore = "other tests run it"]
fn runs_nothing() {
    if is_inner() {
        println!("nothing ran");
    }
}

/// The values that a mistake or malice may give: none, some text, the numbers of descriptors.
const VALUES: [&str; 6] = ["", "1", "garbage", "0:1:2", "0:0:0", "99999999999:-1:3"];

#[test]
fn a_variable_of_the_harness_that_somebody_else_set_is_refused_with_its_name() {
    for variable in ["EXEUNT_LAUNCHER", "EXEUNT_FUNCTION"] {
        for value in VALUES {
            inner_test("variables::runs_a_program_and_a_function")
                .env(variable, value)
                .code(101)
                .stderr(predicate::str::contains(REFUSED))
                .stdout(predicate::str::contains("both ran").not());
        }
    }
    inner_test("variables::runs_a_program_and_a_function")
        .success()
        .stdout(predicate::str::contains("both ran"));
}

#[test]
fn a_test_that_runs_nothing_does_not_mind_the_variables() {
    for value in VALUES {
        inner_test("variables::runs_nothing")
            .env("EXEUNT_LAUNCHER", value)
            .env("EXEUNT_FUNCTION", value)
            .success()
            .stdout(predicate::str::contains("nothing ran"));
    }
}

isolated! {
    #[test]
    fn a_target_sees_no_variable_of_the_harness_but_that_of_the_mark_file() {
        // This process was started with two of them.
        assert!(std::env::var_os("RUSTY_FORK_OCCURS").is_some());
        assert!(std::env::var_os("EXEUNT_ISOLATED").is_some());
        let names = r"s/^\(EXEUNT_\(LAUNCHER\|FUNCTION\|PROBE\|ISOLATED\)\|RUSTY_FORK_[A-Z]*\)=.*/\1/p";
        let seen = || program("sh").args(["-c", r#"env | sed -n "$0" | sort"#, names]);
        seen().stdout("EXEUNT_PROBE\n");
        // The control: one that is set on purpose is seen.
        seen().env("EXEUNT_LAUNCHER", "x").stdout("EXEUNT_LAUNCHER\nEXEUNT_PROBE\n");
    }
}
