//! What is seen of a target whose processes are followed: all of it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use exeunt::prelude::*;
use exeunt::{Fate, Received, Sender, What};

use crate::support::{fails_with, needs, times_out};
use crate::{is_code, member, shell, target_of};

fn received(exit: &Exit, signal: Signal) -> Vec<Received> {
    let of = |what: &What| match what {
        What::Received(received) if received.signal == signal => Some(*received),
        _ => None,
    };
    exit.timeline().iter().filter_map(|event| of(&event.what)).collect()
}

#[test]
fn children_that_were_waited_for_are_known_with_their_ends_and_their_parents() {
    let exit = shell("sh -c 'sh -c \"exit 4\" named-inner; exit 5' named-outer; kill -KILL $$").traced();
    let exit = exit.killed_by(SIGKILL);
    assert!(exit.tree().is_complete());
    let (outer, inner) = (member(&exit, "named-outer"), member(&exit, "exit 4 named-inner"));
    assert!(is_code(outer.fate(), 5) && is_code(inner.fate(), 4), "{:#?}", exit.tree());
    assert_eq!((outer.parent(), inner.parent()), (Some(target_of(&exit)), Some(outer.pid())));
    assert!(outer.born() <= inner.born() && inner.died() <= outer.died(), "{:#?}", exit.tree());
    assert!(outer.born() < outer.died());
    fails_with(
        || exit.clone().code(0),
        &[
            "processes that came from it:",
            &format!("(made by {}): sh -c exit 4", outer.pid()),
            ": exit code 5",
        ],
    );
}

#[test]
fn a_daemon_that_outlives_the_target_is_known_with_the_process_that_made_it() {
    let script = "(setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!); exit 0";
    let exit = shell(script).traced().success();
    // It may not have become `sleep` yet.
    let daemon = exit.tree().members().iter().find(|member| *member.fate() == Fate::LeftBehind);
    let daemon = daemon.expect("a daemon");
    assert!(daemon.parent().is_some_and(|parent| parent != target_of(&exit)), "{:#?}", exit.tree());
    assert_eq!(exit.leftovers().len(), 1);
    fails_with(|| exit.code(1), &["left behind and killed"]);
}

/// A fork that does this and leaves with 6; its process id.
fn fork_that(does: impl FnOnce()) -> i32 {
    // SAFETY: a function's process, of which this is the only thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        does();
        // SAFETY: no preconditions.
        unsafe { libc::_exit(6) };
    }
    child
}

fn wait_for(child: i32) {
    // SAFETY: the status is not asked for.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
}

#[test]
fn a_zombie_is_known_with_its_parent_wherever_that_is() {
    // A process between the target and the one that is never waited for, which outlives the target.
    let exit = assert_exit(|| {
        crate::leaves_a_zombie(7);
        let (mut reader, writer) = UnixStream::pair().unwrap();
        fork_that(|| {
            crate::leaves_a_zombie(9);
            (&writer).write_all(b"there is a zombie").unwrap();
            loop {
                std::thread::park();
            }
        });
        reader.read_exact(&mut [0]).unwrap();
    })
    .traced()
    .success();
    let zombies: Vec<_> = exit.tree().zombies().collect();
    assert_eq!(zombies.len(), 2, "{:#?}", exit.tree());
    let fates: Vec<_> = zombies.iter().map(|zombie| zombie.fate().clone()).collect();
    for code in [7, 9] {
        assert!(fates.contains(&Fate::NeverWaitedFor(Ending::Code(code))), "{fates:?}");
    }
    let between = exit.tree().members().iter().find(|member| *member.fate() == Fate::LeftBehind);
    let between = between.expect("the process between");
    let parents = [zombies[0].parent(), zombies[1].parent()];
    assert!(
        parents.contains(&Some(target_of(&exit))) && parents.contains(&Some(between.pid())),
        "{parents:?}"
    );
    fails_with(
        || exit.clone().no_zombies(),
        &[
            "expected: every child is waited for",
            "2 processes were zombies",
            "exit code 9, and nobody waited for it",
        ],
    );
}

