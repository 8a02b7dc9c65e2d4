//! Lines of output: evidence for a program that cannot be changed, as far as they are complete.

use exeunt::prelude::*;

use crate::support::fails_with;

fn shell(script: &str) -> Exit {
    program("sh").args(["-c", script]).success()
}

#[test]
fn a_complete_line_that_contains_the_label_is_evidence() {
    let exit = shell("echo '[12:00] lock released.'; echo other >&2").cleanup_ran("lock released");
    fails_with(
        || exit.clone().cleanup_skipped("lock released"),
        &["it ran: stdout said \"[12:00] lock released.\" at "],
    );
    exit.cleanup_skipped("lock kept").cleanup_ran("lock");
}

#[test]
fn a_line_of_stderr_counts_as_well() {
    let exit = shell("echo lock released >&2").cleanup_ran("lock released");
    fails_with(|| exit.clone().cleanup_skipped("lock released"), &["it ran: stderr said \"lock released\""]);
    fails_with(|| exit.cleanup_ran("lock kept"), &["looked at 0 marks, 0 lines of stdout, 1 line of stderr"]);
}

#[test]
fn a_line_without_its_end_is_no_evidence() {
    let exit = shell("printf 'lock released'").cleanup_skipped("lock released");
    // It was flushed all the same.
    let exit = exit.flushed("lock released");
    fails_with(|| exit.cleanup_ran("lock released"), &["there is no evidence that it did"]);
}

#[test]
fn a_label_is_not_put_together_of_two_lines() {
    let exit = shell("echo lock; echo released; echo lock >&2").cleanup_skipped("lock released");
    let exit = exit.cleanup_skipped("lock\nreleased");
    fails_with(|| exit.cleanup_ran("lock\nreleased"), &["there is no evidence that it did"]);
}

#[test]
fn a_carriage_return_belongs_to_the_end_of_a_line() {
    shell(r"printf 'lock released\r\n'").cleanup_ran("lock released").cleanup_skipped("released\r");
}

#[test]
fn a_label_may_end_as_a_line_does() {
    let exit = shell("echo lock released").cleanup_ran("released\n").cleanup_order(["lock released\n"]);
    fails_with(
        || exit.clone().cleanup_skipped("lock released\n"),
        &["it ran: stdout said \"lock released\""],
    );
    // Only there, and an end alone says nothing.
    let exit = exit.cleanup_skipped("lock\n").cleanup_skipped("\n").cleanup_skipped("\r\n");
    fails_with(|| exit.cleanup_ran("lock\n"), &["there is no evidence that it did"]);
    shell("printf 'lock released'").cleanup_skipped("lock released\n");
}
