//! Descriptors: a target has three, whatever the test process or a run beside it has open.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use exeunt::prelude::*;

use crate::process::{PATIENCE, descendants, descriptors};
use crate::support::fails_with;

/// A descriptor of this process that children inherit, as C libraries leave them.
fn inheritable(path: &Path) -> OwnedFd {
    let file = std::fs::File::create(path).expect("a file");
    // SAFETY: the call takes numbers only; the new descriptor is not close-on-exec.
    let fd = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 100) };
    assert!(fd >= 100, "{}", std::io::Error::last_os_error());
    // SAFETY: the kernel just made it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Prints the descriptors of this process, one a line: its number and what it is.
fn show_descriptors() {
    let mut out = std::io::stdout();
    for (number, target) in descriptors("self") {
        let _ = writeln!(out, "{} {}", number.to_string_lossy(), target.display());
    }
}

#[track_caller]
fn shows_three_streams(exit: &Exit) {
    let shown = exit.stdout_text();
    let numbers: Vec<&str> = shown.lines().map(|line| &line[..line.find(' ').unwrap()]).collect();
    assert_eq!(numbers, ["0", "1", "2"], "{shown}");
    assert!(shown.starts_with("0 /dev/null\n1 pipe:["), "{shown}");
}

#[test]
fn a_function_has_its_streams_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let leaked = inheritable(&directory.path().join("leaked"));
    shows_three_streams(&assert_exit(show_descriptors).success());
    shows_three_streams(&assert_exit(show_descriptors).arg("started by exec").success());
    shows_three_streams(&assert_exit_with(5, |_: i32| show_descriptors()).success());
    // With input there is a pipe on 0, too.
    let exit = assert_exit(show_descriptors).stdin("input").success();
    fails_with(|| shows_three_streams(&exit), &["0 pipe:["]);
    drop(leaked);
}

#[test]
fn a_program_does_not_see_what_the_test_process_left_inheritable() {
    let directory = tempfile::tempdir().unwrap();
    let leaked = inheritable(&directory.path().join("leaked"));
    let link = format!("/proc/self/fd/{}", leaked.as_raw_fd());
    let exit = program("readlink").arg(&link).code(1).stdout("");
    fails_with(|| exit.code(0), &["expected: exit code 0", "happened: exit code 1"]);
    // Without the harness it is there.
    let output = Command::new("readlink").arg(&link).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("/leaked\n"));
}

/// The pipes among the descriptors of a process, by their inode.
fn pipes_of(pid: impl std::fmt::Display) -> BTreeSet<PathBuf> {
    let pipes = descriptors(pid).into_iter().map(|(_, target)| target);
    pipes.filter(|target| target.to_string_lossy().starts_with("pipe:")).collect()
}

fn pipes_in(text: &str) -> BTreeSet<PathBuf> {
    text.split_ascii_whitespace().filter(|word| word.starts_with("pipe:")).map(PathBuf::from).collect()
}

isolated! {
    #[test]
    fn a_run_sees_nothing_of_the_run_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let (up, done) = (directory.path().join("up"), directory.path().join("done"));
        std::thread::scope(|scope| {
            let long = scope.spawn(|| {
                program("sh")
                    .args(["-c", "readlink /proc/$$/fd/1 /proc/$$/fd/2; : > \"$1\"; exec sleep 600", "sh"])
                    .arg(&up)
                    .ready_when(Ready::file(&done))
                    .signal_after(SIGKILL, ms(0))
                    .killed_by(SIGKILL)
            });
            let beside = assert_exit_with(up.clone().into_os_string(), |up| {
                // The other run is under way when this one looks.
                while !Path::new(&up).exists() {
                    std::thread::yield_now();
                }
                show_descriptors();
            });
            let beside = beside.success();
            shows_three_streams(&beside);
            let own = i32::try_from(std::process::id()).unwrap();
            let held = || -> BTreeSet<PathBuf> {
                let harness = descendants(own).into_iter();
                let harness = harness.filter(|process| process.name().starts_with("exeunt-"));
                harness.flat_map(|process| pipes_of(process.pid)).collect()
            };
            // The supervisor lets go of them when the program has begun, and that may be about now.
            let deadline = Instant::now() + PATIENCE;
            while !held().is_disjoint(&pipes_of("self")) && Instant::now() < deadline {
                std::thread::yield_now();
            }
            let (held, here) = (held(), pipes_of("self"));
            std::fs::write(&done, "").unwrap();
            let long = pipes_in(&long.join().unwrap().stdout_text());

            assert_eq!(long.len(), 2, "both streams of the long run are pipes");
            assert!(long.is_disjoint(&pipes_in(&beside.stdout_text())), "{beside:?}");
            assert!(long.is_disjoint(&held), "the launcher and the supervisors hold none of them: {held:?}");
            // The test process does, so that they can be told.
            assert!(long.is_subset(&here), "{long:?} {here:?}");
        });
    }
}
