//! A body that is left by its end, by `return` or by `?`, with whatever `main` may return.

use std::convert::Infallible;
use std::error::Error;
use std::process::{ExitCode, Termination, exit};

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn falling_off_the_end_is_a_return() {
    let exit = assert_exit(|| {}).returned().success().hooks_ran();
    assert_eq!(exit.how(), Some(&How::Returned));
    fails_with(|| exit.clone().panicked(), &["expected: the function panics", "the function returned"]);
    fails_with(|| exit.exited_immediately(), &["without exit hooks", "the function returned"]);
}

#[test]
fn an_early_return_is_a_return() {
    assert_exit_with(true, |early| {
        if early {
            return;
        }
        exit(3)
    })
    .returned()
    .success();
    let late = assert_exit_with(false, |early| {
        if early {
            return;
        }
        exit(3)
    });
    fails_with(
        || late.returned(),
        &["expected: the function returns", "happened: exit code 3", "the function called `exit`"],
    );
}

#[test]
fn exit_zero_is_no_return() {
    let exit = assert_exit(|| exit(0)).success();
    assert_eq!(exit.how(), Some(&How::Exited));
    fails_with(|| exit.clone().returned(), &["happened: exit code 0", "the function called `exit`"]);
    fails_with(|| exit.exited_immediately(), &["the function called `exit`"]);
}

fn parses(text: &str) -> Result<i32, Box<dyn Error>> {
    Ok(text.parse::<i32>()?)
}

#[test]
fn a_question_mark_ends_as_it_would_from_main() {
    let exit = assert_exit(|| -> Result<(), Box<dyn Error>> {
        parses("no number")?;
        exit(3)
    })
    .returned()
    .code(1)
    .stdout("")
    .stderr("Error: ParseIntError { kind: InvalidDigit }\n");
    fails_with(
        || exit.clone().success(),
        &["happened: exit code 1", "the function returned", "Error: Parse"],
    );
    fails_with(|| exit.panicked(), &["expected: the function panics", "the function returned"]);
    let fine = assert_exit(|| parses("7").map(|_| ())).returned().success().stderr("");
    fails_with(|| fine.code(1), &["happened: exit code 0"]);
}

#[test]
fn an_exit_code_that_is_returned_is_the_code() {
    for code in [0, 1, 7, 101, 255] {
        let exit = assert_exit_with(code, ExitCode::from).returned().code(i32::from(code));
        fails_with(|| exit.code(66), &[&format!("happened: exit code {code}, "), "the function returned"]);
    }
    assert_exit(|| ExitCode::FAILURE).returned().code(1).stderr("");
    assert_exit(|| Ok::<_, String>(ExitCode::from(9))).returned().code(9);
    assert_exit(|| Err::<ExitCode, _>("broken".to_owned())).returned().code(1).stderr("Error: \"broken\"\n");
}

#[test]
fn a_returned_101_is_no_panic() {
    let exit = assert_exit(|| ExitCode::from(101)).returned().code(101);
    fails_with(|| exit.panicked(), &["happened: exit code 101", "the function returned"]);
}

#[test]
fn a_value_that_reports_itself_is_still_the_functions_body() {
    struct Breaks;
    impl Termination for Breaks {
        fn report(self) -> ExitCode {
            panic!("no report today")
        }
    }
    let exit = assert_exit(|| Breaks).panicked_with("no report today").code(101);
    fails_with(|| exit.returned(), &["the function panicked", "no report today"]);
}

#[test]
fn a_function_that_never_returns_is_taken_too() {
    fn leaves() -> ! {
        exit(4)
    }
    fn cannot_return() -> Infallible {
        exit(5)
    }
    assert_exit(leaves).code(4);
    assert_exit(cannot_return).code(5);
    fails_with(|| assert_exit(leaves).returned(), &["body::returns", "happened: exit code 4"]);
}

#[test]
fn what_main_leaves_in_stdouts_buffer_arrives_on_return_and_exit() {
    assert_exit(|| print!("half a line")).returned().stdout("half a line");
    assert_exit(|| {
        print!("half a line");
        exit(0)
    })
    .stdout("half a line");
    let immediately = assert_exit(|| {
        print!("half a line");
        // SAFETY: it ends the process.
        unsafe { libc::_exit(0) }
    });
    fails_with(|| immediately.stdout("half a line"), &["of stdout", "stdout: empty"]);
}
