//! The experiments behind GOTCHAS.md: what surprised, shown to be so.

#[path = "../support/mod.rs"]
mod support;

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Command};
use std::time::Duration;

use exeunt::prelude::*;
use support::fails_with;

/// The arguments with which this file's test `name`, an ignored one, is run with libtest's capture on.
fn ignored_test(name: &str) -> ExitTest {
    let own = std::env::current_exe().expect("this test's executable");
    program(own).args(["--ignored", "--exact", name, "--test-threads=1", "--format=pretty"])
}

#[test]
fn an_unfinished_line_is_flushed_by_process_exit_and_lost_by_the_c_librarys() {
    assert_exit(|| {
        print!("pending");
        process::exit(0)
    })
    .flushed("pending");
    let lost = || {
        assert_exit(|| {
            print!("pending");
            // SAFETY: no other thread runs.
            unsafe { libc::exit(0) }
        })
    };
    lost().not_flushed("pending").hooks_ran();
    fails_with(|| lost().flushed("pending"), &["\"pending\" is flushed", "stdout: empty"]);
}

#[test]
fn an_exit_code_keeps_its_lowest_eight_bits() {
    assert_exit(|| process::exit(256)).code(0);
    assert_exit(|| process::exit(-1)).code(255);
    fails_with(|| assert_exit(|| process::exit(256)).code(256), &["no process can end with code 256"]);
}

#[test]
fn a_shell_makes_a_code_of_its_childs_signal() {
    program("sh").args(["-c", "kill -TERM $$"]).killed_by(SIGTERM);
    let by_a_child = || program("sh").args(["-c", "sh -c 'kill -TERM $$'; exit $?"]);
    by_a_child().code(143);
    fails_with(|| by_a_child().killed_by(SIGTERM), &["happened: exit code 143"]);
}

#[test]
fn a_shells_trap_waits_for_the_command_in_the_foreground() {
    let shell = |script: &str| {
        program("sh")
            .args(["-c", script])
            .ready_when(Ready::stdout("ready"))
            .signal_after(SIGTERM, Duration::ZERO)
    };
    // The command itself says that it runs.
    shell("trap 'exit 0' TERM; sh -c 'echo ready; exec sleep 30'").still_running_after(ms(200)).timed_out();
    shell("trap 'exit 0' TERM; echo ready; sleep 30 & wait").code(0).within(secs(10));
}

#[test]
fn a_sigsegv_that_is_sent_is_swallowed_once_by_a_rust_program() {
    let server = |lock: &std::path::Path| {
        cargo_bin!("lock-server")
            .arg(lock)
            .ready_when(Ready::stdout("listening"))
            .signal_after(SIGSEGV, Duration::ZERO)
    };
    let directory = tempfile::tempdir().unwrap();
    server(&directory.path().join("a")).signal_after(SIGSEGV, ms(50)).killed_by(SIGSEGV);
    server(&directory.path().join("b")).signal_after(SIGTERM, ms(50)).cleanup_ran("lock released").code(0);
    // A program without such a handler dies of the first.
    program("sleep").arg("30").signal_after(SIGSEGV, ms(50)).killed_by(SIGSEGV);
    let twice =
        || program("sleep").arg("30").signal_after(SIGSEGV, ms(50)).signal_after(SIGTERM, secs(10)).success();
    fails_with(
        twice,
        &["the script was not carried out", "SIGTERM (15) after 10 s", "killed by SIGSEGV (11)"],
    );
}

#[test]
fn the_main_thread_of_a_function_has_no_name_but_its_panic_says_main() {
    let exit = assert_exit(|| {
        println!("{:?}", std::thread::current().name());
        panic!("on purpose");
    })
    .code(101)
    .stdout("None\n");
    let said = exit.stderr_text();
    assert!(said.contains("thread 'main'") && said.contains("on purpose"), "{said}");
    fails_with(
        || assert_exit(|| println!("{:?}", std::thread::current().name())).stdout("Some(\"main\")\n"),
        &["of stdout", "None"],
    );
}

