//! What a target finds of the environment: that of the test process at the call, without a trace of
//! the harness in it.

use std::process::{Command, exit};

use exeunt::prelude::*;

use crate::support::fails_with;

/// The variables by which the harness and rusty-fork find themselves again.
const PRIVATE: [&str; 4] = ["EXEUNT_LAUNCHER", "EXEUNT_FUNCTION", "EXEUNT_ISOLATED", "RUSTY_FORK_OCCURS"];

/// Panics if a variable of the harness can be seen in this process.
fn sees_nothing_of_the_harness() {
    let shown = std::fs::read("/proc/self/environ").unwrap();
    let shown = String::from_utf8_lossy(&shown);
    for name in PRIVATE {
        assert!(std::env::var_os(name).is_none(), "{name} is in the environment");
        assert!(!shown.contains(name), "{name} is in /proc/self/environ");
    }
}

/// What a program says that shows its environment.
fn of_a_program() -> ExitTest {
    program("sh").args(["-c", "env; tr '\\0' '\\n' < /proc/$$/environ"])
}

exeunt::isolated! {
    #[test]
    fn the_harnesss_variables_are_not_visible() {
        for name in ["EXEUNT_ISOLATED", "RUSTY_FORK_OCCURS"] {
            assert!(std::env::var_os(name).is_some(), "the control: this test has {name}");
        }
        assert_exit(sees_nothing_of_the_harness).returned();
        assert_exit(sees_nothing_of_the_harness).arg("by exec").returned();
        assert_exit_forked(sees_nothing_of_the_harness).returned();
        assert_exit(|| drop(assert_exit(sees_nothing_of_the_harness).returned())).returned();
        let mut shown = of_a_program().success();
        for name in PRIVATE {
            shown = shown.stdout(predicate::str::contains(name).not());
        }
        assert!(shown.stdout_text().contains("PATH="), "the control: the program shows its environment");
        // The control: a variable that a test gives on purpose is seen.
        fails_with(
            || assert_exit(sees_nothing_of_the_harness).env("EXEUNT_ISOLATED", "x").returned(),
            &["EXEUNT_ISOLATED is in the environment"],
        );
        fails_with(
            || of_a_program().env("RUSTY_FORK_OCCURS", "x").stdout(predicate::str::contains("RUSTY").not()),
            &["of stdout", "RUSTY_FORK_OCCURS=x"],
        );
    }

    #[test]
    fn the_environment_is_that_of_the_call() {
        // The launcher is there before, with the environment of its start.
        assert_exit(|| ()).success();
        // SAFETY: the process is this test's own, and no other thread of it reads the environment.
        unsafe { std::env::set_var("EXEUNT_TESTS_CHANGED", "later") };
        let of_a_function = || assert_exit(|| println!("{:?}", std::env::var("EXEUNT_TESTS_CHANGED")));
        let exit = of_a_function().stdout("Ok(\"later\")\n");
        fails_with(|| exit.stdout("Err(NotPresent)\n"), &["of stdout", "Ok(\"later\")"]);
        of_a_function().arg("by exec").stdout("Ok(\"later\")\n");
        of_a_program().stdout(predicate::str::contains("EXEUNT_TESTS_CHANGED=later"));
        of_a_function().env_remove("EXEUNT_TESTS_CHANGED").stdout("Err(NotPresent)\n");
        of_a_function().env("EXEUNT_TESTS_CHANGED", "once").stdout("Ok(\"once\")\n");
        of_a_function().stdout("Ok(\"later\")\n");
    }

    #[test]
    fn the_directory_is_that_of_the_call() {
        assert_exit(|| ()).success();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        std::env::set_current_dir(&path).unwrap();
        let of_a_function = || assert_exit(|| println!("{}", std::env::current_dir().unwrap().display()));
        let here = format!("{}\n", path.display());
        let exit = of_a_function().stdout(here.clone());
        fails_with(|| exit.stdout("/\n"), &["of stdout"]);
        of_a_function().arg("by exec").stdout(here.clone());
        program("pwd").stdout(here.clone());
        of_a_function().current_dir("/").stdout("/\n");
    }

    #[test]
    fn the_working_directory_may_have_been_removed() {
        let directory = tempfile::tempdir().unwrap();
        std::env::set_current_dir(directory.path()).unwrap();
        directory.close().unwrap();
        assert!(std::env::current_dir().is_err(), "the control: there is no working directory");
        // The launcher is started here, too.
        let of_a_function = || {
            assert_exit(|| {
                let here = std::env::current_dir().expect_err("a directory that was removed");
                assert_eq!(here.kind(), std::io::ErrorKind::NotFound);
                exit(3)
            })
        };
        let ended = of_a_function().code(3);
        fails_with(|| ended.success(), &["happened: exit code 3"]);
        of_a_function().arg("by exec").code(3);
        assert_exit_forked(|| exit(4)).code(4);
        program("sh").args(["-c", "exit 5"]).code(5);
        fails_with(|| of_a_function().current_dir("/").code(3), &["a directory that was removed: \"/\""]);
        fails_with(
            || program("./server").success(),
            &["could not start `./server`: the current directory is unknown"],
        );
    }
}

#[test]
fn arguments_are_those_that_were_given_and_no_others() {
    let plan = || assert_exit(|| println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>()));
    plan().stdout("[]\n");
    let exit =
        plan().args(["--test-threads=1", ""]).arg("ä b").stdout("[\"--test-threads=1\", \"\", \"ä b\"]\n");
    fails_with(|| exit.stdout("[]\n"), &["of stdout"]);
}

#[test]
fn the_process_is_named_after_the_test_binary() {
    let own = std::env::current_exe().unwrap();
    let name: String = own.file_name().unwrap().to_str().unwrap().chars().take(15).collect();
    let plan = || {
        assert_exit(|| {
            print!("{}", std::fs::read_to_string("/proc/self/comm").unwrap());
            println!("{}", std::env::current_exe().unwrap().display());
        })
    };
    let exit = plan().stdout(format!("{name}\n{}\n", own.display()));
    plan().arg("by exec").stdout(format!("{name}\n{}\n", own.display()));
    fails_with(|| exit.stdout(predicate::str::starts_with("exeunt-")), &["of stdout"]);
    // The control: the name of another executable is another.
    let other = Command::new("cat").arg("/proc/self/comm").output().unwrap();
    assert_eq!(other.stdout, b"cat\n");
}
