//! A daemon that outlives the program that started it, and keeps its lock and its port.
//!
//! ```sh
//! cargo run --example daemon
//! ```
//!
//! The program takes a lock, listens, forks a daemon into a session of its own and leaves with code 0, as if
//! all were well. The daemon has inherited both descriptors. It is found, named with what it holds, and is
//! dead when the run is over.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::panic;
use std::path::PathBuf;

use exeunt::prelude::*;

/// Takes a lock, listens, and leaves a daemon behind.
fn start_a_daemon(lock: PathBuf) {
    let file = File::create(lock).expect("a lock file");
    // SAFETY: the call takes numbers only.
    assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) }, 0);
    let listener = TcpListener::bind("127.0.0.2:0").expect("a port");
    println!("{}", listener.local_addr().expect("its address"));
    // SAFETY: the process has one thread.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: no preconditions.
        unsafe { libc::setsid() };
        loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        }
    }
}

/// The report of an assertion that fails, which is not shown as a panic as well.
fn report_of(assertion: impl FnOnce() -> Exit + panic::UnwindSafe) -> Result<String, &'static str> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let ended = panic::catch_unwind(assertion);
    panic::set_hook(hook);
    let failure = ended.err().ok_or("the assertion holds, where it should fail")?;
    Ok(*failure.downcast::<String>().map_err(|_| "a panic without a text")?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let lock = directory.path().join("lock");

    let exit =
        assert_exit_with(lock.clone(), start_a_daemon).watch(&lock).watch_ports().returned().leftovers_are(1);
    let daemon = exit.leftovers()[0].pid;
    let address: SocketAddr = exit.stdout_text().trim().parse()?;
    println!("process {daemon} was left behind; it held the lock and {address}, and is dead\n");
    assert!(TcpListener::bind(address).is_ok(), "the port is free now");

    for report in [
        report_of(|| exit.clone().no_leftovers())?,
        report_of(|| exit.clone().lock_free(&lock))?,
        report_of(|| exit.clone().port_free(address))?,
    ] {
        for line in
            report.lines().filter(|line| line.starts_with("  expected") || line.starts_with("  because"))
        {
            println!("{line}");
        }
    }
    Ok(())
}