#[test]
fn an_exit_hook_that_does_not_return_hides_those_registered_before_it() {
    extern "C" fn leave() {
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(9) }
    }
    let run = || {
        assert_exit(|| {
            probe::at_exit("first");
            // SAFETY: `leave` is a function without arguments that lives as long as the program.
            unsafe { libc::atexit(leave) };
            probe::at_exit("last");
            process::exit(0);
        })
    };
    let exit = run().code(9).exited_immediately().cleanup_ran("last").cleanup_skipped("first");
    fails_with(|| exit.clone().hooks_ran(), &["they were skipped, or one of them did not return"]);
}

#[test]
fn an_env_clear_of_a_command_shows_in_debug_only() {
    let mut cleared = Command::new("env");
    cleared.env_clear();
    let plain = Command::new("env");
    assert_eq!(cleared.get_envs().count(), plain.get_envs().count());
    assert_eq!(format!("{plain:?}"), "\"env\"");
    assert_eq!(format!("{cleared:?}"), "env -i \"env\"");

    let only_the_mark_file = predicate::str::is_match("^EXEUNT_PROBE=.*\n$").unwrap();
    ExitTest::from(cleared).success().stdout(only_the_mark_file.clone());
    fails_with(|| ExitTest::from(plain).success().stdout(only_the_mark_file), &["of stdout", "PATH="]);
}

mod copies {
    /// Copied into each part of the program that uses it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it makes the copies")]
    pub(crate) fn copied() -> u8 {
        std::hint::black_box(7)
    }

    pub(crate) static ONE: u8 = 7;

    pub(crate) mod here {
        pub(crate) fn addresses() -> (usize, usize) {
            (super::copied as fn() -> u8 as usize, (&raw const super::ONE).addr())
        }
    }

    pub(crate) mod there {
        pub(crate) fn addresses() -> (usize, usize) {
            (super::copied as fn() -> u8 as usize, (&raw const super::ONE).addr())
        }
    }
}

#[test]
fn a_function_may_have_several_addresses_and_a_static_has_one() {
    let (here, there) = (copies::here::addresses(), copies::there::addresses());
    assert_eq!(here.1, there.1);
    if cfg!(debug_assertions) {
        // With optimisation the copies may become one again.
        assert_ne!(here.0, there.0);
    }
    fn of_type<T: 'static>() -> ExitTest {
        assert_exit(|| println!("{}", std::any::type_name::<T>()))
    }
    of_type::<u8>().stdout("u8\n");
    of_type::<String>().stdout("alloc::string::String\n");
}

