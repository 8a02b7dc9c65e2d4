//! A function that itself asserts an exit: its process is a test process in its turn.

use std::fs;
use std::process::exit;

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn an_assertion_in_a_function_works() {
    let outer = assert_exit(|| {
        assert_exit(|| exit(3)).code(3);
        program("sh").args(["-c", "exit 4"]).code(4);
        exit(5)
    })
    .code(5);
    fails_with(|| outer.code(3), &["happened: exit code 5"]);
}

#[test]
fn a_failure_of_the_inner_assertion_is_the_outer_functions_panic() {
    let exit = assert_exit(|| drop(assert_exit(|| exit(3)).code(4)))
        .panicked_with("expected: exit code 4")
        .panicked_with("happened: exit code 3");
    fails_with(
        || exit.success(),
        &["happened: exit code 101", "the function panicked at tests/identity/nested.rs:", "exit code 3"],
    );
}

#[test]
fn three_levels_deep_it_still_works() {
    let exit = assert_exit(|| {
        assert_exit(|| {
            assert_exit(|| {
                println!("the innermost");
                exit(1)
            })
            .code(1)
            .stdout("the innermost\n");
            exit(2)
        })
        .code(2)
        .stdout("");
        exit(3)
    })
    .code(3)
    .stdout("");
    fails_with(|| exit.stdout("the innermost\n"), &["of stdout", "stdout: empty"]);
}

#[test]
fn marks_go_to_the_run_that_made_them() {
    let exit = assert_exit(|| {
        probe::mark("outer");
        assert_exit(|| probe::mark("inner")).cleanup_ran("inner").cleanup_skipped("outer");
    })
    .cleanup_ran("outer")
    .cleanup_skipped("inner");
    fails_with(|| exit.cleanup_ran("inner"), &["there is no evidence that it did", "looked at 1 mark"]);
}

/// The children of this process, each with the time of its start, which no other process has.
fn children() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap());
    let pids: Vec<String> =
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    pids.iter().map(|pid| format!("{pid} {}\n", started(pid).expect("a child of this process"))).collect()
}

/// When the process started, in the kernel's ticks; `None` when it is gone.
fn started(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

fn is_alive(child: &str) -> bool {
    let (pid, start) = child.split_once(' ').expect("a process id and a time");
    started(pid).as_deref() == Some(start)
}

/// Asserts an exit, and says which processes that has started.
#[expect(clippy::print_stdout, reason = "it is the way to tell the test")]
fn nests() {
    assert_exit(|| exit(3)).code(3);
    print!("{}", children());
}

#[test]
fn a_nested_assertion_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let exit = assert_exit(nests).env("TMPDIR", scratch.path()).success();
    assert_eq!(exit.leftovers(), [], "the nested run left processes");
    let helpers = exit.stdout_text();
    assert!(helpers.lines().count() > 0, "the control: it had a launcher of its own");
    for helper in helpers.lines() {
        assert!(!is_alive(helper), "process {helper} of the nested run is alive");
    }
    let left: Vec<_> = scratch.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "files of the nested run are left: {left:?}");
    // The control: this process's own launcher is alive, and is found to be.
    assert!(children().lines().any(is_alive));
}

#[test]
fn a_nested_assertion_leaves_nothing_even_where_its_process_dies() {
    let scratch = tempfile::tempdir().unwrap();
    let exit = assert_exit(|| {
        nests();
        std::io::Write::flush(&mut std::io::stdout()).unwrap();
        // SAFETY: a number only.
        unsafe { libc::raise(libc::SIGKILL) };
    })
    .env("TMPDIR", scratch.path())
    .killed_by(SIGKILL);
    assert_eq!(exit.leftovers(), []);
    assert!(exit.stdout_text().lines().count() > 0);
    for helper in exit.stdout_text().lines() {
        assert!(!is_alive(helper), "process {helper} of the nested run is alive");
    }
    assert_eq!(scratch.path().read_dir().unwrap().count(), 0);
}

exeunt::isolated! {
    #[test]
    fn a_forked_function_may_assert_an_exit() {
        // With this process's own launcher already there, which the copy must not take for its own.
        assert_exit(|| exit(1)).code(1);
        let code = 3;
        let ended = assert_exit_forked(|| {
            assert_exit_with(code, |code| exit(code)).code(code);
            let inner = code + 1;
            assert_exit_forked(|| exit(inner)).code(inner);
            exit(inner + 1)
        })
        .code(5);
        assert_eq!(ended.leftovers(), []);
        fails_with(|| ended.code(4), &["happened: exit code 5"]);
        assert_exit(|| exit(6)).code(6);
    }
}
