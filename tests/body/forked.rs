//! A body in a copy of the test process: what it may capture, and where it is refused.

use std::cell::Cell;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::atomic::{AtomicU32, Ordering};

use exeunt::prelude::*;

use crate::support::{again, fails_with};

exeunt::isolated! {
    #[test]
    fn a_capture_by_reference_is_seen() {
        let words = ["kept".to_owned(), "by the test".to_owned()];
        let code = 40 + 2;
        let exit = assert_exit_forked(|| {
            println!("{}", words.join(" "));
            exit(code)
        })
        .code(42)
        .stdout("kept by the test\n");
        assert_eq!(exit.how(), Some(&How::Exited));
        fails_with(|| exit.code(0), &["forked::", "a_capture_by_reference_is_seen", "happened: exit code 42"]);
        assert_eq!(words.len(), 2);
    }

    #[test]
    fn what_the_copy_changes_the_test_does_not_see() {
        let count = Cell::new(1);
        assert_exit_forked(|| {
            count.set(count.get() + 1);
            assert_eq!(count.get(), 2);
        })
        .returned()
        .success();
        assert_eq!(count.get(), 1);
        let wrong = assert_exit_forked(|| assert_eq!(count.get(), 2, "the copy has the test's value"));
        fails_with(|| wrong.success(), &["the copy has the test's value", "tests/body/forked.rs:"]);
    }

    #[test]
    fn the_copy_is_made_at_the_call() {
        let count = Cell::new(1);
        let plan = assert_exit_forked(|| exit(count.get()));
        count.set(7);
        let ended = plan.code(1);
        fails_with(|| ended.code(7), &["happened: exit code 1"]);
        assert_exit_forked(|| exit(count.get())).code(7);
    }

    #[test]
    fn what_is_moved_in_is_dropped_in_the_copy_and_not_in_the_test() {
        static DROPS_HERE: AtomicU32 = AtomicU32::new(0);
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                DROPS_HERE.fetch_add(1, Ordering::Relaxed);
                probe::mark("dropped");
            }
        }
        let guard = Guard;
        let ended = assert_exit_forked(move || drop(guard)).returned().cleanup_ran("dropped");
        assert_eq!(DROPS_HERE.load(Ordering::Relaxed), 0, "the test has dropped what moved away");
        fails_with(|| ended.cleanup_skipped("dropped"), &["it ran: a mark was made"]);
        let guard = Guard;
        assert_exit_forked(move || {
            let _guard = &guard;
            exit(0)
        })
        .cleanup_skipped("dropped");
        assert_eq!(DROPS_HERE.load(Ordering::Relaxed), 0, "the test has dropped what moved away");
        // The control: a guard that stays is dropped here.
        drop(Guard);
        assert_eq!(DROPS_HERE.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_ways_of_leaving_are_told_as_for_any_function() {
        let text = "with a text".to_owned();
        let panicked = assert_exit_forked(|| panic!("{text}")).panicked_with("with a text").code(101);
        let Some(How::Panicked { location: Some(location), .. }) = panicked.how() else {
            panic!("no place: {:?}", panicked.how())
        };
        assert!(location.starts_with("tests/body/forked.rs:"), "{location}");
        fails_with(|| panicked.clone().returned(), &["the function panicked at tests/body/forked.rs:"]);
        panicked.stderr(predicate::str::contains("thread 'main' ("));
        let code = 3;
        let immediate = assert_exit_forked(|| {
            print!("lost with {code}");
            // SAFETY: it ends the process.
            unsafe { libc::_exit(code) }
        })
        .code(3)
        .exited_immediately()
        .not_flushed("lost");
        fails_with(|| immediate.hooks_ran(), &["they were skipped"]);
        let returned = assert_exit_forked(|| Err::<(), _>(text.clone())).returned().code(1);
        fails_with(|| returned.stderr(""), &["of stderr", "Error: \"with a text\""]);
    }

    #[test]
    fn open_files_of_the_test_are_at_hand() {
        use std::io::{Read, Write};
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        assert_exit_forked(move || (&theirs).write_all(b"from the copy").unwrap()).returned();
        // `theirs` was moved into the copy and is still open here: read what there is, not to the end.
        let mut text = [0; 13];
        ours.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"from the copy");
        // A fresh process has its three streams, and the directory that is being read.
        let fresh = assert_exit(|| {
            let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
            assert!(open > 4, "nothing of the test's is open here");
        });
        fails_with(|| fresh.success(), &["nothing of the test's is open here"]);
    }

    #[test]
    fn what_the_test_has_printed_and_not_flushed_is_not_the_copys() {
        let word = "the copy's";
        print!("the test's, ");
        let exit = assert_exit_forked(|| print!("{word}")).stdout("the copy's");
        fails_with(|| exit.stdout("the test's, the copy's"), &["of stdout", "the copy's"]);
        println!("flushed");
    }

    #[test]
    fn a_forked_function_takes_no_arguments() {
        assert_exit_forked(|| ()).success();
        fails_with(
            || assert_exit_forked(|| ()).arg("-v").success(),
            &["a forked copy of the test process has its arguments already"],
        );
    }

    #[test]
    fn a_plan_that_is_not_carried_out_leaves_no_process() {
        let plan = assert_exit_forked(|| ());
        assert_ne!(children(), "", "the control: the copy is there from the call on");
        drop(plan);
        assert_eq!(children(), "");
    }
}

