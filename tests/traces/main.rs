//! What a run leaves on the system: files, locks, open descriptors, ports, temporary files, shared memory.
//! Each question is answered where the trace is there and where it is not.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/mod.rs"]
mod support;

mod held;
mod paths;
mod ports;
mod temp_files;

use std::path::{Path, PathBuf};

use exeunt::prelude::*;

/// A shell that runs `script` with the path as `$0`.
fn shell(script: &str, path: &Path) -> ExitTest {
    program("sh").args(["-c", script]).arg(path)
}

/// A directory, and the path of something in it that is not there yet.
fn nothing_yet() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("thing");
    (directory, path)
}

/// Leaves a copy of this process behind, which does nothing more.
fn leave_a_process() {
    // SAFETY: the process has one thread.
    if unsafe { libc::fork() } == 0 {
        loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        }
    }
}
