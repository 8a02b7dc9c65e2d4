//! The end of the test runner itself: by Ctrl-C, by a signal, by an `exit` in the middle of everything.
//! Whatever it was, what its runs had started is gone, and so are the harness's processes and files.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use exeunt::prelude::*;

use crate::process::{
    PATIENCE, Process, as_at_a_terminal, descendants, inner_arguments, inner_variable, is_inner,
    own_executable,
};

/// A gate that never opens, and prints when the target is up.
#[expect(clippy::print_stdout, reason = "the test that started this one reads it")]
fn announces() -> Ready {
    let announced = Mutex::new(false);
    Ready::seen("never", move |seen| {
        let mut announced = announced.lock().expect("nobody panicked");
        if !*announced && seen.stdout().contains("up") {
            *announced = true;
            println!("a target is up");
        }
        false
    })
}

const TARGETS: usize = 3;

/// Three runs at once that do not end by themselves; `meanwhile` is called when they have begun.
fn three_runs_that_do_not_end() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let script = "setsid sleep 601 & sleep 602 & echo up; exec sleep 603";
            program("sh").args(["-c", script]).timeout(secs(600)).ready_when(announces()).success()
        });
        scope.spawn(|| {
            let script = "trap '' HUP INT TERM; echo up; while :; do sleep 604; done";
            program("sh").args(["-c", script]).timeout(secs(600)).ready_when(announces()).success()
        });
        let function = assert_exit(|| {
            let _ = std::io::stdout().write_all(b"up\n");
            loop {
                std::thread::park();
            }
        });
        function.timeout(secs(600)).ready_when(announces()).success();
    });
}

#[test]
#[ignore = "other tests run it"]
fn inner() {
    if is_inner() {
        three_runs_that_do_not_end();
    }
}

#[test]
#[ignore = "other tests run it"]
fn inner_that_exits() {
    if is_inner() {
        std::thread::spawn(|| {
            let mut line = String::new();
            // Told by the test that started this one.
            std::io::stdin().read_line(&mut line).expect("its stdin");
            std::process::exit(9)
        });
        three_runs_that_do_not_end();
    }
}

#[test]
#[ignore = "other tests run it"]
fn inner_without_the_harness() {
    if is_inner() {
        let mut child = Command::new("setsid").args(["sleep", "605"]).spawn().expect("it starts");
        (0..TARGETS).for_each(|_| println!("a target is up"));
        child.wait().expect("it ends");
    }
}

/// This test binary, run as a child with one of the tests above, in a process group of its own.
struct Runner {
    child: Child,
    scratch: tempfile::TempDir,
    /// All that it and its runs have started.
    started: Vec<Process>,
}

impl Runner {
    /// Returns when all targets are up.
    fn start(test: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (name, value) = inner_variable();
        let mut command = Command::new(own_executable());
        command
            .args(inner_arguments(&format!("runner::{test}")))
            .env(name, value)
            .env("TMPDIR", scratch.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // SAFETY: what the child does is async-signal-safe.
        unsafe { command.pre_exec(as_at_a_terminal) };
        let mut child = command.spawn().expect("this test binary");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let up = lines.map_while(Result::ok).filter(|line| line.contains("a target is up"));
        assert_eq!(up.take(TARGETS).count(), TARGETS, "the targets came up");
        let started = descendants(pid_of(&child));
        Self { child, scratch, started }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.started.iter().map(|process| process.name()).collect();
        names.sort();
        names
    }

    fn signal(&self, target: i32, signal: Signal) {
        assert!(target.abs() > 1 && target.abs() == pid_of(&self.child));
        // SAFETY: numbers only; the child was not waited for, so that the id is its own.
        assert_eq!(unsafe { libc::kill(target, signal.number()) }, 0);
    }

    /// Waits for all that was started, and gives what is still alive after that.
    fn survivors(&self, deadline: Instant) -> Vec<(Process, String)> {
        let survivors = self.started.iter().filter(|process| !process.ends_before(deadline));
        survivors.map(|process| (*process, process.name())).collect()
    }
}

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a process id")
}

