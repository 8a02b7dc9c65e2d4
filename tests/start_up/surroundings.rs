//! Working directories, arguments and environments that a target cannot be given; and that nothing is
//! left of a start that failed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use exeunt::prelude::*;

use crate::is_not_started;
use crate::process::{descriptors, executable, launcher, strangers};

#[test]
fn a_missing_working_directory_is_named_for_programs_and_functions() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("gone");
    let shown = directory.display().to_string();
    let texts = ["could not start in the directory", shown.as_str(), "No such file"];
    is_not_started(|| program("true").current_dir(&directory), &texts);
    is_not_started(|| assert_exit(|| ()).current_dir(&directory), &texts);

    std::fs::create_dir(&directory).unwrap();
    program("true").current_dir(&directory).success();
    assert_exit(|| ()).current_dir(&directory).returned();
}

#[test]
fn a_working_directory_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let shown = file.path().display().to_string();
    let plan = || program("true").current_dir(file.path());
    is_not_started(plan, &["could not start in the directory", &shown, "Not a directory"]);
    program("true").current_dir(file.path().parent().unwrap()).success();
}

#[test]
fn one_argument_that_is_too_long_is_told() {
    // The kernel takes no single argument above 32 pages (MAX_ARG_STRLEN, man 2 execve).
    let argument = |length| "x".repeat(length);
    let texts = ["Argument list too long", "arguments and environment together, or one of them"];
    is_not_started(
        || program("true").arg(argument(200_000)),
        &["could not start `true`", texts[0], texts[1]],
    );
    is_not_started(|| assert_exit(|| ()).arg(argument(200_000)), &["the function's process", texts[0]]);

    program("true").arg(argument(100_000)).success();
    assert_exit(|| std::process::exit((std::env::args().count() == 2).into())).arg(argument(100_000)).code(1);
}

#[test]
fn too_many_arguments_are_told() {
    // Together they may take a quarter of the stack limit, and never more than 6 MiB.
    let arguments = |count| vec!["x".repeat(100_000); count];
    is_not_started(
        || program("true").args(arguments(70)),
        &["could not start `true`", "Argument list too long"],
    );
    program("true").args(arguments(10)).success();
}

#[test]
fn a_variable_that_is_too_long_is_told() {
    let plan = |length| program("true").env("LONG", "x".repeat(length));
    is_not_started(|| plan(200_000), &["could not start `true`", "Argument list too long"]);
    plan(100_000).success();
}

#[test]
fn a_nul_byte_is_refused_wherever_the_kernel_would_cut_at_it() {
    is_not_started(|| program("true").arg("a\0b"), &["an argument cannot hold a NUL byte", r"a\0b"]);
    is_not_started(|| assert_exit(|| ()).arg("a\0b"), &["an argument cannot hold a NUL byte"]);
    is_not_started(|| program("true").env("NAME", "a\0b"), &["the environment cannot hold", r"a\0b"]);
    is_not_started(|| program("true").env("NA\0ME", "value"), &["the environment cannot hold", r"NA\0ME"]);
    is_not_started(|| program("tr\0ue"), &["a program's name cannot hold a NUL byte", r"tr\0ue"]);
    is_not_started(|| program("true").current_dir("a\0b"), &["could not start in the directory"]);

    program("true").arg("a b").env("NAME", "a b").success();
}

#[test]
fn a_variable_whose_name_cannot_be_one_is_refused() {
    is_not_started(|| program("true").env("", "value"), &["the environment cannot hold"]);
    is_not_started(|| program("true").env("NA=ME", "value"), &["the environment cannot hold", "NA=ME"]);
    // Any other bytes can be a name and a value.
    let odd = OsStr::from_bytes(b"\xff odd\n");
    let exit = program("env").env_clear().env(odd, odd).success();
    assert!(exit.stdout_bytes().starts_with(b"\xff odd\n=\xff odd\n\n"), "{exit:?}");
}

isolated! {
    #[test]
    fn nothing_is_left_of_starts_that_failed() {
        let directory = tempfile::tempdir().unwrap();
        let notes = directory.path().join("notes");
        executable(&notes, "no program\n");
        let fail = || {
            let plans = [
                program("/no/such/program"),
                program(&notes),
                program(directory.path()),
                program("true").current_dir("/no/such/directory"),
                program("true").arg("x".repeat(200_000)),
                program("true").arg("a\0b"),
                assert_exit(|| ()).arg("x".repeat(200_000)),
                assert_exit_forked(|| ()).arg("unwanted"),
                cargo_bin("lock-sever"),
            ];
            for plan in plans {
                plan.run().unwrap_err();
            }
        };
        // The first round starts the launcher, and this process opens what it opens once.
        fail();
        let launcher = launcher();
        let before = descriptors("self");
        let launcher_before = descriptors(launcher.pid);
        for _ in 0..20 {
            fail();
        }
        assert_eq!(descriptors("self"), before);
        assert_eq!(descriptors(launcher.pid), launcher_before);
        assert_eq!(strangers(), [""; 0]);
        // It ran after all, so that descriptors and processes were there to be counted.
        program(&notes).run().unwrap_err();
        program("true").success();
        assert_eq!(descriptors("self"), before);
        assert!(launcher.is_alive());
    }
}

isolated! {
    #[test]
    fn the_counts_of_this_file_notice_a_descriptor_and_a_process_that_are_left() {
        let before = descriptors("self");
        assert_eq!(strangers(), [""; 0]);
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        // Its name is that of this test until it has become `cat`, and both are strangers.
        assert_eq!(strangers().len(), 1);
        assert_eq!(descriptors("self").len(), before.len() + 1);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!((descriptors("self"), strangers()), (before, Vec::new()));
    }
}
