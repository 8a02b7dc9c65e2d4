//! Targets that turn against what watches them, and surroundings that are not as they should be. A
//! run ends all the same, and nothing of it remains.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use exeunt::prelude::*;

use process::Process;
use support::{fails_with, times_out};

/// Far less than the patience with a supervisor that does not answer, far more than a kill takes.
const SOON: Duration = Duration::from_secs(8);

#[expect(clippy::print_stdout, reason = "it is how a target tells")]
fn describe_oneself() {
    println!("{}", std::fs::read_to_string("/proc/self/stat").unwrap().trim_end());
}

fn signal_the_supervisor(signal: i32) {
    let supervisor = i32::try_from(std::os::unix::process::parent_id()).expect("a process id");
    // SAFETY: numbers only; the parent of a target is its supervisor.
    unsafe { libc::kill(supervisor, signal) };
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

#[track_caller]
fn is_over_soon_after_its_deadline(exit: &Exit) {
    let Ending::TimedOut { after } = *exit.ending() else { panic!("{exit}") };
    assert!(exit.duration() < after + SOON, "{exit}");
}

fn target_of(exit: &Exit) -> Process {
    Process::described(exit.stdout_text().lines().next().expect("a target that described itself"))
}

#[test]
fn a_supervisor_that_its_target_stops_goes_on() {
    let exit = times_out(
        || {
            assert_exit(|| {
                describe_oneself();
                signal_the_supervisor(libc::SIGSTOP);
                probe::mark("it is stopped");
                wait_for_ever()
            })
        },
        |exit| !exit.marks().is_empty(),
    );
    is_over_soon_after_its_deadline(&exit);
    assert!(!target_of(&exit).is_alive());
    fails_with(|| exit.killed_by(SIGKILL), &["still running after ", "ended by the harness"]);
    // It ends by itself as it would under any other.
    assert_exit(|| {
        signal_the_supervisor(libc::SIGSTOP);
        std::process::exit(3)
    })
    .timeout(secs(10))
    .code(3);
}

exeunt::isolated! {
    #[test]
    fn a_supervisor_of_a_forked_copy_that_is_stopped_goes_on_at_the_deadline() {
        let stop = libc::SIGSTOP;
        let exit = times_out(
            || {
                assert_exit_forked(|| {
                    describe_oneself();
                    signal_the_supervisor(stop);
                    probe::mark("it is stopped");
                    wait_for_ever()
                })
            },
            |exit| !exit.marks().is_empty(),
        );
        is_over_soon_after_its_deadline(&exit);
        assert!(!target_of(&exit).is_alive());
        fails_with(|| exit.code(0), &["still running after "]);
    }

    #[test]
    fn a_supervisor_that_is_killed_takes_its_target_along_and_is_no_exit() {
        let exit = assert_exit(|| {
            describe_oneself();
            signal_the_supervisor(libc::SIGKILL);
            wait_for_ever()
        })
        .timeout(secs(20))
        .run();
        let error = exit.expect_err("no exit was seen").to_string();
        assert!(error.contains("the supervisor of this run ended"), "{error}");
        assert_exit(|| std::process::exit(3)).code(3);
    }

    #[test]
    fn a_forked_copy_of_a_process_with_closed_streams_has_its_own() {
        let code = 3;
        for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
            // SAFETY: numbers only.
            let kept: Vec<i32> = closed.iter().map(|fd| unsafe { libc::dup(*fd) }).collect();
            for fd in closed {
                // SAFETY: a number only; nothing is printed until it is open again.
                unsafe { libc::close(*fd) };
            }
            let exit = assert_exit_forked(|| {
                println!("out");
                eprintln!("err");
                std::process::exit(code)
            })
            .run();
            for (fd, kept) in closed.iter().zip(kept) {
                // SAFETY: numbers only.
                unsafe { libc::dup2(kept, *fd) };
                // SAFETY: the duplicate made above.
                unsafe { libc::close(kept) };
            }
            let exit = exit.unwrap_or_else(|error| panic!("without {closed:?}: {error}"));
            let exit = exit.code(3).stdout("out\n").stderr("err\n");
            fails_with(|| exit.stdout("err\n"), &["of stdout"]);
        }
    }
}