#[test]
fn a_zombie_whose_parent_ends_is_an_orphan_that_is_waited_for() {
    for _ in 0..10 {
        let exit = assert_exit(|| wait_for(fork_that(|| crate::leaves_a_zombie(8)))).no_zombies();
        let find = |code| exit.tree().members().iter().find(|member| is_code(member.fate(), code));
        let (orphan, parent) = (find(8).expect("an orphan"), find(6).expect("its parent"));
        assert_eq!(orphan.parent(), Some(parent.pid()), "{:#?}", exit.tree());
    }
}

#[test]
fn an_orphan_of_a_subreaper_is_to_be_waited_for_by_that() {
    let plan = |waits: bool| {
        assert_exit_with(waits, |waits| {
            nix::sys::prctl::set_child_subreaper(true).unwrap();
            wait_for(fork_that(|| crate::leaves_a_zombie(8)));
            if waits {
                nix::sys::wait::wait().unwrap();
            }
        })
    };
    plan(true).no_zombies();
    fails_with(
        || plan(false).no_zombies(),
        &["1 process was a zombie", "exit code 8, and nobody waited for it"],
    );
}

#[test]
fn a_function_and_its_threads_and_forks_are_followed() {
    let exit = assert_exit(|| {
        let threads: Vec<_> = (0..8)
            .map(|code| {
                std::thread::spawn(move || {
                    let script = format!("exit {code}");
                    std::process::Command::new("sh").args(["-c", &script]).status().unwrap().code()
                })
            })
            .collect();
        for (code, thread) in (0..).zip(threads) {
            assert_eq!(thread.join().unwrap(), Some(code));
        }
        std::process::exit(3)
    })
    .traced()
    .code(3)
    .hooks_ran()
    .no_zombies();
    let members = exit.tree().members();
    assert_eq!(members.len(), 8, "threads are no processes: {members:#?}");
    for code in 0..8 {
        assert!(is_code(member(&exit, &format!("exit {code}")).fate(), code));
    }
    assert!(members.iter().all(|member| member.parent() == Some(target_of(&exit))));
}

#[test]
fn a_function_with_arguments_is_followed_through_its_exec() {
    assert_exit(|| std::process::exit(i32::try_from(std::env::args().count()).unwrap()))
        .args(["a", "b"])
        .traced()
        .code(3);
}

#[test]
fn the_sender_of_a_signal_is_named() {
    let itself = shell("kill -TERM $$").traced().killed_by(SIGTERM);
    let [from_itself] = received(&itself, SIGTERM)[..] else { panic!("{:?}", itself.timeline()) };
    assert_eq!((from_itself.from, from_itself.to), (Sender::Itself, target_of(&itself)));
    assert!(itself.timeline().is_sorted_by_key(|event| event.at), "{:?}", itself.timeline());
    fails_with(|| itself.code(0), &["SIGTERM (15) received by the target from itself"]);

    let child = shell("sh -c 'kill -TERM $PPID; exit 0' killer; exec sleep 1000").traced().killed_by(SIGTERM);
    let [from_child] = received(&child, SIGTERM)[..] else { panic!("{:?}", child.timeline()) };
    assert_eq!(from_child.from, Sender::Relative { pid: member(&child, "killer").pid() });
    fails_with(|| child.code(0), &["received by the target from process", "which came from the target"]);

    let kernel = assert_exit(|| {
        let nowhere: *mut u8 = std::ptr::without_provenance_mut(std::hint::black_box(8));
        // SAFETY: none: the fault is what is asked for, in a process of its own.
        unsafe { nowhere.write_volatile(1) };
    });
    let kernel = kernel.traced().killed_by(SIGSEGV);
    assert!(received(&kernel, SIGSEGV).iter().all(|received| received.from == Sender::Kernel));
    fails_with(|| kernel.code(0), &["SIGSEGV (11) received by the target from the kernel"]);
}

