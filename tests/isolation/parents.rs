//! A target that turns against the processes above it, its supervisor and the launcher: nothing
//! happens, or the run is a harness error. It is never taken for an exit, and later runs are right.

use std::path::PathBuf;
use std::time::Instant;

use exeunt::prelude::*;

use crate::descendants::{self, Registry};
use crate::process::{PATIENCE, Process};
use crate::support::{fails_with, report_of};

fn send(pid: i32, signal: i32) {
    // SAFETY: numbers only. The process is the one that runs this target, or the one above that.
    unsafe { libc::kill(pid, signal) };
}

fn parent() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::getppid() }
}

#[test]
fn a_signal_to_the_parent_changes_nothing() {
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "CHLD", "PIPE", "ALRM"] {
        let exit = program("sh").args(["-c", "kill -s \"$0\" $PPID; exit 3", signal]).code(3);
        fails_with(|| exit.success(), &["happened: exit code 3"]);
    }
    let exit = assert_exit(|| {
        for number in (1..32).filter(|number| ![libc::SIGKILL, libc::SIGSTOP].contains(number)) {
            send(parent(), number);
        }
        std::process::exit(4);
    });
    exit.code(4);
}

#[test]
fn a_parent_that_was_killed_is_a_harness_error_and_no_exit() {
    let plans: [fn() -> ExitTest; 2] = [
        || program("sh").args(["-c", "kill -9 $PPID; sleep 1000"]),
        || {
            assert_exit(|| {
                send(parent(), libc::SIGKILL);
                descendants::wait_for_ever();
            })
        },
    ];
    for plan in plans {
        let error = plan().run().unwrap_err();
        assert!(error.to_string().starts_with("harness error: "), "{error}");
        assert!(error.exit().is_none());
        for report in [
            report_of(|| plan().killed_by(SIGKILL)),
            report_of(|| plan().failure()),
            report_of(|| plan().timed_out()),
            report_of(|| plan().signal_after(SIGTERM, secs(100)).allow_early_end().killed_by(SIGKILL)),
        ] {
            assert!(report.starts_with("harness error: "), "{report}");
        }
        // The next run finds another supervisor.
        program("sh").args(["-c", "exit 3"]).code(3);
    }
}

#[test]
fn what_a_target_left_dies_though_its_supervisor_was_killed() {
    let registry = Registry::new();
    let plan = assert_exit_with(registry.path(), |registry: PathBuf| {
        descendants::start_all(&registry);
        descendants::report(&registry);
        send(parent(), libc::SIGKILL);
        descendants::wait_for_ever();
    });
    let error = plan.run().unwrap_err().to_string();
    assert!(error.starts_with("harness error: "), "{error}");
    let deadline = Instant::now() + PATIENCE;
    let number: usize = descendants::KINDS.iter().map(|kind| descendants::count(kind)).sum();
    for _ in 0..=number {
        let process = registry.next();
        assert!(process.ends_before(deadline), "{process:?} is alive");
    }
}

isolated! {
    #[test]
    fn a_launcher_that_was_killed_is_replaced() {
        // The launcher is the parent of the parent.
        let kills_the_launcher = || {
            assert_exit(|| {
                let launcher = Process::alive(parent()).unwrap().parent().unwrap();
                // Nobody else: of an orphan it would be init.
                assert_eq!(Process::alive(launcher).unwrap().name(), "exeunt-launcher");
                send(launcher, libc::SIGKILL);
                descendants::wait_for_ever();
            })
        };
        for _ in 0..3 {
            // Its own run goes on, or says that the harness is gone: it is no exit of its own.
            match kills_the_launcher().timeout(ms(500)).run() {
                Ok(exit) => assert!(matches!(exit.ending(), Ending::TimedOut { .. }), "{exit:?}"),
                Err(error) => assert!(error.to_string().starts_with("harness error: "), "{error}"),
            }
            program("sh").args(["-c", "exit 3"]).code(3);
            assert_exit(|| std::process::exit(4)).code(4);
        }
    }
}