/// The children of this process, zombies included.
fn children() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    lists.map(|list| list.split_ascii_whitespace().count()).sum()
}

exeunt::isolated! {
    #[test]
    fn a_launcher_that_was_killed_is_replaced_and_leaves_nothing() {
        let exit = assert_exit(|| {
            println!("{}", std::env::var("EXEUNT_PROBE").unwrap());
        })
        .success();
        let mark_file = std::path::PathBuf::from(exit.stdout_text().trim_end());
        let scratch = mark_file.parent().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(scratch.is_dir());
        assert_eq!(children(), 1, "the launcher is the only child");
        let harness = process::descendants(own);
        harness.iter().for_each(|process| process.kill());
        for process in harness {
            assert!(process.ends_before(Instant::now() + process::PATIENCE));
        }
        assert_exit(|| std::process::exit(3)).code(3);
        assert_eq!(children(), 1, "the new launcher is the only child");
        assert!(!scratch.exists());
    }
}

#[test]
fn a_run_whose_gate_panics_is_over_when_the_panic_goes_on() {
    use std::cell::Cell;
    use std::rc::Rc;

    let target = Rc::new(Cell::new(None));
    // It holds copies of all that this process has open, the run's socket too.
    let fork = Rc::new(Cell::new(0));
    let (seen_target, made_fork) = (Rc::clone(&target), Rc::clone(&fork));
    let gate = Ready::seen("a gate that panics", move |seen| {
        seen_target.set(Process::alive(seen.pid()));
        // SAFETY: the child does nothing but wait.
        made_fork.set(unsafe { libc::fork() });
        if made_fork.get() == 0 {
            loop {
                // SAFETY: no preconditions.
                unsafe { libc::pause() };
            }
        }
        panic!("a mistake in the test")
    });
    fails_with(
        || assert_exit(|| wait_for_ever()).signal_when(SIGTERM, gate).run(),
        &["a mistake in the test"],
    );
    let target = target.get().expect("the target was alive when the gate was asked");
    let outlived = target.is_alive();
    Process::alive(fork.get()).expect("the fork still waits").kill();
    // SAFETY: a child of this process; no status is asked for.
    unsafe { libc::waitpid(fork.get(), std::ptr::null_mut(), 0) };
    assert!(!outlived);
}

#[test]
fn a_leftover_is_one_whatever_it_is_called_and_whether_or_not_its_main_thread_lives() {
    extern "C" fn wait(_: *mut libc::c_void) -> *mut libc::c_void {
        wait_for_ever()
    }
    /// Says on stdout that it is as it should be, and waits.
    fn leave_behind(kind: u8) {
        // SAFETY: the process has one thread.
        if unsafe { libc::fork() } != 0 {
            return;
        }
        if kind == b'n' {
            // SAFETY: the name is NUL-terminated.
            unsafe { libc::prctl(libc::PR_SET_NAME, c"exeunt-daemon".as_ptr()) };
        }
        if kind == b'z' {
            let mut thread = 0;
            // SAFETY: `thread` is live; there are no attributes and no argument.
            unsafe { libc::pthread_create(&raw mut thread, std::ptr::null(), wait, std::ptr::null_mut()) };
            println!("up");
            // SAFETY: ends this thread alone, which nothing waits for.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
        }
        println!("up");
        wait_for_ever()
    }
    for (kind, name) in [(b'n', "named"), (b'z', "without its main thread")] {
        let exit = assert_exit_with(kind, |kind| {
            leave_behind(kind);
            wait_for_ever()
        })
        .signal_when(SIGTERM, Ready::stdout("up"))
        .killed_by(SIGTERM);
        assert_eq!(exit.leftovers().len(), 1, "{name}: {:?}", exit.leftovers());
    }
    // A zombie is none: nobody waited for it, but it has ended.
    let exit = assert_exit(|| {
        // SAFETY: the process has one thread.
        if unsafe { libc::fork() } == 0 {
            std::process::exit(0);
        }
        // SAFETY: no information is asked for; the child is left as it is.
        unsafe { libc::waitid(libc::P_ALL, 0, std::ptr::null_mut(), libc::WEXITED | libc::WNOWAIT) };
    })
    .returned();
    assert_eq!(exit.leftovers().len(), 0, "{:?}", exit.leftovers());
}
