//! Following what is hard to follow: zombies of every moment, threads that execute a program, news that comes
//! faster than it can be taken, a harness inside.

use std::time::Duration;

use exeunt::prelude::*;
use exeunt::{Fate, Ready};

use crate::process::{inner_test, is_inner};
use crate::support::fails_with;
use crate::{shell, target_of};

/// Forks a child that ends with 3 at once, waits until it is a zombie, and leaves.
fn leaves_a_fresh_zombie() -> ! {
    // SAFETY: a process with one thread; the child calls nothing but `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: no preconditions.
        unsafe { libc::_exit(3) };
    }
    let state = format!("/proc/{child}/stat");
    while !std::fs::read_to_string(&state).expect("it is not waited for").contains(") Z ") {}
    // SAFETY: no preconditions.
    unsafe { libc::_exit(0) }
}

#[test]
fn a_zombie_is_a_zombie_however_shortly_before_the_target_it_ended() {
    // In some of these runs its end is heard of after the target's.
    for _ in 0..50 {
        for traced in [false, true] {
            let plan = assert_exit(|| leaves_a_fresh_zombie());
            let exit = if traced { plan.traced() } else { plan }.code(0);
            let fates: Vec<_> = exit.tree().members().iter().map(|member| member.fate().clone()).collect();
            assert_eq!(fates, [Fate::NeverWaitedFor(Ending::Code(3))], "traced: {traced}");
            assert!(exit.leftovers().is_empty());
        }
    }
}

#[test]
fn a_program_that_is_followed_has_the_same_signals_ignored_as_any_other() {
    let plan = || shell("exec grep -E 'SigIgn|SigBlk|SigCgt' /proc/self/status");
    let plain = plan().success();
    let sets = plain.stdout_text();
    assert!(sets.contains("SigIgn:\t0000000000000000"), "{sets}");
    let exit = plan().traced().stdout(sets);
    fails_with(|| exit.stdout("SigIgn:\t0000000000001000\n"), &["of stdout"]);
}

#[test]
fn a_program_that_a_thread_executes_is_the_same_process() {
    let exit = assert_exit(|| {
        std::thread::spawn(|| {
            use std::os::unix::process::CommandExt;
            let error = std::process::Command::new("sh").args(["-c", "(exit 5); (exit 6); exit 4"]).exec();
            panic!("{error}");
        });
        loop {
            std::thread::park();
        }
    })
    .traced()
    .code(4);
    let codes: Vec<_> = exit.tree().members().iter().map(|member| member.fate().clone()).collect();
    assert_eq!(codes, [5, 6].map(|code| Fate::Ended(Ending::Code(code))));
    assert!(exit.tree().members().iter().all(|member| member.parent() == Some(target_of(&exit))));
}

#[test]
fn the_deadline_holds_however_fast_the_news_comes() {
    const PROCESSES: usize = 12;
    let exit = assert_exit(|| {
        for _ in 0..PROCESSES {
            // SAFETY: a process with one thread; the child makes system calls only.
            if unsafe { libc::fork() } == 0 {
                // SAFETY: SIG_IGN runs no code.
                unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
                let own = i32::try_from(std::process::id()).expect("a process id");
                loop {
                    // SAFETY: numbers only; it signals itself.
                    unsafe { libc::kill(own, libc::SIGUSR1) };
                }
            }
        }
        loop {
            std::thread::park();
        }
    })
    .traced()
    .timeout(ms(700))
    .timed_out();
    let told = exit.timeline().iter().filter(|event| matches!(event.what, exeunt::What::Received(_))).count();
    // What is ignored is not delivered; but it may have been sent before it was.
    assert!(told <= 64, "{told}");
    assert!(exit.tree().members().len() <= PROCESSES);
    fails_with(|| exit.code(0), &["still running after 700 ms, ended by the harness"]);
}

#[test]
fn signals_that_are_not_told_are_counted() {
    let script = "trap : USR1; i=0; while [ $i -lt 100 ]; do kill -USR1 $$; i=$((i+1)); done";
    let exit = shell(script).traced().success();
    let told = exit.timeline().iter().filter(|event| matches!(event.what, exeunt::What::Received(_))).count();
    assert_eq!((told, exit.tree().signals_left_out()), (64, 36));
}

#[test]
#[ignore = "the test below runs it"]
fn a_harness_inside() {
    if is_inner() {
        let waits = assert_exit(|| {
            loop {
                std::thread::park();
            }
        });
        let announced = std::cell::Cell::new(false);
        let never = Ready::seen("never", move |seen| {
            if !announced.replace(true) {
                probe::mark(format!("its target is {}", seen.pid()));
            }
            false
        });
        waits.timeout(secs(600)).ready_when(Ready::handler(SIGUSR1).or(never)).success();
    }
}

#[test]
fn a_harness_that_is_followed_and_killed_cleans_up_behind_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let is_up = Ready::mark(predicate::str::starts_with("its target is "));
    let exit = inner_test("hard::a_harness_inside")
        .env("TMPDIR", scratch.path())
        .traced()
        .ready_when(is_up)
        .signal_after(SIGKILL, Duration::ZERO)
        .killed_by(SIGKILL);
    let left: Vec<_> = std::fs::read_dir(scratch.path()).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let label = exit.marks()[0].label();
    let target = label.strip_prefix("its target is ").unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{target}")).exists(), "{exit:?}");
}

#[test]
fn all_of_many_that_a_followed_target_left_are_killed() {
    let leaves_behind = || {
        // More than the supervisor takes the news of at once.
        for _ in 0..600 {
            // SAFETY: a process with one thread; the child calls nothing but `pause`.
            if unsafe { libc::fork() } == 0 {
                loop {
                    // SAFETY: no preconditions.
                    unsafe { libc::pause() };
                }
            }
        }
    };
    for _ in 0..3 {
        let exit = assert_exit(leaves_behind).traced().returned().leftovers_are(600);
        fails_with(|| exit.no_leftovers(), &["600 processes did"]);
    }
}