#[test]
#[ignore = "run by `libtest_captures_what_a_forked_child_prints`"]
fn forks_by_hand_and_prints() {
    // SAFETY: the child prints and leaves; no lock that it needs is held by another thread for long.
    match unsafe { libc::fork() } {
        0 => {
            println!("printed by the child");
            process::exit(0);
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` is live, and the child is this process's own.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
}

#[test]
#[ignore = "run by `libtest_captures_what_a_forked_child_prints`"]
fn forks_by_exeunt_and_prints() {
    let text = String::from("printed by the child");
    assert_exit_forked(|| println!("{text}")).success().stdout("printed by the child\n");
}

#[test]
fn libtest_captures_what_a_forked_child_prints() {
    ignored_test("forks_by_hand_and_prints").success().not_flushed("printed by the child");
    ignored_test("forks_by_hand_and_prints").arg("--nocapture").success().flushed("printed by the child");
    let exit = ignored_test("forks_by_exeunt_and_prints").success();
    assert!(exit.stdout_text().contains("1 passed"), "{}", exit.stdout_text());
}

isolated! {
    #[test]
    fn where_sigchld_is_ignored_a_child_cannot_be_waited_for() {
        // SAFETY: SIG_IGN runs no code; this process is this test's own.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let error = Command::new("true").status().expect_err("the kernel reaps the child itself");
        assert_eq!(error.raw_os_error(), Some(libc::ECHILD));

        assert_exit(|| process::exit(3)).code(3);
        program("false").code(1);
        fails_with(|| program("false").success(), &["happened: exit code 1"]);
    }
}

#[test]
fn a_zombie_can_be_signalled() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: an all-zero siginfo_t is a place to be filled.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is live; the child is this process's own and stays a zombie (WNOWAIT).
    let ended =
        unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut info, libc::WEXITED | libc::WNOWAIT) };
    assert_eq!(ended, 0);
    // SAFETY: signal 0 is only a question.
    assert_eq!(unsafe { libc::kill(pid, 0) }, 0, "though it has ended");
    assert!(child.wait().unwrap().success());
    // SAFETY: as above. Had the id been given to another process since, it would not be asked by its
    // parent; then the question is answered with success or EPERM, and waiting for it fails.
    assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) }, -1);
    assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::ECHILD));
}

#[test]
fn unsharing_the_thread_group_tells_whether_there_are_other_threads() {
    fn unshare() -> i32 {
        // SAFETY: a number only; alone, the flag changes nothing.
        match unsafe { libc::unshare(libc::CLONE_THREAD) } {
            0 => 0,
            _ => io::Error::last_os_error().raw_os_error().unwrap(),
        }
    }
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || stopped.recv());
    let with_another = unshare();
    drop(stop);
    assert!(other.join().unwrap().is_err());
    // Where a filter refuses it, it tells nothing.
    let alone = if with_another == libc::EPERM { libc::EPERM } else { 0 };
    assert!([libc::EINVAL, libc::EPERM].contains(&with_another), "{with_another}");
    assert_exit(|| process::exit(unshare())).code(alone);
}

#[test]
fn a_parent_death_signal_comes_when_the_creating_thread_ends() {
    fn die_with_parent() -> io::Result<()> {
        // SAFETY: prctl takes numbers.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        Ok(())
    }
    let spawn = || {
        let mut command = Command::new("sleep");
        command.arg("30");
        // SAFETY: the function makes one system call.
        unsafe { command.pre_exec(die_with_parent) };
        command.spawn().unwrap()
    };
    let mut child = std::thread::spawn(spawn).join().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL), "this process lives on");

    // The supervisor has one thread, whichever thread of the test asks for a run.
    let exit = std::thread::spawn(|| assert_exit(|| process::exit(3)).run().unwrap()).join().unwrap();
    exit.code(3);
}

#[test]
fn a_descendant_that_holds_the_pipe_delays_the_end_of_output_but_no_verdict() {
    let run = program("sh").args(["-c", "sleep 30 & echo done"]);
    let exit = run.success().stdout("done\n").within(secs(10));
    assert_eq!(exit.leftovers().len(), 1);
    // What it is called is not asked: between two programs a process has no command line.
}

#[test]
fn a_value_of_the_environment_is_that_at_the_call() {
    // Nothing of the launcher's own environment, which is older, comes through.
    assert_exit(|| process::exit(i32::from(std::env::var_os("EXEUNT_LAUNCHER").is_some()))).code(0);
    assert_exit(|| process::exit(i32::from(std::env::var_os("EXEUNT_PROBE").is_some()))).code(1);
    let private = predicate::str::contains("EXEUNT_LAUNCHER")
        .or(predicate::str::contains("EXEUNT_FUNCTION"))
        .or(predicate::str::contains("EXEUNT_ISOLATED"));
    program("env").success().stdout(private.not());
}

#[test]
fn the_mark_file_is_not_for_the_test_to_name() {
    let marks = || assert_exit(|| probe::mark("made"));
    marks().env_remove("EXEUNT_PROBE").cleanup_ran("made");
    marks().env_clear().cleanup_ran("made");
    // Were it taken, a skipped clean-up would be seen where none was skipped.
    fails_with(
        || marks().env("EXEUNT_PROBE", "/dev/null").cleanup_skipped("made"),
        &["EXEUNT_PROBE names the mark file", "the marks would be lost"],
    );
}
