//! What a target starts and does not wait for is found, named and killed.

use std::path::PathBuf;
use std::time::Instant;

use exeunt::prelude::*;

use crate::descendants::{self, KINDS, Registry, count};
use crate::process::{PATIENCE, Process};
use crate::support::fails_with;

/// Leaves one of this kind behind.
fn leaves(kind: &str, registry: &Registry) -> ExitTest {
    assert_exit_with((kind.to_owned(), registry.path()), |(kind, registry): (String, PathBuf)| {
        descendants::take_lock(&registry);
        descendants::start(&kind, &registry);
    })
}

/// Starts all kinds, says so by a mark, and stays.
fn stays_with_all(registry: &Registry) -> ExitTest {
    assert_exit_with(registry.path(), |registry| {
        descendants::start_all(&registry);
        probe::mark("all are there");
        descendants::wait_for_ever();
    })
}

fn all_processes(registry: &Registry) -> Vec<Process> {
    let number = KINDS.iter().map(|kind| count(kind)).sum();
    (0..number).map(|_| registry.next()).collect()
}

#[track_caller]
fn are_dead(processes: &[Process], registry: &Registry) {
    for process in processes {
        assert!(!process.is_alive(), "{process:?} is alive");
    }
    assert!(registry.all_are_gone(), "somebody still holds the lock");
}

#[test]
fn what_a_target_leaves_is_named_and_dead_whatever_it_did_to_escape() {
    for kind in KINDS {
        let registry = Registry::new();
        let exit = leaves(kind, &registry).returned();
        let mut left: Vec<_> = (0..count(kind)).map(|_| registry.next()).collect();
        let mut pids: Vec<_> = left.iter().map(|process| process.pid).collect();
        let mut named: Vec<_> = exit.leftovers().iter().map(|leftover| leftover.pid).collect();
        pids.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, pids, "{kind}: {:?}", exit.leftovers());
        are_dead(&left, &registry);
        let first = left.remove(0).pid;
        let heading =
            if count(kind) == 1 { "1 process".to_owned() } else { format!("{} processes", count(kind)) };
        fails_with(
            || exit.code(1),
            &[&format!("left behind and killed: {heading}"), &format!("\n    {first} (parent ")],
        );
    }
}

#[test]
fn a_leftover_is_told_with_its_state_and_its_command() {
    let registry = Registry::new();
    let exit = leaves("stopped", &registry).returned();
    assert_eq!(exit.leftovers()[0].state, 'T');
    fails_with(|| exit.code(1), &["state T, ", " old): "]);

    let registry = Registry::new();
    let exit = leaves("child", &registry).returned();
    assert!("SR".contains(exit.leftovers()[0].state), "{:?}", exit.leftovers());
    let own = std::env::args().next().unwrap();
    assert!(exit.leftovers()[0].command.starts_with(&own), "{:?}", exit.leftovers());
}

