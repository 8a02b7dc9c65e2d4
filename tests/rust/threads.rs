//! Threads at the end of the process: a Rust process does not wait for any.

use exeunt::prelude::*;

use crate::by_both;
use crate::support::fails_with;
use crate::ways::HOOK;

#[test]
fn t01_a_return_from_main_cuts_a_detached_thread_off() {
    by_both("return-with-a-detached-thread", |test| {
        let exit = test.success().not_dropped("the thread's value");
        fails_with(|| exit.dropped("the thread's value"), &["1 guard was armed, 0 dropped"]);
    });
}

#[test]
fn t05_a_thread_that_is_told_to_stop_and_joined_ends_in_order() {
    by_both("return-after-a-join", |test| {
        let exit = test.success().dropped("the thread's value").cleanup_ran("the thread left");
        fails_with(|| exit.not_dropped("the thread's value"), &["1 guard was armed, 1 dropped"]);
    });
    by_both("return-with-a-detached-thread", |test| {
        fails_with(|| test.cleanup_ran("the thread left"), &["there is no evidence that it did"]);
    });
}

#[test]
fn t02_exit_in_a_thread_ends_the_process_and_drops_nothing_anywhere() {
    by_both("exit-in-a-thread", |test| {
        let exit = test.code(5).not_dropped("value").not_dropped("the thread's value").cleanup_ran(HOOK);
        fails_with(|| exit.clone().dropped("value"), &["1 guard was armed, 0 dropped"]);
        fails_with(|| exit.success(), &["happened: exit code 5"]);
    });
}

#[test]
fn t04_a_thread_leaves_by_a_return_and_the_process_goes_on() {
    by_both("a-thread-that-returns", |test| {
        let exit = test.code(6).dropped("the thread's value").cleanup_ran("the main thread went on");
        fails_with(|| exit.success(), &["happened: exit code 6"]);
    });
}
