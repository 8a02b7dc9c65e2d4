//! Many marks at once: from threads, processes and signal handlers, none is lost or mixed with another.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use exeunt::prelude::*;

use crate::support::fails_with;

const PROCESSES: usize = 8;
const THREADS: usize = 8;
const MARKS: usize = 1000;

/// A second for each of them is far more than it takes.
const LONG: Duration = secs(120);

/// Forks; zero in the child.
fn fork() -> libc::pid_t {
    // SAFETY: called before the process has other threads.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    pid
}

fn wait_for(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: a child of this process, and a live place for its status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
}

fn make_marks(process: usize) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for mark in 0..MARKS {
                    probe::mark(format!("{process}\n{thread}\n{mark}"));
                }
            });
        }
    });
}

#[test]
fn no_mark_of_eight_processes_with_eight_threads_each_is_lost() {
    let exit = assert_exit(|| {
        let children: Vec<_> = (0..PROCESSES)
            .map(|process| match fork() {
                0 => {
                    make_marks(process);
                    crate::exit_now(0)
                }
                child => child,
            })
            .collect();
        children.into_iter().for_each(wait_for);
        probe::mark("all were made");
    });
    let exit = exit.timeout(LONG).returned().cleanup_ran("all were made");
    let labels: HashSet<_> = exit.marks().iter().map(|mark| mark.label().into_owned()).collect();
    assert_eq!((labels.len(), exit.marks().len()), (64_001, 64_001));
    for process in 0..PROCESSES {
        for thread in 0..THREADS {
            for mark in 0..MARKS {
                assert!(labels.contains(&format!("{process}\n{thread}\n{mark}")));
            }
        }
    }
    fails_with(
        || exit.cleanup_ran("8\n0\n0"),
        &["there is no evidence that it did", "looked at 64001 marks"],
    );
}

#[test]
fn lines_of_shells_and_marks_of_the_probe_do_not_mix() {
    let exit = assert_exit(|| {
        let script =
            r#"i=0; while [ $i -lt 500 ]; do echo "shell $0 $i" >> "$EXEUNT_PROBE"; i=$((i + 1)); done"#;
        let shell =
            |number: usize| Command::new("sh").args(["-c", script, &number.to_string()]).spawn().unwrap();
        let shells: Vec<_> = (0..3).map(shell).collect();
        make_marks(0);
        for mut shell in shells {
            assert!(shell.wait().unwrap().success());
        }
    });
    let exit = exit.timeout(LONG).returned();
    let labels: HashSet<_> = exit.marks().iter().map(|mark| mark.label().into_owned()).collect();
    assert_eq!((labels.len(), exit.marks().len()), (3 * 500 + THREADS * MARKS, 3 * 500 + THREADS * MARKS));
    for shell in 0..3 {
        assert!((0..500).all(|mark| labels.contains(&format!("shell {shell} {mark}"))));
    }
}

extern "C" fn mark_from_a_handler(_: libc::c_int) {
    probe::mark("from the handler");
}

fn install_the_handler() {
    // SAFETY: the handler makes a mark, which is async-signal-safe.
    unsafe { libc::signal(libc::SIGUSR1, mark_from_a_handler as *const () as libc::sighandler_t) };
}

#[test]
fn a_mark_from_a_signal_handler_is_made_wherever_it_interrupts() {
    let exit = assert_exit(|| {
        install_the_handler();
        // Most of these come while the thread is in the middle of a mark of its own.
        let parent = std::process::id().cast_signed();
        let child = fork();
        if child == 0 {
            for _ in 0..200 {
                // SAFETY: numbers only; the parent waits for this process.
                unsafe { libc::kill(parent, libc::SIGUSR1) };
                std::thread::yield_now();
            }
            crate::exit_now(0);
        }
        for mark in 0..5000 {
            probe::mark(format!("from main {mark}"));
        }
        loop {
            // SAFETY: a child of this process; it is waited for again where a signal interrupts.
            if unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } == child {
                break;
            }
        }
    });
    let exit = exit.timeout(LONG).returned().cleanup_ran("from the handler");
    let of_main = exit.marks().iter().filter(|mark| mark.label().starts_with("from main")).count();
    let of_the_handler = exit.marks().iter().filter(|mark| mark.label() == "from the handler").count();
    // Signals that are pending already are one.
    assert!(of_main == 5000 && (1..=200).contains(&of_the_handler), "{of_main}, {of_the_handler}");
    assert_eq!(exit.marks().len(), of_main + of_the_handler);
}

#[test]
fn a_mark_from_a_signal_handler_leaves_errno_alone() {
    let exit = assert_exit(|| {
        install_the_handler();
        // SAFETY: the address of this thread's errno.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: it is valid as long as the thread.
        unsafe { errno.write(4242) };
        // SAFETY: no preconditions.
        unsafe { libc::raise(libc::SIGUSR1) };
        // SAFETY: as above.
        let after = unsafe { errno.read() };
        std::process::exit(i32::from(after == 4242));
    });
    exit.code(1).cleanup_ran("from the handler");
}

/// The processor time that this thread has had.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is room for a time.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

#[test]
fn sixty_thousand_guards_are_weighed_in_no_time() {
    let exit = assert_exit(|| {
        for label in ["other", "guard"] {
            (0..30_000).for_each(|_| drop(probe::on_drop(label)));
        }
    });
    let exit = exit.timeout(secs(60)).returned();
    let before = processor_time();
    let exit = exit.dropped("guard").cleanup_ran("guard");
    // It took forty seconds where each drop was looked for among all guards, and takes a tenth of one.
    let took = processor_time() - before;
    assert!(took < secs(8), "{took:?}");
    fails_with(|| exit.not_dropped("guard"), &["30000 guards were armed, 30000 dropped"]);
}
