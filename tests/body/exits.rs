//! A body that ends its process itself: `exit`, `_exit`, abort, exec, and the exit hooks between.

use std::os::unix::process::CommandExt;
use std::process::{Command, abort, exit};

use exeunt::prelude::*;

use crate::support::{fails_at_a_deadline, fails_with, report_at_a_deadline};

/// `_exit(2)`.
fn exit_immediately(code: i32) -> ! {
    // SAFETY: it ends the process and touches nothing before.
    unsafe { libc::_exit(code) }
}

extern "C" fn marking_hook() {
    probe::mark("the hook ran");
}

extern "C" fn leaving_hook() {
    exit_immediately(9);
}

fn register(hook: extern "C" fn()) {
    // SAFETY: the hook is a function of this executable, which is never unloaded.
    assert_eq!(unsafe { libc::atexit(hook) }, 0);
}

#[test]
fn exit_101_is_no_panic() {
    let exit = assert_exit(|| exit(101)).code(101);
    assert_eq!(exit.how(), Some(&How::Exited));
    fails_with(
        || exit.panicked(),
        &["expected: the function panics", "happened: exit code 101", "the function called `exit`"],
    );
}

#[test]
fn exit_runs_the_hooks_and_immediate_exit_skips_them() {
    let exit = assert_exit(|| {
        register(marking_hook);
        exit(3)
    })
    .code(3)
    .hooks_ran()
    .cleanup_ran("the hook ran");
    fails_with(|| exit.clone().exited_immediately(), &["the function called `exit`"]);
    fails_with(|| exit.cleanup_skipped("the hook ran"), &["it ran: a mark was made at"]);

    let skipped = assert_exit(|| {
        register(marking_hook);
        exit_immediately(3)
    })
    .code(3)
    .exited_immediately()
    .cleanup_skipped("the hook ran");
    assert_eq!(skipped.how(), Some(&How::ExitedImmediately));
    fails_with(
        || skipped.clone().hooks_ran(),
        &["expected: the exit hooks run", "the function ended its process without exit hooks"],
    );
    fails_with(|| skipped.clone().cleanup_ran("the hook ran"), &["there is no evidence that it did"]);
    fails_with(|| skipped.returned(), &["the function ended its process without exit hooks"]);
}

#[test]
fn exit_of_the_c_library_is_an_exit() {
    let exit = assert_exit(|| {
        register(marking_hook);
        print!("never flushed");
        // SAFETY: one thread, so that no hook can race with another.
        unsafe { libc::exit(6) }
    })
    .code(6)
    .hooks_ran()
    .cleanup_ran("the hook ran")
    .not_flushed("never flushed");
    assert_eq!(exit.how(), Some(&How::Exited));
    fails_with(|| exit.exited_immediately(), &["happened: exit code 6", "the function called `exit`"]);
}

#[test]
fn a_raw_system_call_is_an_immediate_exit() {
    let exit = assert_exit(|| {
        // SAFETY: it ends the process, with all its threads.
        unsafe { libc::syscall(libc::SYS_exit_group, 12) };
    })
    .code(12)
    .exited_immediately();
    fails_with(|| exit.hooks_ran(), &["they were skipped, or one of them did not return"]);
}

#[test]
fn a_hook_that_leaves_immediately_is_seen() {
    let exit = assert_exit(|| {
        register(leaving_hook);
        exit(3)
    })
    .code(9);
    fails_with(|| exit.clone().code(3), &["happened: exit code 9"]);
    fails_with(|| exit.hooks_ran(), &["they were skipped, or one of them did not return"]);

    let after_return = assert_exit(|| register(leaving_hook)).returned().code(9);
    fails_with(|| after_return.success(), &["happened: exit code 9", "the function returned"]);
}

#[test]
fn hooks_run_after_a_return_and_after_a_panic() {
    assert_exit(|| register(marking_hook)).returned().hooks_ran().cleanup_ran("the hook ran");
    assert_exit(|| {
        register(marking_hook);
        panic!("and out")
    })
    .panicked()
    .hooks_ran()
    .cleanup_ran("the hook ran");
    fails_with(
        || assert_exit(|| ()).cleanup_ran("the hook ran"),
        &["there is no evidence that it did", "looked at 0 marks"],
    );
}

#[test]
fn an_abort_is_no_exit_of_any_kind() {
    let exit = assert_exit(|| {
        register(marking_hook);
        abort()
    })
    .aborted()
    .cleanup_skipped("the hook ran");
    assert_eq!(exit.how(), None);
    let abort = "happened: killed by SIGABRT (6)";
    fails_with(|| exit.clone().returned(), &[abort]);
    fails_with(|| exit.clone().panicked(), &[abort]);
    fails_with(|| exit.clone().exited_immediately(), &[abort]);
    fails_with(|| exit.clone().hooks_ran(), &[abort, "they were skipped"]);
    fails_with(|| exit.code(134), &[abort]);
    fails_with(|| assert_exit(|| exit_immediately(134)).aborted(), &["happened: exit code 134"]);
}

#[test]
fn a_body_that_becomes_another_program_ends_as_that_does() {
    let exit = assert_exit(|| {
        let error = Command::new("sh").args(["-c", "echo from the shell; exit 8"]).exec();
        panic!("exec came back: {error}")
    })
    .code(8)
    .stdout("from the shell\n");
    fails_with(|| exit.clone().returned(), &["expected: the function returns", "happened: exit code 8"]);
    fails_with(|| exit.hooks_ran(), &["they were skipped"]);
}

#[test]
fn a_stack_overflow_says_so_and_aborts() {
    fn deeper(level: u64) -> u64 {
        let here = std::hint::black_box([level; 64]);
        if level == u64::MAX { 0 } else { deeper(level + 1) + here[63] }
    }
    let exit = assert_exit(|| {
        std::hint::black_box(deeper(0));
    })
    .aborted()
    .stderr(predicate::str::contains("thread 'main'"))
    .stderr(predicate::str::contains("has overflowed its stack"));
    fails_with(|| exit.clone().killed_by(SIGSEGV), &["happened: killed by SIGABRT (6)", "overflowed"]);
    fails_with(|| exit.panicked(), &["happened: killed by SIGABRT (6)"]);
    let plain = assert_exit(|| abort()).aborted();
    fails_with(|| plain.stderr(predicate::str::contains("overflowed")), &["of stderr", "stderr: empty"]);
}

extern "C" fn hanging_hook() {
    probe::mark("it hangs");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_function_that_hangs_in_an_exit_hook_is_reported_as_that() {
    let by_exit = || {
        assert_exit(|| {
            register(hanging_hook);
            exit(3)
        })
    };
    let by_return = || assert_exit(|| register(hanging_hook));
    let hangs = "mark: it hangs";
    for exits in [true, false] {
        let plan = || if exits { by_exit() } else { by_return() };
        let told = "the function has left, and its process is in an exit hook";
        fails_at_a_deadline(|deadline| plan().timeout(deadline).success(), hangs, &[told]);
    }
    let elsewhere = || {
        assert_exit(|| {
            register(marking_hook);
            hanging_hook();
        })
    };
    let report = report_at_a_deadline(|deadline| elsewhere().timeout(deadline).success(), hangs);
    assert!(!report.contains("in an exit hook"), "{report}");
}
