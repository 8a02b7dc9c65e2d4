//! `flushed` and `not_flushed`: bytes that arrived, in whatever pieces, with a newline or not.

use exeunt::prelude::*;

use crate::support::fails_with;

/// A shell that says `first`, and when SIGTERM comes `then`; the signal comes when `first` was read.
fn in_two_pieces(first: &str, then: &str) -> ExitTest {
    let script =
        format!("trap 'printf \"{then}\"; exit 0' TERM; printf '{first}'; while :; do sleep 0.01; done");
    program("sh")
        .args(["-c", &script])
        .ready_when(Ready::stdout(first.trim_end_matches("\\n")))
        .signal_after(SIGTERM, ms(0))
}

#[test]
fn a_text_that_came_in_pieces_is_flushed_as_one() {
    let exit = in_two_pieces("lock ", "released\\n").flushed("lock released").code(0);
    fails_with(
        || exit.not_flushed("lock released"),
        &["is flushed neither to stdout nor to stderr", "it is on stdout"],
    );
    fails_with(
        || in_two_pieces("lock ", "kept\\n").flushed("lock released"),
        &["\"lock released\" is flushed to stdout or stderr"],
    );
}

#[test]
fn a_last_line_without_its_newline_is_flushed_and_no_evidence_of_clean_up() {
    let exit =
        in_two_pieces("up\\n", "lock released").flushed("lock released").cleanup_skipped("lock released");
    fails_with(|| exit.cleanup_ran("lock released"), &["there is no evidence that it did"]);
    in_two_pieces("up\\n", "lock released\\n").cleanup_ran("lock released");
}

#[test]
fn what_arrives_after_the_signal_is_flushed_like_all_else() {
    let exit = in_two_pieces("up\\n", "late\\n").flushed("up").flushed("late").not_flushed("later");
    fails_with(|| exit.flushed("later"), &["\"later\" is flushed to stdout or stderr"]);
}

#[test]
fn what_a_killed_function_had_in_its_buffer_is_said_to_be_lost() {
    let killed = || {
        assert_exit(|| {
            println!("a line");
            print!("no line");
            crate::kill_oneself();
        })
    };
    let exit = killed().flushed("a line").not_flushed("no line").killed_by(SIGKILL);
    fails_with(
        || exit.flushed("no line"),
        &["SIGKILL (9) ended the process, and with it what was printed but never flushed"],
    );
    assert_exit(|| print!("no line")).flushed("no line").returned();
}
