//! Other threads of the test process, and the locks that they hold.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;

use exeunt::prelude::*;

use crate::meanwhile;
use crate::support::{fails_at_a_deadline, fails_with};

static SHARED: Mutex<u8> = Mutex::new(0);

/// Calls `body` while another thread holds what `take` took.
fn while_another_thread_holds<G>(take: impl FnOnce() -> G + Send, body: impl FnOnce()) {
    let (taken, is_taken) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let _guard = take();
            taken.send(()).expect("the test waits");
            // An error too is the end: that of a test that panicked.
            let _ = is_released.recv();
        });
        is_taken.recv().expect("the thread has it");
        body();
        drop(release);
    });
}

#[test]
fn a_mutex_that_another_thread_holds_is_free_in_the_function() {
    let take = || SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    while_another_thread_holds(take, || {
        assert!(matches!(SHARED.try_lock(), Err(TryLockError::WouldBlock)), "it is held here");
        assert_exit(|| {
            *SHARED.lock().expect("nobody panicked with it") = 1;
        })
        .returned()
        .success();
        // Taken twice in the function itself it is a deadlock.
        fails_at_a_deadline(
            |deadline| {
                let plan = assert_exit(|| {
                    let first = SHARED.lock();
                    let second = SHARED.lock();
                    drop((first, second));
                });
                plan.timeout(deadline).returned()
            },
            "it cannot go on: every thread waits for a lock",
            &["still running after "],
        );
    });
    assert_eq!(*SHARED.lock().unwrap(), 0, "what the function changed was its own");
}

#[test]
fn a_locked_stdout_of_the_test_process_does_not_keep_the_function_from_printing() {
    while_another_thread_holds(
        || std::io::stdout().lock(),
        || {
            let exit = assert_exit(|| {
                let _ = writeln!(std::io::stdout(), "out");
                let _ = writeln!(std::io::stderr(), "err");
            });
            let exit = exit.success().stdout("out\n").stderr("err\n").hooks_ran();
            fails_with(|| exit.stdout("other\n"), &["expected: of stdout", "out"]);
        },
    );
}

#[test]
fn a_thread_that_allocates_starts_processes_and_prints_does_not_disturb_a_run() {
    const RUNS: usize = 30;
    let rounds = AtomicUsize::new(0);
    let work = || {
        // Whatever lock these need is held at some moment of some run.
        let text = vec!["x"; 100].concat();
        assert!(std::env::var_os(&text).is_none());
        let status = std::process::Command::new("true").status().expect("it runs");
        assert!(status.success());
        rounds.fetch_add(1, Ordering::Relaxed);
    };
    meanwhile(work, || {
        let enough = |run| run >= RUNS && rounds.load(Ordering::Relaxed) > 0;
        for _ in (0..).take_while(|run| !enough(*run)) {
            let exit = assert_exit(|| {
                let text = vec!["x"; 1000].concat();
                println_raw(&text);
                std::process::exit(9);
            });
            exit.code(9).stdout("x".repeat(1000) + "\n").hooks_ran();
        }
    });
    assert!(rounds.into_inner() > 0, "it was busy");
}

#[expect(clippy::print_stdout, reason = "printing, with all its locks, is what is tried")]
fn println_raw(text: &str) {
    println!("{text}");
}

#[test]
fn a_function_has_one_thread_whatever_the_test_process_has() {
    let threads = || std::fs::read_dir("/proc/self/task").expect("its threads").count();
    while_another_thread_holds(
        || (),
        || {
            assert!(threads() > 1);
            let exit = assert_exit(|| {
                let threads = std::fs::read_dir("/proc/self/task").expect("its threads").count();
                std::process::exit(i32::try_from(threads).expect("few"))
            });
            let exit = exit.code(1);
            fails_with(|| exit.code(2), &["expected: exit code 2", "happened: exit code 1"]);
        },
    );
}
