//! The mark file in the hands of a target that does not keep to its rules: what was lost is never
//! taken for what did not happen.

#[path = "../support/mod.rs"]
mod support;

mod forks;

use exeunt::prelude::*;

use support::fails_with;

/// A shell that runs `first`, says that it is up, and waits for SIGTERM, upon which it runs `then`.
fn shell(first: &str, then: &str) -> ExitTest {
    let script = format!("trap '{then}' TERM; {first}; echo up; while :; do sleep 0.01; done");
    program("sh")
        .args(["-c", &script])
        .ready_when(Ready::stdout("up"))
        .signal_after(SIGTERM, ms(0))
        .timeout(secs(10))
}

#[test]
fn a_mark_that_was_begun_before_the_signal_was_not_made_after_it() {
    const UNFINISHED: &str = r#"printf "lock released" >> "$EXEUNT_PROBE""#;
    let exit = shell(UNFINISHED, "exit 0").code(0).cleanup_skipped("lock released");
    fails_with(
        || exit.cleanup_ran("lock released"),
        &["there is no evidence that it did", "a mark was made, but before SIGTERM (15) was sent"],
    );
    let exit = shell(":", &format!("{UNFINISHED}; exit 0")).cleanup_ran("lock released");
    fails_with(|| exit.cleanup_skipped("lock released"), &["it ran: a mark was made"]);
}

#[test]
fn marks_that_were_overwritten_are_missed() {
    let mark = |how: &str| {
        let mark = |label: &str| format!(r#"echo "{label}" {how} "$EXEUNT_PROBE""#);
        shell(&mark("taken"), &format!("{}; exit 0", mark("a lock was released")))
    };
    let exit = mark(">>").cleanup_ran("a lock was released").code(0);
    assert_eq!(exit.marks().len(), 2);
    fails_with(
        || mark(">").cleanup_skipped("a lock was released"),
        &["could not read the mark file", "overwrote it", "appended (in a shell by `>>`, not by `>`)"],
    );
}

#[test]
fn marks_that_were_removed_are_missed() {
    let mark = r#"echo taken >> "$EXEUNT_PROBE""#;
    fails_with(
        || shell(mark, r#"rm "$EXEUNT_PROBE"; exit 0"#).cleanup_skipped("released"),
        &["could not read the mark file", "it was removed"],
    );
    shell(mark, "exit 0").cleanup_skipped("released");
}

#[test]
fn what_stands_in_the_place_of_the_mark_file_is_not_waited_for() {
    fails_with(
        || shell(r#"mkfifo "$EXEUNT_PROBE""#, "exit 0").code(0),
        &["could not read the mark file", "not a regular file"],
    );
    shell(r#": > "$EXEUNT_PROBE""#, "exit 0").code(0);
}

#[test]
fn a_target_that_makes_marks_without_end_is_not_read_without_end() {
    let marks = |lines: u32| {
        let script = format!(r#"yes mark | head -n {lines} >> "$EXEUNT_PROBE""#);
        shell(&script, "exit 0")
    };
    fails_with(|| marks(4_000_000).code(0), &["could not read the mark file", "more than 16777216 bytes"]);
    assert_eq!(marks(2000).code(0).marks().len(), 2000);
}

#[test]
fn lines_of_a_target_that_its_signal_killed_outright_are_no_clean_up() {
    // It writes without end, so that some of it is read after the signal, however soon that kills.
    let ticking = || {
        program("yes")
            .arg("tick")
            .ready_when(Ready::stdout("tick"))
            .signal_after(SIGTERM, ms(0))
            .capture_limit(1 << 30)
    };
    let exit = ticking().killed_by(SIGTERM).cleanup_skipped("tick");
    fails_with(|| exit.cleanup_ran("tick"), &["there is no evidence that it did"]);
    let handled = "trap 'echo tock; exit 0' TERM; while :; do echo tick; done";
    program("sh")
        .args(["-c", handled])
        .ready_when(Ready::stdout("tick"))
        .signal_after(SIGTERM, ms(0))
        .cleanup_ran("tock")
        .code(0);
}
