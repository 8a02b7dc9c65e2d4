//! Assertions on ends in a crate of their own, as projects share them between test binaries: the
//! functions that run in a fresh process come from another crate than the test.

use std::process::exit;

use exeunt::prelude::*;

/// A function of this crate, with its own code.
#[track_caller]
pub fn assert_that_three_comes_out(code: i32) -> Exit {
    assert_exit_with(code, |code| exit(code)).code(3)
}

/// A closure of this crate that captures nothing but the caller's function.
#[track_caller]
pub fn assert_that_it_aborts<F: FnOnce()>(f: F) -> Exit {
    assert_exit(move || f()).aborted()
}

/// A closure that is instantiated here or in the caller's crate, for each type.
pub fn leave_with_size_of<T>() -> Exit {
    assert_exit(|| exit(i32::try_from(size_of::<T>()).unwrap_or(255))).run().expect("the run")
}

/// What is instantiated in this crate, of what the test instantiates too.
pub fn leave_with_size_of_a_pair() -> Exit {
    leave_with_size_of::<(u8, u8)>()
}