fn children() -> String {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap());
    lists.collect::<Vec<_>>().join("")
}

/// What the tests below run in a process whose test runner has other arguments.
mod specimens {
    use super::{Ordering, assert_exit_forked};
    use exeunt::ExitAssert;

    #[test]
    #[ignore = "a specimen, for the tests of `forked`"]
    fn forks_beside_other_threads() {
        let code = i32::try_from(std::env::args_os().count()).unwrap();
        let number = std::sync::atomic::AtomicI32::new(code);
        let exit = assert_exit_forked(|| {
            println!("printed by the copy");
            std::process::exit(number.load(Ordering::Relaxed))
        })
        .code(code);
        println!("{:?} came of it", exit.stdout_text());
    }

    /// A second one, so that the runner has a reason to use threads.
    #[test]
    #[ignore = "a specimen, for the tests of `forked`"]
    fn forks_too() {
        forks_beside_other_threads();
    }
}

const REFUSAL: [&str; 4] = [
    "`assert_exit_forked` copies the test process",
    "isolated! {",
    "--test-threads=1",
    "use `assert_exit`, which starts a fresh process",
];

#[test]
fn it_is_refused_where_other_tests_run_beside() {
    let refused = || again(["--ignored", "forked::specimens", "--test-threads=4"]);
    let mut exit = refused().code(101).stdout(predicate::str::contains("0 passed; 2 failed"));
    for text in REFUSAL {
        exit = exit.stdout(predicate::str::contains(text));
    }
    fails_with(|| exit.stdout(predicate::str::contains("came of it")), &["0 passed; 2 failed"]);
    // The runner's argument counts, not its variable, nor what a process inherits from nextest.
    refused().env("RUST_TEST_THREADS", "1").code(101).stdout(predicate::str::contains(REFUSAL[0]));
    refused()
        .env("NEXTEST_EXECUTION_MODE", "process-per-test")
        .code(101)
        .stdout(predicate::str::contains(REFUSAL[0]));
}

#[test]
fn it_is_accepted_with_one_test_thread() {
    let plan = |threads| again(["--ignored", "forked::specimens"]).args(threads);
    for threads in [&["--test-threads=1"][..], &["--test-threads", "1"]] {
        let exit = plan(threads).success().stdout(predicate::str::contains("2 passed; 0 failed"));
        fails_with(|| exit.stdout(predicate::str::contains(REFUSAL[0])), &["2 passed; 0 failed"]);
    }
    plan(&[]).env("RUST_TEST_THREADS", "1").success();
}

#[test]
fn it_is_accepted_where_nextest_runs_the_test() {
    let name = "forked::specimens::forks_beside_other_threads";
    let exit = again(["--exact", name, "--nocapture", "--ignored"])
        .env("NEXTEST_EXECUTION_MODE", "process-per-test")
        .success();
    fails_with(|| exit.stdout(predicate::str::contains(REFUSAL[0])), &["1 passed; 0 failed"]);
}

#[test]
fn what_the_copy_prints_arrives_whether_the_runner_captures_or_not() {
    let plan = || again(["--ignored", "forked::specimens", "--test-threads=1"]);
    let text = "\"printed by the copy\\n\" came of it";
    plan().arg("--show-output").success().stdout(predicate::str::contains(text));
    plan().arg("--nocapture").success().stdout(predicate::str::contains(text));
    // The control: captured, and not shown where the test passes.
    fails_with(|| plan().stdout(predicate::str::contains(text)), &["of stdout", "2 passed; 0 failed"]);
}
