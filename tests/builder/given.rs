//! What the target is given: arguments, environment, working directory. Each case looks at it from
//! within the target.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use exeunt::prelude::*;

use crate::support::fails_with;

fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", script])
}

#[test]
fn arguments_arrive_whatever_they_hold() {
    let odd = OsStr::from_bytes(b"\xff \n");
    let plan = program("printf").arg("[%s]").args(["a b", ""]).arg("$HOME").arg(odd);
    let exit = plan.success().stdout(&b"[a b][][$HOME][\xff \n]"[..]);
    fails_with(|| exit.stdout("[a][b]"), &[r#"`printf "[%s]" "a b" """#]);
}

#[test]
fn a_function_sees_arguments_after_the_name_of_its_program() {
    let arguments = || assert_exit(|| println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>()));
    arguments().arg("--all").args(["a b", ""]).stdout("[\"--all\", \"a b\", \"\"]\n");
    // None of the test runner's own.
    let exit = arguments().stdout("[]\n");
    fails_with(|| exit.stdout("[\"--all\"]\n"), &["expected: of stdout"]);

    let name = || assert_exit(|| println!("{}", std::env::args().next().unwrap()));
    let own = std::env::args().next().unwrap();
    name().stdout(format!("{own}\n"));
    name().arg("--all").stdout(format!("{own}\n"));
}

#[test]
fn the_last_value_of_a_variable_counts() {
    let value = || shell("echo \"$WHAT\"").env("WHAT", "a");
    value().stdout("a\n");
    value().env("WHAT", "b").stdout("b\n");
    value().env_remove("WHAT").stdout("\n");
    value().env_remove("WHAT").env("WHAT", "c").stdout("c\n");
    fails_with(
        || value().env("WHAT", "b").stdout("a\n"),
        &["expected: of stdout", "stdout (2 bytes):\n    b"],
    );
}

#[test]
fn a_function_has_the_environment_that_it_was_given() {
    let seen = || assert_exit(|| println!("{:?} {:?}", std::env::var("WHAT"), std::env::var("PATH").is_ok()));
    seen().env("WHAT", "a").stdout("Ok(\"a\") true\n");
    seen().env("WHAT", "a").env_remove("PATH").stdout("Ok(\"a\") false\n");
    seen().env_clear().stdout("Err(NotPresent) false\n");
}

#[test]
fn env_clear_leaves_what_was_set_after_it_and_the_mark_file() {
    let names = |plan: ExitTest| {
        let exit = plan.success();
        let mut names: Vec<_> =
            exit.stdout_text().lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(program("env").env("BEFORE", "1").env_clear().env("AFTER", "1")),
        ["AFTER", "EXEUNT_PROBE"]
    );
    // The control: without it there is more.
    assert!(names(program("env").env("BEFORE", "1")).len() > 3);
}

#[test]
fn the_target_runs_in_the_directory_that_it_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let line = format!("{}\n", path.display());
    shell("pwd -P").current_dir(&path).stdout(line.clone());
    let here = || assert_exit(|| println!("{}", std::env::current_dir().unwrap().display()));
    here().current_dir(&path).stdout(line.clone());
    fails_with(|| here().stdout(line), &["expected: of stdout"]);
    here().stdout(format!("{}\n", std::env::current_dir().unwrap().display()));
}

isolated! {
    #[test]
    fn environment_and_directory_are_those_of_the_test_process_at_the_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        assert_exit(|| ()).success();
        let plan = shell("pwd -P; echo \"$LATER\"; umask");
        // SAFETY: this process runs one test, and no other thread reads the environment.
        unsafe { std::env::set_var("LATER", "set after the plan was made") };
        std::env::set_current_dir(&path).unwrap();
        let exit = plan.success();
        assert!(exit.stdout_text().starts_with(&format!("{}\nset after the plan was made\n", path.display())));

        // A relative program counts from here, wherever the target runs.
        crate::process::executable(&path.join("here.sh"), "#!/bin/sh\npwd -P\n");
        program("./here.sh").current_dir("/").stdout("/\n");
        fails_with(|| program("./there.sh").success(), &["could not start `./there.sh`"]);
        std::fs::create_dir("sub").unwrap();
        shell("pwd -P").current_dir("sub").stdout(format!("{}/sub\n", path.display()));
    }

    #[test]
    fn a_working_directory_that_was_removed_does_not_hinder_a_run() {
        let directory = tempfile::tempdir().unwrap();
        std::env::set_current_dir(directory.path()).unwrap();
        directory.close().unwrap();
        std::env::current_dir().unwrap_err();
        // The launcher starts from there too.
        assert_exit(|| std::process::exit(i32::from(std::env::current_dir().is_err()))).code(1);
        program("true").success();
        program("true").current_dir("/").success();
        fails_with(|| program("./gone").success(), &["could not start `./gone`", "the current directory is unknown"]);
    }
}
