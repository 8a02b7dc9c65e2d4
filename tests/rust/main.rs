//! How Rust's own ways to leave a process end it, settled by taking them. Where a way differs in Python,
//! the test is the counterpart of a claim about Python and begins with that claim's id: `tests/python`
//! has the other side.
//!
//! The ways are in `fixtures/rust/leaves`. Each is taken by a program and, unless it says otherwise, by a
//! function in a process of its own, which must not differ.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../../fixtures/rust/leaves/ways/mod.rs"]
mod ways;

mod buffers;
mod children;
mod exits;
mod forks;
mod guards;
mod hooks;
mod panics;
mod returns;
mod signals;
mod threads;

use exeunt::prelude::*;
use exeunt::{Mark, MarkKind};

/// This way to leave, taken by the program.
fn program_that(way: &str) -> ExitTest {
    cargo_bin!("leaves").arg(way).env("RUST_BACKTRACE", "0")
}

/// This way to leave, taken by a function.
fn function_that(way: &str) -> ExitTest {
    assert_exit_with(way.to_owned(), |way: String| ways::take(&way)).env("RUST_BACKTRACE", "0")
}

/// Takes this way by the program and by a function.
#[track_caller]
fn by_both(way: &str, check: impl Fn(ExitTest)) {
    check(program_that(way));
    check(function_that(way));
}

/// The labels of the marks, in order; without those by which a guard says that it is armed.
fn marks(exit: &Exit) -> Vec<String> {
    let made = exit.marks().iter().filter(|mark| mark.kind() != MarkKind::Armed);
    made.map(Mark::label).map(std::borrow::Cow::into_owned).collect()
}

#[test]
fn a_way_that_there_is_not_is_found_out() {
    by_both("no-such-way", |test| {
        let exit = test.code(64).stderr("there is no way called \"no-such-way\"\n");
        support::fails_with(|| exit.success(), &["happened: exit code 64", "there is no way called"]);
    });
}
