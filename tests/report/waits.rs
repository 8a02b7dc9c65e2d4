//! What was still running at the deadline, and what each process and each thread waited for; and whether
//! it could go on at all.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use exeunt::prelude::*;

use crate::normal;
use crate::programs::c_program;
use crate::support::{report_of, times_out};

const CANNOT_GO_ON: &str = "      it cannot go on: every thread waits for a lock inside this process\n";

/// The facts at a deadline by which so many threads, of all processes, had come to their waits; and how they are
/// reported.
#[track_caller]
fn at_the_deadline(plan: impl Fn() -> ExitTest, waiting: usize) -> (Exit, String) {
    let sleeps = |exit: &Exit| exit.to_string().contains("(sleep) waits in clock_nanosleep");
    let all_wait = |exit: &Exit| {
        let threads = exit.stuck().iter().flat_map(|process| &process.threads);
        let waits = threads.filter(|thread| thread.call.is_some()).count();
        // The other process is a `sleep`, if it has come to be one.
        waits == waiting && (exit.stuck().len() == 1 || sleeps(exit))
    };
    let exit = times_out(plan, all_wait);
    let report = report_of(|| exit.clone().success());
    (exit, report)
}

fn named(name: &str, body: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).expect("a thread")
}

/// A pipe: (reader, writer).
fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    ends.map(|end| {
        // SAFETY: the kernel just made it.
        unsafe { File::from_raw_fd(end) }
    })
    .into()
}

/// A thread of each kind of wait.
fn wait_in_many_ways() {
    let (mut reader, writer) = pipe();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let (mut socket, other) = UnixStream::pair().expect("a socket");
    let threads = [
        named("reads a pipe", move || drop(reader.read(&mut [0]))),
        named("accepts", move || drop(listener.accept())),
        named("reads a socket", move || drop(socket.read(&mut [0]))),
        named("sleeps", || thread::sleep(Duration::from_secs(600))),
        named("waits for child", || {
            let child = std::process::Command::new("sleep").arg("601").spawn();
            drop(child.expect("it starts").wait());
        }),
        named("parked", thread::park),
    ];
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    drop((writer, other));
}

#[test]
fn each_thread_is_shown_with_what_it_waits_for() {
    let (_, report) = at_the_deadline(|| assert_exit(wait_in_many_ways), 8);
    let report = normal(&report);
    let (_, rest) = report.split_once("  still running:\n").expect("a list");
    let (shown, _) = rest.split_once("  stdout:").expect("the streams");
    let own = crate::process::own_executable();
    // The kernel keeps fifteen bytes of it.
    let main = &own.file_name().unwrap().to_str().unwrap()[..15];
    let expected = format!(
        "    process N: THIS TEST
      thread N ({main}) waits in futex (the end of a thread)
      thread N (reads a pipe) waits in read on descriptor 3 (pipe:[N])
      thread N (accepts) waits in accept on descriptor 5 (socket:[N])
      thread N (reads a socket) waits in recv on descriptor 6 (socket:[N])
      thread N (sleeps) waits in clock_nanosleep
      thread N (waits for child) waits in wait4 (for a child)
      thread N (parked) waits in futex (a lock inside the process)
    process N: sleep 601
      thread N (sleep) waits in clock_nanosleep
"
    );
    assert_eq!(shown, expected);
}

#[test]
fn a_shell_that_waits_for_its_child_is_shown_with_it() {
    let (_, report) = at_the_deadline(|| program("sh").args(["-c", "sleep 601; :"]), 2);
    let report = normal(&report);
    let shown = "  still running:
    process N: sh -c sleep 601; :
      thread N (sh) waits in wait4 (for a child)
    process N: sleep 601
      thread N (sleep) waits in clock_nanosleep
  stdout: empty";
    assert!(report.contains(shown), "{report}");
}

/// Two threads that take two locks, each in its own order.
fn deadlock(locks: &Arc<(Mutex<()>, Mutex<()>)>) -> [thread::JoinHandle<()>; 2] {
    let both = Arc::new(std::sync::Barrier::new(2));
    let take = |first_first: bool| {
        let (locks, both) = (Arc::clone(locks), Arc::clone(&both));
        move || {
            let (one, other) = if first_first { (&locks.0, &locks.1) } else { (&locks.1, &locks.0) };
            let _one = one.lock();
            both.wait();
            let _other = other.lock();
        }
    };
    [named("one way", take(true)), named("the other way", take(false))]
}

#[test]
fn a_deadlock_is_told_to_be_one_also_where_the_main_thread_waits_for_the_end_of_others() {
    let locked = || {
        for thread in deadlock(&Arc::default()) {
            thread.join().expect("it does not panic");
        }
    };
    let (exit, report) = at_the_deadline(|| assert_exit(locked), 3);
    assert!(report.contains(CANNOT_GO_ON), "{report}");
    assert!(exit.stuck()[0].is_deadlocked());
}

