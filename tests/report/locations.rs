//! A failing assertion is reported at the line of the user's call, whichever assertion it is and for
//! whatever reason it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use exeunt::prelude::*;

use crate::process::{inner_test, is_inner};

/// Where the last panic was: file and line.
static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);

/// Asserts that `assertion`, whose call is on this line, fails there.
fn fails_at<T>(line: u32, assertion: impl FnOnce() -> T) {
    *PLACE.lock().unwrap() = None;
    assert!(catch_unwind(AssertUnwindSafe(assertion)).is_err(), "line {line} does not fail");
    assert_eq!(PLACE.lock().unwrap().take(), Some((file!().to_owned(), line)));
}

fn note_places() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| (place.file().to_owned(), place.line()));
        *PLACE.lock().unwrap() = place;
    }));
}

isolated! {
    #[test]
    fn every_assertion_on_facts_fails_at_the_line_of_its_call() {
        let exit = || assert_exit(|| std::process::exit(3)).run().unwrap();
        note_places();
        fails_at(line!(), || exit().code(4));
        fails_at(line!(), || exit().code(256));
        fails_at(line!(), || exit().success());
        fails_at(line!(), || assert_exit(|| ()).run().unwrap().failure());
        fails_at(line!(), || exit().killed_by(SIGTERM));
        fails_at(line!(), || exit().aborted());
        fails_at(line!(), || exit().core_dumped());
        fails_at(line!(), || exit().timed_out());
        fails_at(line!(), || exit().still_running_after(secs(600)));
        fails_at(line!(), || exit().returned());
        fails_at(line!(), || exit().panicked());
        fails_at(line!(), || exit().panicked_with("on purpose"));
        fails_at(line!(), || exit().exited_immediately());
        fails_at(line!(), || program("true").run().unwrap().hooks_ran());
        fails_at(line!(), || exit().stdout("some"));
        fails_at(line!(), || exit().stderr("some"));
        fails_at(line!(), || exit().flushed("some"));
        fails_at(line!(), || exit().not_flushed(""));
        fails_at(line!(), || exit().cleanup_ran("some"));
        fails_at(line!(), || exit().cleanup_skipped(""));
        fails_at(line!(), || exit().dropped("some"));
        fails_at(line!(), || exit().not_dropped("some"));
        fails_at(line!(), || exit().within(ms(0)));
    }
}

isolated! {
    #[test]
    fn a_chain_fails_at_the_line_of_the_assertion_that_does_not_hold() {
        note_places();
        let first = line!() + 3;
        let chain = || {
            assert_exit(|| std::process::exit(3))
                .code(3)
                .stdout("")
                .success()
        };
        fails_at(first + 2, chain);
    }
}

isolated! {
    #[test]
    fn a_run_that_failed_is_reported_at_the_line_of_the_first_assertion() {
        note_places();
        fails_at(line!(), || program("/no/such/program").success());
        fails_at(line!(), || program("true").timeout(ms(0)).success());
        fails_at(line!(), || program("true").signal_after(SIGTERM, secs(600)).success());
        fails_at(line!(), || program("true").ready_when(Ready::stdout("up")).code(0));
        fails_at(line!(), || cargo_bin("no-such-program-of-ours").success());
        fails_at(line!(), || assert_exit(|| ()).current_dir("/no/such/directory").returned());
    }
}

isolated! {
    #[test]
    fn an_assertion_in_a_helper_with_track_caller_fails_at_the_helpers_call() {
        #[track_caller]
        fn leaves_in_order(exit: Exit) -> Exit {
            exit.code(0)
        }
        let exit = assert_exit(|| std::process::exit(3)).run().unwrap();
        note_places();
        fails_at(line!(), || leaves_in_order(exit));
    }
}

#[test]
#[ignore = "another test runs it"]
fn inner() {
    if is_inner() {
        assert_exit(|| std::process::exit(3)).success();
    }
}

/// The line of the assertion above, as the test runner prints it.
#[test]
fn the_runner_prints_the_line_of_the_call() {
    let source = std::fs::read_to_string(crate::support::fixture("../tests/report/locations.rs")).unwrap();
    let line = source.lines().position(|line| line.ends_with("exit(3)).success();")).unwrap() + 1;
    let column = "        assert_exit(|| std::process::exit(3)).".len() + 1;
    let exit = inner_test("locations::inner").env("RUST_BACKTRACE", "0").code(101);
    let place = format!(" panicked at {}:{line}:{column}:\nfunction `", file!());
    exit.stderr(predicate::str::contains(place));
}
