//! `Ready::children`: that so many children of the target are alive.

use std::process::{Child, Command};
use std::thread;

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{runs, stays_closed, work};

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().expect("`sleep` runs")
}

fn wait() -> ! {
    probe::mark("arranged");
    loop {
        thread::park();
    }
}

fn starts_three() {
    let mut children = Vec::new();
    for _ in 0..3 {
        work();
        probe::mark("one more");
        children.push(sleeper());
    }
    wait()
}

#[test]
fn the_gate_opens_when_so_many_are_there() {
    for count in 1..=3 {
        for _ in 0..runs() {
            let plan = assert_exit(starts_three);
            let exit = plan.signal_when(SIGKILL, Ready::children(count)).killed_by(SIGKILL);
            let begun = exit.marks().iter().filter(|mark| mark.label() == "one more").count();
            assert!(begun >= count, "the gate opened for {begun} of {count}: {:?}", exit.timeline());
            assert!(exit.leftovers().len() >= count, "{:?}", exit.leftovers());
        }
    }
}

#[test]
fn fewer_are_not_enough() {
    stays_closed(
        || assert_exit(starts_three),
        || Ready::children(4),
        &["gate: 4 children of the target are alive: it has 3\n"],
    );
    stays_closed(
        || assert_exit(|| wait()),
        || Ready::children(1),
        &["gate: a child of the target is alive: it has none\n"],
    );
}

#[test]
#[expect(clippy::zombie_processes, reason = "that one was not waited for is what the test is about")]
fn one_that_has_ended_and_was_not_waited_for_does_not_count() {
    stays_closed(
        || {
            assert_exit(|| {
                let ended = Command::new("true").spawn().expect("`true` runs");
                let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::uninit();
                let flags = libc::WEXITED | libc::WNOWAIT;
                // SAFETY: the kernel fills `info`; the child is this process's own.
                unsafe { libc::waitid(libc::P_PID, ended.id(), info.as_mut_ptr(), flags) };
                let _alive = sleeper();
                wait()
            })
        },
        || Ready::children(2),
        &["gate: 2 children of the target are alive: it has 1\n"],
    );
}

#[test]
fn grandchildren_do_not_count() {
    stays_closed(
        || {
            let script = r#"(sleep 1000 & sleep 1000 & echo arranged >>"$EXEUNT_PROBE"; wait); :"#;
            program("sh").args(["-c", script])
        },
        || Ready::children(2),
        &["gate: 2 children of the target are alive: it has 1\n"],
    );
}

#[test]
fn a_gate_on_no_child_is_refused() {
    let plan = assert_exit(starts_three).signal_when(SIGTERM, Ready::children(0));
    fails_with(|| plan.killed_by(SIGTERM), &["a gate on 0 children would open at once"]);
}
