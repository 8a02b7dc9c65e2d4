//! Signals that the test process ignores or blocks, as under nohup or in the background, have their
//! default action in the target and are not blocked; and what was set in the test process stays so.

use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use exeunt::prelude::*;

use crate::meanwhile;
use crate::support::fails_with;

/// What shells, nohup and careless parents ignore or block.
const USUAL: [Signal; 4] = [SIGINT, SIGHUP, SIGTERM, SIGCHLD];

fn ignore(signal: Signal) {
    // SAFETY: SIG_IGN runs no code.
    unsafe { libc::signal(signal.number(), libc::SIG_IGN) };
}

fn block(signals: &[Signal]) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: a place for a set, which is made an empty one.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set was made above.
        unsafe { libc::sigaddset(set.as_mut_ptr(), signal.number()) };
    }
    // SAFETY: the set was made above; the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
}

/// The lines of this thread's status that tell of its signals.
fn own_signals() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("its status");
    let lines = status.lines().filter(|line| line.starts_with("SigBlk") || line.starts_with("SigIgn"));
    lines.collect::<Vec<_>>().join("\n")
}

fn show_signals() {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), own_signals().as_bytes());
}

fn kills_itself(name: &str) -> ExitTest {
    program("sh").args(["-c", "kill -\"$1\" $$; exit 3", "sh", name])
}

/// The signals of `kills_itself` that end a process by default.
fn deadly() -> impl Iterator<Item = (Signal, String)> {
    let names = USUAL.iter().filter(|signal| **signal != SIGCHLD);
    names.map(|signal| (*signal, signal.name().unwrap()["SIG".len()..].to_owned()))
}

/// Asserts that targets have all signals at their defaults, and that this process keeps its own.
fn no_target_sees_what_this_process_has() {
    let before = own_signals();
    // A Rust program ignores SIGPIPE, by what its runtime does before `main`.
    let sigpipe_alone = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000";
    assert_ne!(before, sigpipe_alone);
    assert_exit(show_signals).stdout(sigpipe_alone);
    assert_exit(show_signals).arg("started by exec").stdout(sigpipe_alone);
    let shown = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
    program("grep").args(["-E", "^Sig(Blk|Ign)", "/proc/self/status"]).stdout(shown);
    for (signal, name) in deadly() {
        let exit = kills_itself(&name).killed_by(signal);
        fails_with(|| exit.code(3), &["expected: exit code 3", &format!("happened: killed by {signal}")]);
    }
    assert_eq!(own_signals(), before, "the test process has what it had");
}

isolated! {
    #[test]
    fn what_the_test_process_ignores_has_its_default_action_in_the_target() {
        USUAL.into_iter().for_each(ignore);
        no_target_sees_what_this_process_has();
        // A child that is started without the harness does inherit it.
        for (_, name) in deadly() {
            let script = format!("kill -{name} $$; exit 3");
            let status = Command::new("sh").args(["-c", &script]).spawn().unwrap().wait();
            // Where SIGCHLD is ignored nothing is left to wait for.
            assert_eq!(status.unwrap_err().raw_os_error(), Some(libc::ECHILD));
        }
    }
}

isolated! {
    #[test]
    fn what_the_test_process_blocks_is_not_blocked_in_the_target() {
        block(&USUAL);
        no_target_sees_what_this_process_has();
    }
}

isolated! {
    #[test]
    fn it_makes_no_difference_whether_it_was_so_before_the_first_run() {
        assert_exit(|| ()).success();
        USUAL.into_iter().for_each(ignore);
        block(&USUAL);
        no_target_sees_what_this_process_has();
    }
}

isolated! {
    #[test]
    fn a_forked_function_has_its_signals_at_their_defaults_too() {
        USUAL.into_iter().for_each(ignore);
        block(&USUAL);
        assert_exit_forked(show_signals).stdout("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000");
        fails_with(|| assert_exit_forked(show_signals).stdout(own_signals()), &["expected: of stdout"]);
    }
}

isolated! {
    #[test]
    fn a_child_without_the_harness_does_inherit_what_is_ignored() {
        ignore(SIGHUP);
        let status = Command::new("sh").args(["-c", "kill -HUP $$; exit 3"]).status().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(3), None));
        kills_itself("HUP").killed_by(SIGHUP);
    }
}

isolated! {
    #[test]
    fn a_thread_that_waits_for_any_child_does_not_disturb_a_run() {
        let reap = || {
            // SAFETY: no status is asked for.
            unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
            std::thread::yield_now();
        };
        meanwhile(reap, || {
            for code in 0..20 {
                assert_exit_with(code, |code| std::process::exit(code)).code(code);
                assert_exit_forked(|| std::process::exit(code + 1)).code(code + 1);
                program("sh").args(["-c", &format!("exit {code}")]).code(code);
            }
        });
    }
}