#[test]
fn a_stranger_that_sends_a_signal_is_named_and_the_harness_is_not() {
    let stranger = |pid: i32| {
        std::process::Command::new("sh")
            .args(["-c", &format!("kill -USR1 {pid}; echo $$")])
            .output()
            .expect("a shell")
    };
    let script = "trap 'echo usr1' USR1; trap 'exit 4' TERM; echo ready; while :; do sleep 1000 & wait; done";
    let sent = std::cell::Cell::new(false);
    let exit = shell(script)
        .traced()
        .ready_when(Ready::stdout("ready"))
        .signal_when(
            SIGURG,
            Ready::seen("a stranger's signal", move |seen| {
                sent.replace(true) || stranger(seen.pid()).status.success()
            }),
        )
        .signal_when(SIGTERM, Ready::stdout("usr1"))
        .code(4);
    let [usr1] = received(&exit, SIGUSR1)[..] else { panic!("{:?}", exit.timeline()) };
    assert!(matches!(usr1.from, Sender::Stranger { pid } if pid > 0), "{usr1:?}");
    assert!(received(&exit, SIGTERM).is_empty(), "the harness sent it: {:?}", exit.timeline());
    fails_with(|| exit.code(0), &["SIGUSR1 (10) received by the target from process", "none of this run"]);
}

#[test]
fn signals_take_effect_as_they_would_without_being_followed() {
    let script = "trap 'echo got it; exit 6' TERM; echo ready; while :; do sleep 1000 & wait; done";
    let plan = || shell(script).traced().ready_when(Ready::stdout("ready"));
    plan().signal_after(SIGTERM, ms(0)).cleanup_ran("got it").code(6);
    plan().signal_after(SIGKILL, ms(0)).cleanup_skipped("got it").killed_by(SIGKILL);
    // A stopped process stays stopped, and goes on when it is told to.
    let stopped = || plan().signal_after(SIGSTOP, ms(0)).signal_after(SIGTERM, ms(0));
    let exit = times_out(stopped, |_| true).cleanup_skipped("got it");
    fails_with(|| exit.code(6), &["stopped by a signal", "SIGTERM (15) sent"]);
    stopped().signal_after(SIGCONT, ms(0)).cleanup_ran("got it").code(6);
}

#[test]
fn at_the_deadline_a_traced_tree_with_threads_is_ended() {
    let plan = || {
        assert_exit(|| {
            let _children: Vec<_> =
                (0..3).map(|_| std::process::Command::new("sleep").arg("1000").spawn().unwrap()).collect();
            std::thread::spawn(std::thread::park);
            loop {
                std::thread::park();
            }
        })
        .traced()
    };
    let all_sleep = |exit: &Exit| exit.to_string().matches(": sleep 1000\n").count() >= 3;
    let exit = times_out(plan, all_sleep);
    assert_eq!(exit.tree().members().len(), 3, "{:#?}", exit.tree());
    fails_with(|| exit.no_zombies().killed_by(SIGKILL), &["ended by the harness", "sleep 1000"]);
}

#[test]
fn a_program_that_cannot_be_started_is_an_error_also_where_it_is_to_be_followed() {
    let error = program("/nonexistent/server").traced().run().unwrap_err().to_string();
    assert!(error.contains("could not start `/nonexistent/server`"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken");
    let script = r#"printf '\177ELF' > "$1" && chmod 755 "$1""#;
    shell(script).args(["sh"]).arg(&broken).success();
    let error = program(&broken).traced().run().unwrap_err().to_string();
    assert!(error.contains("could not start") && error.contains("Exec format error"), "{error}");
}

#[test]
fn a_target_that_is_followed_cannot_be_traced_by_its_own_child() {
    let Some(strace) = needs("strace") else { return };
    let quiet = || program(&strace).args(["-qq", "-e", "trace=none", "true"]);
    quiet().success();
    quiet().traced().failure();
}
