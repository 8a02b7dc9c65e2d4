//! Threads that a function leaves running.

use exeunt::prelude::*;

use crate::support::fails_with;

fn leaves_two_threads() {
    let (started, ready) = std::sync::mpsc::channel();
    for name in ["flusher", "listener"] {
        let started = started.clone();
        let thread = std::thread::Builder::new().name(name.to_owned());
        let wait = move || {
            started.send(()).unwrap();
            loop {
                std::thread::park();
            }
        };
        thread.spawn(wait).unwrap();
    }
    (0..2).for_each(|_| ready.recv().unwrap());
}

#[test]
fn threads_that_still_ran_when_a_function_returned_are_named() {
    let exit = assert_exit(leaves_two_threads).success();
    let mut names: Vec<_> = exit.threads_left().expect("threads").split(", ").collect();
    names.sort_unstable();
    assert_eq!(names, ["flusher", "listener"]);
    fails_with(|| exit.code(1), &["threads that still ran: ", "flusher", "listener"]);
}

#[test]
fn threads_that_still_ran_at_an_exit_are_named_and_at_an_immediate_one_they_are_not() {
    let exit = assert_exit(|| {
        leaves_two_threads();
        std::process::exit(3)
    });
    assert!(exit.code(3).threads_left().is_some());
    let immediately = assert_exit(|| {
        leaves_two_threads();
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(4) }
    });
    assert_eq!(immediately.code(4).threads_left(), None);
}

#[test]
fn where_every_thread_was_joined_none_is_named() {
    let exit = assert_exit(|| std::thread::spawn(|| ()).join().unwrap()).success();
    assert_eq!(exit.threads_left(), None);
}
