//! A process that the target leaves behind keeps its streams open. The result does not wait for it: it
//! is found, killed and named.

use std::time::{Duration, Instant};

use exeunt::prelude::*;

use crate::process::Process;
use crate::support::fails_with;

/// How long the descendant would hold the pipe. Nothing here waits for it.
const HELD: &str = "1000";

/// What the end of a target may take to be told though its pipes are held: 100 ms, by the acceptance
/// cases. That is asked of the fastest of several runs, for others share the machine.
const TOLD_WITHIN: Duration = Duration::from_millis(100);
const ATTEMPTS: usize = 50;

/// What any single run may take at most: far below the time for which the pipe would be held.
const FAR_BELOW: Duration = Duration::from_secs(60);

/// Leaves a sleeper behind, and prints its line of `/proc/PID/stat`: after it has become the sleeper,
/// for until then it is a shell.
fn leaves_a_sleeper() -> ExitTest {
    let script = r#"
        sleep "$0" &
        until grep -q sleep "/proc/$!/comm"; do :; done
        cat "/proc/$!/stat"
        exit 3"#;
    program("sh").args(["-c", script, HELD])
}

#[test]
fn a_descendant_that_holds_the_pipes_does_not_delay_the_result() {
    let mut fastest = Duration::MAX;
    for _ in 0..ATTEMPTS {
        let begin = Instant::now();
        let exit = leaves_a_sleeper().code(3);
        let took = begin.elapsed();
        assert!(took < FAR_BELOW && exit.duration() <= took, "{took:?}, {:?}", exit.duration());
        fastest = fastest.min(took);
        if fastest < TOLD_WITHIN {
            break;
        }
    }
    assert!(fastest < TOLD_WITHIN, "the fastest of {ATTEMPTS} took {fastest:?}");
}

#[test]
fn a_descendant_that_holds_the_pipes_is_named_and_dead_afterwards() {
    let exit = leaves_a_sleeper().code(3);
    let sleeper = Process::described(&exit.stdout_text());
    let [leftover] = exit.leftovers() else { panic!("one leftover, not {:?}", exit.leftovers()) };
    assert_eq!((leftover.pid, leftover.command.as_str()), (sleeper.pid, "sleep 1000"));
    assert!(!sleeper.is_alive());
    fails_with(
        || exit.success(),
        &["left behind and killed: 1 process", &format!("{} (parent ", sleeper.pid), "sleep 1000"],
    );
    // The control: a target that waits for what it starts leaves nothing.
    let exit = program("sh").args(["-c", "sleep 0 & wait; exit 3"]).code(3);
    assert!(exit.leftovers().is_empty());
}

#[test]
fn a_descendant_that_goes_on_writing_is_cut_off_at_the_end_of_the_target() {
    let begin = Instant::now();
    let script = r#"
        trap 'exit 3' TERM
        (trap - TERM; while :; do echo again; done) &
        cat "/proc/$!/stat" >&2
        wait"#;
    let ready = Ready::stdout("again").and(Ready::stderr("\n"));
    let exit = program("sh").args(["-c", script]).signal_when(SIGTERM, ready).code(3).flushed("again");
    assert!(begin.elapsed() < FAR_BELOW);
    let writer = Process::described(&exit.stderr_text());
    let [leftover] = exit.leftovers() else { panic!("one leftover, not {:?}", exit.leftovers()) };
    assert_eq!(leftover.pid, writer.pid);
    assert!(!writer.is_alive());
}