#[test]
fn a_lock_that_is_taken_twice_is_told_to_be_a_deadlock() {
    let twice = || {
        let lock = Mutex::new(());
        let _first = lock.lock();
        let _second = lock.lock();
    };
    let (_, report) = at_the_deadline(|| assert_exit(twice), 1);
    assert!(report.contains(CANNOT_GO_ON), "{report}");
    assert!(report.contains(") waits in futex (a lock inside the process)\n"), "{report}");
}

#[test]
fn a_deadlock_of_a_c_program_is_told_to_be_one() {
    let Some(_) = c_program("deadlock.c") else { return };
    let plan = || c_program("deadlock.c").expect("it was compiled");
    thread::scope(|scope| {
        scope.spawn(|| {
            let (_, report) = at_the_deadline(|| plan().arg("timed"), 3);
            assert!(!report.contains("cannot go on"), "{report}");
        });
        let (_, report) = at_the_deadline(plan, 3);
        assert!(report.contains(CANNOT_GO_ON), "{report}");
    });
}

#[test]
fn a_wait_with_a_time_limit_is_no_deadlock() {
    let timed = || {
        let lock = Mutex::new(());
        let guard = lock.lock().expect("nobody panicked");
        drop(Condvar::new().wait_timeout(guard, Duration::from_secs(600)));
    };
    let (exit, report) = at_the_deadline(|| assert_exit(timed), 1);
    assert!(report.contains("waits in futex\n"), "{report}");
    assert!(!report.contains("cannot go on"), "{report}");
    assert!(!exit.stuck()[0].is_deadlocked());
}

#[test]
fn a_deadlock_is_told_to_be_one_also_where_the_main_thread_has_ended() {
    let Some(_) = c_program("deadlock.c") else { return };
    let plan = || c_program("deadlock.c").expect("it was compiled").arg("leaves");
    let (exit, report) = at_the_deadline(plan, 2);
    assert!(report.contains(CANNOT_GO_ON), "{report}");
    assert!(report.contains(": [deadlock]\n"), "it has no command line any more:\n{report}");
    assert!(report.contains(" (deadlock) has ended\n"), "{report}");
    assert!(exit.stuck()[0].is_deadlocked());
}

#[test]
fn threads_that_wake_one_another_in_turn_are_no_deadlock() {
    let Some(_) = c_program("deadlock.c") else { return };
    // In some looks all of them are found asleep, one after the other.
    for _ in 0..40 {
        let plan = c_program("deadlock.c").expect("it was compiled").arg("in-turn");
        let exit = plan.timeout(ms(60)).timed_out();
        let report = report_of(|| exit.success());
        assert!(!report.contains("cannot go on"), "{report}");
    }
}

#[test]
fn a_lock_that_a_handler_may_release_is_told_with_the_handler() {
    let Some(_) = c_program("deadlock.c") else { return };
    let plan = || c_program("deadlock.c").expect("it was compiled").arg("handler");
    let (exit, report) = at_the_deadline(plan, 1);
    let told = "      it cannot go on: every thread waits for a lock inside this process, unless a signal comes whose \
                handler releases one (it has handlers for SIGTERM (15))\n";
    assert!(report.contains(told), "{report}");
    assert_eq!(exit.stuck()[0].handlers, [SIGTERM]);
    // And so it is.
    plan().ready_when(Ready::handler(SIGTERM)).signal_after(SIGTERM, ms(0)).code(3);
}

#[test]
fn zombies_do_not_take_the_places_of_those_that_run_and_more_are_counted() {
    let Some(_) = c_program("family.c") else { return };
    let plan = |zombies: &str, others: &str| {
        let plan = c_program("family.c").expect("it was compiled").args([zombies, others]);
        plan.ready_when(Ready::stdout("up")).timeout(secs(2))
    };
    let exit = plan("40", "5").timed_out();
    assert_eq!(exit.stuck().len(), 6, "{exit}");
    let report = report_of(|| exit.success());
    assert!(!report.contains("processes …"), "{report}");
    let exit = plan("0", "40").timed_out();
    assert_eq!(exit.stuck().len(), 32, "{exit}");
    let report = report_of(|| exit.success());
    assert!(report.contains("    … 9 processes more …\n  stdout"), "{report}");
}

/// What the main thread may do beside two threads that are in a deadlock.
const BESIDE: [fn(); 3] = [
    || thread::sleep(Duration::from_secs(600)),
    || {
        let (mut reader, _writer) = pipe();
        drop(reader.read(&mut [0]));
    },
    || {
        loop {
            std::hint::spin_loop();
        }
    },
];

#[test]
fn one_thread_that_can_still_do_something_is_enough_for_no_deadlock() {
    thread::scope(|scope| {
        for index in 0..BESIDE.len() {
            scope.spawn(move || {
                let body = |index: usize| {
                    let _threads = deadlock(&Arc::default());
                    BESIDE[index]();
                };
                // The last of them waits for nothing.
                let waiting = if index + 1 == BESIDE.len() { 2 } else { 3 };
                let (_, report) = at_the_deadline(|| assert_exit_with(index, body), waiting);
                assert!(report.contains("still running:\n"), "{report}");
                assert!(!report.contains("cannot go on"), "{report}");
            });
        }
    });
}