#[test]
fn a_target_that_waits_for_what_it_started_leaves_nothing() {
    let exit = assert_exit(|| {
        let pid = descendants::fork();
        if pid != 0 {
            // SAFETY: the child is this process's own, and its status is not asked for.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        }
    });
    let exit = exit.returned();
    assert!(exit.leftovers().is_empty());
    fails_with(|| exit.code(1), &["expected: exit code 1", "happened: exit code 0"]);

    // A child that has ended and was not waited for is no leftover either.
    let exit = assert_exit(|| {
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        if descendants::fork() != 0 {
            drop(writer);
            std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        }
    });
    assert!(exit.returned().leftovers().len() <= 1);
}

#[test]
fn what_a_target_started_dies_with_it_however_the_run_ends() {
    type End = fn(ExitTest) -> Exit;
    let ends: [(&str, End); 4] = [
        ("by a signal of the script", |plan| {
            plan.signal_when(SIGKILL, Ready::mark("all are there")).killed_by(SIGKILL)
        }),
        ("at the deadline", |plan| plan.timeout(secs(2)).timed_out()),
        ("after an observation", |plan| {
            plan.ready_when(Ready::mark("all are there")).still_running_after(ms(1))
        }),
        ("by a gate that did not open", |plan| {
            let plan = plan.ready_when(Ready::mark("all are there"));
            let error = plan.signal_when(SIGTERM, Ready::mark("never")).timeout(secs(2)).run().unwrap_err();
            error.exit().unwrap().clone()
        }),
    ];
    for (how, end) in ends {
        let registry = Registry::new();
        let exit = end(stays_with_all(&registry));
        let processes = all_processes(&registry);
        are_dead(&processes, &registry);
        assert_eq!(exit.leftovers().len(), processes.len(), "{how}: {:?}", exit.leftovers());
    }
}

#[test]
fn what_a_target_started_dies_where_the_test_panics_in_the_middle_of_the_run() {
    let registry = Registry::new();
    let panics = || {
        let gate = Ready::mark("all are there").and(Ready::mark(predicate::function(|label: &str| {
            assert_ne!(label, "all are there", "the test's own mistake");
            false
        })));
        stays_with_all(&registry).ready_when(gate).timed_out()
    };
    fails_with(panics, &["the test's own mistake"]);
    // The supervisor hears of it by the end of a socket: not before, but soon after.
    let deadline = Instant::now() + PATIENCE;
    for process in all_processes(&registry) {
        assert!(process.ends_before(deadline), "{process:?} is alive");
    }
}

#[test]
fn a_chain_of_forks_without_an_end_is_ended() {
    for _ in 0..10 {
        let registry = Registry::new();
        let exit = assert_exit_with(registry.path(), |registry| {
            descendants::take_lock(&registry);
            descendants::start_endless_chain(&registry);
        });
        exit.returned();
        are_dead(&[registry.next()], &registry);
    }
}

#[test]
fn the_checks_of_this_file_notice_a_process_that_is_alive() {
    let registry = Registry::new();
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let process = Process::alive(i32::try_from(child.id()).unwrap()).unwrap();
    fails_with(|| are_dead(&[process], &registry), &["is alive"]);
    child.kill().unwrap();
    assert!(process.ends_before(Instant::now() + PATIENCE));
    child.wait().unwrap();
    are_dead(&[process], &registry);

    // Nobody else may take the lock while it is held.
    descendants::take_lock(&registry.path());
    fails_with(|| are_dead(&[], &registry), &["somebody still holds the lock"]);
}

#[test]
fn leftovers_are_counted_and_their_absence_is_an_assertion_of_its_own() {
    for kind in KINDS {
        let registry = Registry::new();
        let number = count(kind);
        let exit = leaves(kind, &registry).leftovers_are(number).returned();
        fails_with(
            || exit.clone().no_leftovers(),
            &["expected: no process outlives it", "did (see below)", "left behind and killed: "],
        );
        fails_with(
            || exit.leftovers_are(number + 1),
            &[&format!("expected: {} processes outlive it", number + 1)],
        );
    }
    let exit = program("true").no_leftovers().leftovers_are(0);
    fails_with(|| exit.leftovers_are(1), &["expected: 1 process outlives it", "none did"]);
}

/// Leaves a process that forks and ends, as does its child, and so on: never the same when one looks again.
fn leaves_a_runaway() {
    // SAFETY: a process with one thread, and so are its forks, which call nothing but `fork` and `_exit`.
    if unsafe { libc::fork() } == 0 {
        loop {
            // SAFETY: as above.
            if unsafe { libc::fork() } > 0 {
                // SAFETY: no preconditions.
                unsafe { libc::_exit(0) };
            }
        }
    }
}

#[test]
fn one_that_forks_and_ends_again_and_again_is_found_and_killed() {
    // One look at the processes does not find it now and then, with more at once rather.
    let runs = || {
        for _ in 0..20 {
            let exit = assert_exit(leaves_a_runaway).returned();
            assert!(!exit.leftovers().is_empty());
            fails_with(|| exit.no_leftovers(), &["no process outlives it"]);
        }
    };
    std::thread::scope(|scope| (0..4).map(|_| scope.spawn(runs)).for_each(drop));
}

#[test]
fn what_was_killed_together_with_the_target_is_no_leftover() {
    // Ten, each of which takes its time to die, for it has to be scheduled for that.
    let plan = || {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo up; wait";
        program("sh").args(["-c", script]).ready_when(Ready::stdout("up").and(Ready::children(10)))
    };
    for signal in [SIGTERM, SIGKILL] {
        for _ in 0..5 {
            plan().group_signal_after(signal, ms(0)).killed_by(signal).no_leftovers();
        }
    }
    fails_with(
        || plan().signal_after(SIGTERM, ms(0)).killed_by(SIGTERM).no_leftovers(),
        &["10 processes did", "left behind and killed: 10 processes"],
    );
}
