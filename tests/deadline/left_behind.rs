//! What a target started and left: it delays no run, is named in the report, and is dead when the run is
//! over; also where it does all it can to be somewhere else.

use std::time::Instant;

use exeunt::prelude::*;

use crate::PROMPTLY;
use crate::process::Process;
use crate::support::{fails_with, times_out};

/// Starts `grandchild` in the background, and leaves with 5 when that has said that it is up.
fn shell_that_leaves(grandchild: &str) -> ExitTest {
    let script = format!("mkfifo up; {grandchild} & read line < up; exit 5");
    program("sh").args(["-c", &script])
}

/// Asserts that the run is over at once, with that one process found, named and dead.
#[track_caller]
fn is_found_and_killed(grandchild: &str, name: &str) -> Exit {
    let directory = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let exit = shell_that_leaves(grandchild).current_dir(&directory).code(5);
    assert!(begin.elapsed() < PROMPTLY, "{:?}", begin.elapsed());
    let left = exit.leftovers();
    assert_eq!(left.len(), 1, "{left:?}");
    // It may have been found in the midst of becoming that program.
    assert!(left[0].command.contains(name) || left[0].command == "[sh]", "{left:?}");
    let alive = Process::alive(left[0].pid);
    assert!(alive.is_none_or(|process| !left[0].command.contains(&process.name())), "{left:?}");
    fails_with(
        || exit.clone().code(6),
        &["happened: exit code 5", "left behind and killed: 1 process\n", &format!(": {}", left[0].command)],
    );
    exit
}

#[test]
fn a_sleeping_grandchild_that_holds_the_streams_does_not_delay_the_result() {
    is_found_and_killed("(echo > up; exec sleep 600)", "sleep");
}

#[test]
fn a_grandchild_in_a_session_of_its_own_is_found() {
    is_found_and_killed("setsid sh -c 'echo > up; exec sleep 600'", "sleep");
}

#[test]
fn a_grandchild_without_environment_or_streams_is_found() {
    is_found_and_killed("env -i sh -c 'echo > up; exec sleep 600 <&- >&- 2>&-'", "sleep");
}

#[test]
fn a_daemon_whose_parent_has_left_is_found() {
    // It says that it is up when its parent has left it.
    let left_alone = r#"while read -r _ _ _ parent _ < /proc/self/stat; [ "$parent" = $$ ]; do :; done"#;
    let daemon = format!("setsid sh -c '({left_alone}; echo > up; exec sleep 600) & exit'");
    is_found_and_killed(&daemon, "sleep");
}

#[test]
fn a_grandchild_that_ignores_signals_is_killed() {
    is_found_and_killed("sh -c 'trap \"\" HUP INT TERM; echo > up; exec sleep 600'", "sleep");
}

#[test]
fn a_grandchild_that_is_stopped_is_killed() {
    let exit = is_found_and_killed("sh -c 'echo > up; kill -STOP $$; sleep 600'", "sh");
    // Whether it came to that before it was killed is not known; no other state would be a surprise.
    assert!("TRS".contains(exit.leftovers()[0].state), "{exit:?}");
}

#[test]
fn nothing_is_left_where_nothing_was_started() {
    let exit = program("sh").args(["-c", "exit 5"]).code(5);
    assert!(exit.leftovers().is_empty());
    // What the target has waited for is not left, either.
    let exit = program("sh").args(["-c", "sleep 0 & wait; exit 5"]).code(5);
    assert!(exit.leftovers().is_empty(), "{exit:?}");
}

#[test]
fn at_the_deadline_the_whole_tree_is_ended_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let script =
        "rm -f up; mkfifo up; setsid sh -c 'echo > up; exec sleep 601' & read line < up; exec sleep 602";
    let both_sleep = |exit: &Exit| exit.to_string().matches("(sleep) waits in clock_nanosleep").count() == 2;
    let exit = times_out(|| program("sh").args(["-c", script]).current_dir(&directory), both_sleep);
    let Ending::TimedOut { after } = *exit.ending() else { panic!("{exit}") };
    assert!(exit.duration() < after + PROMPTLY, "{exit}");
    let commands: Vec<&str> = exit.stuck().iter().map(|process| process.command.as_str()).collect();
    assert_eq!(commands, ["sleep 602", "sleep 601"], "the target first");
    for process in exit.stuck() {
        assert!(Process::alive(process.pid).is_none_or(|process| process.name() != "sleep"), "{exit:?}");
    }
    fails_with(
        || exit.success(),
        &["still running:\n", ": sleep 602\n", ": sleep 601\n", "(sleep) waits in ", "nanosleep"],
    );
}

/// Forks without end: each process leaves at once and its child goes on, so that whoever looks at one of
/// them finds that it has gone.
fn flee() {
    loop {
        // SAFETY: the process has one thread.
        if unsafe { libc::fork() } != 0 {
            // SAFETY: it leaves without hooks, as such programs do.
            unsafe { libc::_exit(5) };
        }
    }
}

#[test]
fn processes_that_flee_by_forking_are_caught() {
    let begin = Instant::now();
    let exit = assert_exit(flee).code(5);
    assert!(begin.elapsed() < PROMPTLY, "{:?}", begin.elapsed());
    fails_with(|| exit.code(6), &["happened: exit code 5"]);
}
