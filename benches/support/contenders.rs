//! The contenders: each does the same piece of work once, and fails where it did not get what it
//! asked for.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};

use exeunt::prelude::*;

/// The program of this package that writes as many bytes as it is told.
pub(crate) const WRITER: &str = env!("CARGO_BIN_EXE_write-bytes");

/// The least that a fresh process costs: `fork`, `_exit` and `waitpid`, and nothing captured.
pub(crate) fn bare_fork() {
    // SAFETY: the child calls nothing but `_exit`, so it does not matter what other threads do.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        leave_now();
    }
    let mut status = 0;
    // SAFETY: the id is that of the child made above, and `status` is live and writable.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((reaped, status), (pid, 0));
}

pub(crate) fn leave_now() -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}

/// A function that leaves at once, both streams captured.
pub(crate) fn exeunt_function() {
    assert_exit(|| leave_now()).code(0);
}

/// The same by rusty-fork, which starts this executable again and captures into a file.
pub(crate) fn rusty_fork() {
    let output = rusty_fork::fork(
        "function",
        "exeunt-bench",
        |_| {},
        |child, file| {
            assert!(child.wait().expect("rusty-fork's child").success());
            let mut output = Vec::new();
            file.rewind().and_then(|()| file.read_to_end(&mut output)).expect("rusty-fork's output");
            output
        },
        || leave_now(),
    );
    assert!(output.expect("rusty-fork").is_empty());
}

/// The same by procspawn, which starts this executable again and learns what the function returned.
pub(crate) fn procspawn() {
    let mut builder = procspawn::Builder::new();
    let mut handle = builder.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn((), |()| 7);
    let mut output = Vec::new();
    if let Some(stdout) = handle.stdout() {
        stdout.read_to_end(&mut output).expect("procspawn's stdout");
    }
    if let Some(stderr) = handle.stderr() {
        stderr.read_to_end(&mut output).expect("procspawn's stderr");
    }
    assert_eq!((handle.join().expect("procspawn"), output.len()), (7, 0));
}

/// Whether this process is a child of one of the peers: then their work is done here. To be called
/// first in `main`.
pub(crate) fn be_a_peers_child() {
    procspawn::init();
    if std::env::var_os("RUSTY_FORK_OCCURS").is_some() {
        rusty_fork();
    }
    // rusty-fork hands its child our arguments, and wants to know of each flag that it does not know
    // what to do with it.
    for argument in std::env::args().filter(|argument| argument.starts_with("--") && argument != "--bench") {
        let name = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
        let name = format!("RUSTY_FORK_FLAG_{}", name.to_uppercase().replace('-', "_"));
        // SAFETY: this process has one thread yet.
        unsafe { std::env::set_var(name, "drop") };
    }
}

/// A program that ends well, both streams captured: how many bytes came.
pub(crate) fn exeunt_program(path: &str, arguments: &[&str]) -> usize {
    program(path).args(arguments).success().stdout_bytes().len()
}

/// The same by std.
pub(crate) fn output(path: &str, arguments: &[&str]) -> usize {
    let output = Command::new(path).args(arguments).output().expect("the program starts");
    assert!(output.status.success());
    output.stdout.len()
}

/// The same by `assert_cmd`.
pub(crate) fn assert_cmd(path: &str, arguments: &[&str]) -> usize {
    let assert = assert_cmd::Command::new(path).args(arguments).assert().success();
    assert.get_output().stdout.len()
}
