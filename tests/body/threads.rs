//! A body with other threads, and one that forks: who ends the process, and whose end is told.

use std::process::{abort, exit};
use std::thread;

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn a_panic_in_another_thread_is_not_the_functions() {
    let exit = assert_exit(|| {
        let worker = thread::Builder::new().name("worker".to_owned()).spawn(|| panic!("in the worker"));
        assert!(worker.unwrap().join().is_err());
    })
    .returned()
    .success()
    .stderr(predicate::str::contains("thread 'worker'").and(predicate::str::contains("in the worker")));
    fails_with(|| exit.panicked(), &["expected: the function panics", "the function returned"]);
}

#[test]
fn a_panic_that_is_passed_on_from_another_thread_is() {
    let exit = assert_exit(|| thread::spawn(|| panic!("in the worker")).join().unwrap())
        .panicked_with("called `Result::unwrap()` on an `Err` value")
        .code(101);
    fails_with(|| exit.panicked_with("in the worker"), &["that contains \"in the worker\"", "unwrap()"]);
    assert_exit(|| thread::scope(|scope| drop(scope.spawn(|| panic!("in the worker")))))
        .panicked_with("a scoped thread panicked");
}

#[test]
fn another_thread_may_call_exit() {
    let exit = assert_exit(|| {
        thread::spawn(|| exit(5));
        loop {
            thread::park();
        }
    })
    .code(5)
    .hooks_ran();
    assert_eq!(exit.how(), Some(&How::Exited));
    fails_with(|| exit.returned(), &["happened: exit code 5", "the function called `exit`"]);
}

#[test]
fn another_thread_may_leave_immediately() {
    let exit = assert_exit(|| {
        // SAFETY: it ends the process.
        thread::spawn(|| unsafe { libc::_exit(6) });
        loop {
            thread::park();
        }
    })
    .code(6)
    .exited_immediately();
    fails_with(|| exit.hooks_ran(), &["they were skipped"]);
}

#[test]
fn another_thread_may_abort() {
    let exit = assert_exit(|| {
        thread::spawn(|| abort());
        loop {
            thread::park();
        }
    })
    .aborted();
    fails_with(|| exit.returned(), &["happened: killed by SIGABRT (6)"]);
}

#[test]
fn a_return_does_not_wait_for_other_threads() {
    let exit = assert_exit(|| {
        thread::spawn(|| {
            loop {
                thread::park();
            }
        });
    })
    .returned()
    .success();
    fails_with(|| exit.timed_out(), &["expected: still running", "happened: exit code 0"]);
}

#[test]
fn a_stack_overflow_in_another_thread_is_a_segmentation_fault() {
    fn deeper(level: u64) -> u64 {
        let here = std::hint::black_box([level; 64]);
        if level == u64::MAX { 0 } else { deeper(level + 1) + here[63] }
    }
    let exit = assert_exit(|| {
        let other = thread::spawn(|| std::hint::black_box(deeper(0)));
        drop(other.join());
    })
    .killed_by(SIGSEGV);
    fails_with(|| exit.aborted(), &["aborted (killed by SIGABRT (6))", "happened: killed by SIGSEGV (11)"]);
}

#[test]
fn the_main_thread_has_no_name_but_panics_as_main() {
    let exit = assert_exit(|| {
        assert_eq!(thread::current().name(), None);
        panic!("named")
    })
    .panicked_with("named")
    .stderr(predicate::str::contains("thread 'main'"));
    fails_with(|| exit.stderr(predicate::str::contains("<unnamed>")), &["of stderr", "thread 'main'"]);
}

/// Forks; in the parent, waits for the child's end.
fn fork_and_wait() -> Side {
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        -1 => panic!("fork failed"),
        0 => Side::Child,
        child => {
            let mut status = 0;
            // SAFETY: the place is live.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert!(libc::WIFEXITED(status), "the child did not exit: {status:#x}");
            Side::Parent(libc::WEXITSTATUS(status))
        }
    }
}

/// On which side of a fork, with the child's exit code.
#[derive(Debug, PartialEq)]
enum Side {
    Parent(i32),
    Child,
}

#[test]
fn a_forked_child_that_falls_through_does_not_speak_for_the_parent() {
    let exit = assert_exit(|| {
        if let Side::Parent(code) = fork_and_wait() {
            assert_eq!(code, 0, "the child returned");
            exit(3)
        }
        // The child falls through and returns.
    })
    .code(3);
    assert_eq!(exit.how(), Some(&How::Exited));
    fails_with(|| exit.returned(), &["happened: exit code 3", "the function called `exit`"]);
}

#[test]
fn a_forked_child_that_panics_does_not_speak_for_the_parent() {
    let exit = assert_exit(|| {
        assert_eq!(fork_and_wait(), Side::Parent(101), "only the child panics here");
    })
    .returned()
    .success()
    .stderr(predicate::str::contains("only the child panics here"));
    fails_with(|| exit.panicked(), &["expected: the function panics", "the function returned"]);
}

#[test]
fn a_forked_child_that_exits_does_not_run_the_parents_hooks() {
    let exit = assert_exit(|| match fork_and_wait() {
        Side::Child => exit(0),
        // SAFETY: it ends the process.
        Side::Parent(_) => unsafe { libc::_exit(4) },
    })
    .code(4)
    .exited_immediately();
    fails_with(|| exit.hooks_ran(), &["they were skipped"]);
}

#[test]
fn a_parent_that_panics_after_its_child_returned_panicked() {
    let exit = assert_exit(|| {
        if fork_and_wait() == Side::Parent(0) {
            panic!("the parent's own");
        }
    })
    .panicked_with("the parent's own");
    fails_with(|| exit.returned(), &["the function panicked", "the parent's own"]);
}