/// Asserts that `end` ends the runner with this status, and that nothing is left; tells how long it took
/// the runner to end.
#[track_caller]
fn leaves_nothing(test: &str, end: impl FnOnce(&mut Runner), status: (Option<i32>, Option<i32>)) -> Duration {
    let mut runner = Runner::start(test);
    let names = runner.names();
    let harness = names.iter().filter(|name| name.starts_with("exeunt-")).count();
    // The first target has two children; a launcher and a supervisor for each run are the least.
    assert!(harness > TARGETS && names.len() - harness >= TARGETS + 2, "something to be left: {names:?}");
    let begin = Instant::now();
    end(&mut runner);
    let ended = runner.child.wait().unwrap();
    let took = begin.elapsed();
    assert_eq!((ended.code(), ended.signal()), status);
    let survivors = runner.survivors(Instant::now() + PATIENCE);
    assert!(survivors.is_empty(), "alive after the end of the runner: {survivors:?}");
    let files: Vec<_> = runner.scratch.path().read_dir().unwrap().flatten().collect();
    assert!(files.is_empty(), "left in the temporary directory: {files:?}");
    took
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    // To the whole foreground group, as a terminal sends it.
    leaves_nothing("inner", |runner| runner.signal(-pid_of(&runner.child), SIGINT), (None, Some(2)));
}

#[test]
fn sigterm_leaves_nothing_behind() {
    leaves_nothing("inner", |runner| runner.signal(pid_of(&runner.child), SIGTERM), (None, Some(15)));
}

#[test]
fn sigkill_to_the_whole_group_leaves_nothing_behind() {
    leaves_nothing("inner", |runner| runner.signal(-pid_of(&runner.child), SIGKILL), (None, Some(9)));
}

#[test]
fn an_exit_in_the_middle_of_runs_leaves_nothing_behind_and_is_not_held_up() {
    let once =
        || leaves_nothing("inner_that_exits", |runner| drop(runner.child.stdin.take()), (Some(9), None));
    // Where the launcher does not leave, the exit waits for it for two seconds, each time. Others share the machine.
    let took: Vec<Duration> = (0..3).map(|_| once()).take_while(|took| *took >= secs(2)).collect();
    assert!(took.len() < 3, "{took:?}");
}

#[test]
fn what_the_harness_did_not_start_is_left_and_noticed_by_these_tests() {
    let mut runner = Runner::start("inner_without_the_harness");
    runner.signal(pid_of(&runner.child), SIGKILL);
    runner.child.wait().unwrap();
    let survivors = runner.survivors(Instant::now() + ms(100));
    for (process, _) in &survivors {
        process.kill();
    }
    assert_eq!(survivors.len(), 1, "{survivors:?}");
}

#[test]
fn a_panic_in_the_middle_of_a_run_leaves_nothing_behind() {
    let target = Mutex::new(None);
    std::thread::scope(|scope| {
        let panicked = scope.spawn(|| {
            catch_unwind(AssertUnwindSafe(|| {
                let (tell, told) = std::sync::mpsc::channel();
                let gate = Ready::seen("a panic", move |seen| {
                    let _ = tell.send(Process::alive(seen.pid()));
                    assert!(!seen.stdout().contains("up"), "on purpose");
                    false
                });
                let plan = program("sh").args(["-c", "echo up; exec sleep 600"]).ready_when(gate);
                let result = catch_unwind(AssertUnwindSafe(|| plan.run()));
                *target.lock().unwrap() = told.iter().last().flatten();
                result.expect_err("the closure panics");
            }))
        });
        panicked.join().unwrap().unwrap();
    });
    let target = target.into_inner().unwrap().expect("the target was alive when the gate was asked");
    assert!(target.ends_before(Instant::now() + PATIENCE), "the target outlived its run");
    // The next run is as good as ever.
    program("true").success();
}
