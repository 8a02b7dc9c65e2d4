//! `Ready::idle`: all that runs has gone to sleep, and waits for something to come.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use exeunt::prelude::*;

use crate::support::{fails_with, needs};
use crate::{runs, stays_closed, work};

const DONE: &str = "all was done";

/// Asserts that when the gate opens the target has come to where it waits, in all runs.
#[track_caller]
fn is_done_when_idle(plan: impl Fn() -> ExitTest) {
    for _ in 0..runs() {
        let exit = plan().signal_when(SIGKILL, Ready::idle()).killed_by(SIGKILL);
        let marked = exit.marks().iter().any(|mark| mark.label() == DONE);
        assert!(marked, "the gate opened before it was idle: {:?}", exit.timeline());
    }
}

fn works_and_waits() {
    for _ in 0..5 {
        work();
        // A pause is no end of its work.
        thread::sleep(Duration::from_millis(25));
    }
    probe::mark(DONE);
    let _ = std::io::stdin().read(&mut [0]);
    loop {
        thread::park();
    }
}

#[test]
fn a_function_that_works_with_pauses_is_idle_when_it_waits() {
    is_done_when_idle(|| assert_exit(works_and_waits));
}

#[test]
fn a_gate_that_opens_too_early_is_found_out_by_these_tests() {
    // Where the machine is busy, the target may be done before the signal comes, for a while.
    let is_done = || {
        let exit = assert_exit(works_and_waits).signal_when(SIGKILL, Ready::delay(ms(0))).run();
        exit.expect("a run").marks().iter().any(|mark| mark.label() == DONE)
    };
    fails_with(|| assert!((0..100).all(|_| is_done()), "before it was idle"), &["before it was idle"]);
}

#[test]
fn a_worker_thread_is_waited_for() {
    is_done_when_idle(|| {
        assert_exit(|| {
            thread::spawn(|| {
                for _ in 0..20 {
                    work();
                }
                probe::mark(DONE);
                loop {
                    thread::park();
                }
            });
            loop {
                thread::park();
            }
        })
    });
}

#[test]
fn two_threads_that_hand_work_to_each_other_are_never_idle() {
    stays_closed(
        || {
            assert_exit(|| {
                let (mut here, mut there) = UnixStream::pair().expect("a pair");
                thread::spawn(move || {
                    let mut byte = [0];
                    while there.read_exact(&mut byte).and_then(|()| there.write_all(&byte)).is_ok() {}
                });
                probe::mark("arranged");
                let mut byte = [0];
                while here.write_all(&byte).and_then(|()| here.read_exact(&mut byte)).is_ok() {}
            })
        },
        Ready::idle,
        &["gate: the target and all that it started are idle: "],
    );
}

#[test]
fn a_wrapper_that_waits_for_its_child_is_idle_when_the_child_is() {
    let Some(bash) = needs("bash") else { return };
    let script = |work: &str| {
        let inner = format!("{work} echo '{DONE}' >>\"$EXEUNT_PROBE\"; read -r line <\"$0\"");
        let outer = "mkfifo pipe; bash -c \"$0\" pipe; :";
        let directory = tempfile::tempdir().expect("a directory");
        (program(&bash).args(["-c", outer, &inner]).current_dir(&directory), directory)
    };
    for _ in 0..runs() {
        let (plan, _directory) = script("for ((i = 0; i < 20000; i++)); do :; done;");
        is_done(plan);
    }
}

#[track_caller]
fn is_done(plan: ExitTest) {
    let exit = plan.signal_when(SIGKILL, Ready::idle()).killed_by(SIGKILL);
    assert!(exit.marks().iter().any(|mark| mark.label() == DONE), "{:?}", exit.timeline());
}

#[test]
fn what_is_not_idle_is_named() {
    stays_closed(
        || {
            assert_exit(|| {
                probe::mark("arranged");
                loop {
                    work();
                }
            })
        },
        Ready::idle,
        &["gate: the target and all that it started are idle: the target is at work\n"],
    );
    stays_closed(
        || program("sh").args(["-c", "echo arranged >>\"$EXEUNT_PROBE\"; exec sleep 600"]),
        Ready::idle,
        &["are idle: the target is in clock_nanosleep, which waits for nothing that is to come\n"],
    );
    stays_closed(
        || program("sh").args(["-c", "echo arranged >>\"$EXEUNT_PROBE\"; sleep 600; :"]),
        Ready::idle,
        &["are idle: process ", " (sleep), which it started, is in clock_nanosleep"],
    );
    stays_closed(
        || {
            assert_exit(|| {
                let (mut here, there) = UnixStream::pair().expect("a pair");
                probe::mark("arranged");
                // Nobody reads at the other end.
                while here.write(&[0; 4096]).is_ok() {}
                drop(there);
            })
        },
        Ready::idle,
        &["are idle: the target is in "],
    );
}

#[test]
fn a_stopped_target_is_not_idle() {
    stays_closed(
        || {
            assert_exit(|| {
                probe::mark("arranged");
                // SAFETY: the call takes a number only.
                unsafe { libc::raise(libc::SIGSTOP) };
            })
        },
        Ready::idle,
        &["are idle: the target is stopped\n"],
    );
}

#[test]
fn a_server_that_says_nothing_is_ready_when_it_is_idle() {
    let exit = assert_exit(|| {
        work();
        let (teller, told) = mpsc::channel();
        ctrlc::set_handler(move || teller.send(()).expect("the main thread listens")).expect("a handler");
        told.recv().expect("the handler is there");
        probe::mark("left in order");
    })
    .signal_when(SIGINT, Ready::idle())
    .cleanup_ran("left in order")
    .code(0);
    fails_with(|| exit.killed_by(SIGINT), &["happened: exit code 0"]);
}

#[test]
fn a_target_that_is_woken_again_and_again_is_not_idle() {
    stays_closed(
        || {
            assert_exit(|| {
                let timer = ticking_every(Duration::from_millis(5));
                probe::mark("arranged");
                // Nearly always asleep when it is looked at.
                let mut ticks = [0_u8; 8];
                // SAFETY: the buffer is live and of that length.
                while unsafe { libc::read(timer, ticks.as_mut_ptr().cast(), ticks.len()) } > 0 {}
            })
        },
        Ready::idle,
        &["gate: the target and all that it started are idle: "],
    );
}

fn ticking_every(interval: Duration) -> libc::c_int {
    // SAFETY: the call takes numbers only.
    let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, 0) };
    let time = libc::timespec { tv_sec: 0, tv_nsec: i64::from(interval.subsec_nanos()) };
    let setting = libc::itimerspec { it_interval: time, it_value: time };
    // SAFETY: the setting is a live variable; the old one is not asked for.
    let set = unsafe { libc::timerfd_settime(timer, 0, &raw const setting, std::ptr::null_mut()) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    timer
}
