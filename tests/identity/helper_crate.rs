//! Calls in a crate of shared helpers: the function that runs is compiled in another crate.

use exeunt::prelude::*;
use exeunt_test_helper::{
    assert_that_it_aborts, assert_that_three_comes_out, leave_with_size_of, leave_with_size_of_a_pair,
};

use crate::support::fails_with;

#[test]
fn a_function_of_another_crate_runs() {
    assert_that_three_comes_out(3);
    fails_with(
        || assert_that_three_comes_out(4),
        &["function `exeunt_test_helper::assert_that_three_comes_out`", "happened: exit code 4"],
    );
}

#[test]
fn a_function_that_another_crate_is_given_runs() {
    assert_that_it_aborts(|| std::process::abort());
    fails_with(
        || assert_that_it_aborts(|| std::process::exit(6)),
        &["assert_that_it_aborts<", "exit code 6"],
    );
}

#[test]
fn a_generic_function_of_another_crate_runs_with_the_type_of_the_call() {
    leave_with_size_of::<u32>().code(4);
    leave_with_size_of::<(u8, u8)>().code(2);
    leave_with_size_of_a_pair().code(2);
    fails_with(|| leave_with_size_of::<u64>().code(4), &["leave_with_size_of<u64>", "happened: exit code 8"]);
}
