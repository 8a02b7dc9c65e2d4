//! Gates on the world outside: `Ready::file` and `Ready::port`. What was there before the target was
//! started proves nothing, and does not open them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use exeunt::prelude::*;

use crate::support::fails_with;

/// How long a gate is watched that must stay shut.
const SHUT: Duration = ms(250);

/// A shell that does this to the file `$0` and then stays, until the gate on the file opens.
fn does_to(path: &Path, script: &str) -> ExitTest {
    let script = format!("{script}; exec sleep 1000");
    program("sh").args(["-c", &script]).arg(path).signal_when(SIGTERM, Ready::file(path))
}

#[track_caller]
fn stays_shut(path: &Path, script: &str) {
    let name = format!("not reached: SIGTERM (15) when the file `{}` is there", path.display());
    let plan = does_to(path, script).timeout(SHUT);
    fails_with(|| plan.killed_by(SIGTERM), &[&name, "because: the deadline came before"]);
}

#[test]
fn a_file_that_the_target_makes_opens_the_gate() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ready");
    stays_shut(&path, ": > \"$0.other\"");
    does_to(&path, ": > \"$0\"").killed_by(SIGTERM);
    fs::remove_file(&path).unwrap();
    does_to(&path, "mkdir \"$0\"").killed_by(SIGTERM);
    fs::remove_dir(&path).unwrap();
    does_to(&path, "echo text > \"$0.new\"; mv \"$0.new\" \"$0\"").killed_by(SIGTERM);
}

#[test]
fn a_file_of_an_earlier_run_does_not_open_the_gate_unless_it_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ready");
    fs::write(&path, "stale").unwrap();
    stays_shut(&path, ":");
    stays_shut(&path, "cat \"$0\"");
    does_to(&path, "echo more >> \"$0\"").killed_by(SIGTERM);
    does_to(&path, "echo text > \"$0\"").killed_by(SIGTERM);
    does_to(&path, "touch \"$0\"").killed_by(SIGTERM);
    does_to(&path, "rm \"$0\"; : > \"$0\"").killed_by(SIGTERM);
    // Gone is not there.
    stays_shut(&path, "rm \"$0\"");
}

#[test]
fn a_file_in_a_directory_that_does_not_exist_yet_opens_the_gate() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/ready");
    stays_shut(&path, "mkdir -p \"${0%/*}\"");
    fs::remove_dir_all(directory.path().join("a")).unwrap();
    does_to(&path, "mkdir -p \"${0%/*}\"; : > \"$0\"").killed_by(SIGTERM);
}

#[test]
fn a_relative_file_counts_from_the_test_process() {
    // Under the directory in which tests run, where cargo allows files to be left.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let here = std::env::current_dir().unwrap();
    let Ok(relative) = directory.path().strip_prefix(&here) else { return };
    let plan = |path: &Path| {
        let script = ": > \"$0\"; exec sleep 1000";
        let run = program("sh").args(["-c", script]).arg(directory.path().join("ready")).current_dir("/");
        run.signal_when(SIGTERM, Ready::file(path.to_owned()))
    };
    plan(&relative.join("ready")).killed_by(SIGTERM);
    let other = relative.join("other");
    fails_with(
        || plan(&other).timeout(SHUT).killed_by(SIGTERM),
        &["other` is there", "the deadline came before"],
    );
}

/// An address that nobody else uses: one of the machine's 16 million loopback addresses, made of this
/// process's id, with a port that the kernel chose. No other test can take it meanwhile.
fn own_address() -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let address = IpAddr::V4(Ipv4Addr::new(127, a | 0x80, b, c));
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap()
}

/// Listens at the address, and stays.
fn listens(address: SocketAddr) -> ExitTest {
    assert_exit_with(address.to_string(), |address| {
        let _listener = TcpListener::bind(address).unwrap();
        loop {
            std::thread::park();
        }
    })
}

#[test]
fn a_port_at_which_the_target_listens_opens_the_gate() {
    let address = own_address();
    listens(address).signal_when(SIGTERM, Ready::port(address)).killed_by(SIGTERM);
    // As text too, and for a server that listens everywhere.
    listens(address).signal_when(SIGTERM, Ready::port(address.to_string())).killed_by(SIGTERM);

    let other = own_address();
    let plan = || listens(address).signal_when(SIGTERM, Ready::port(other)).timeout(SHUT);
    let name = format!("not reached: SIGTERM (15) when a socket listens at {other}");
    fails_with(|| plan().killed_by(SIGTERM), &[&name, "because: the deadline came before"]);
}

#[test]
fn a_port_that_is_bound_but_not_listened_at_does_not_open_the_gate() {
    let address = own_address();
    let bound = std::net::UdpSocket::bind(address).unwrap();
    let plan = || program("sleep").arg("1000").signal_when(SIGTERM, Ready::port(address)).timeout(SHUT);
    fails_with(|| plan().killed_by(SIGTERM), &["a socket listens at", "the deadline came before"]);
    drop(bound);
}

#[test]
fn a_port_in_use_before_the_start_is_refused() {
    let address = own_address();
    let holder = TcpListener::bind(address).unwrap();
    let plan = || listens(address).signal_when(SIGTERM, Ready::port(address));
    let words = format!("a socket listens at {address} already, before the target was started");
    fails_with(|| plan().killed_by(SIGTERM), &[&words]);
    assert!(plan().run().unwrap_err().exit().is_none());
    fails_with(|| listens(address).ready_when(Ready::port(address)).timed_out(), &[&words]);
    drop(holder);
    plan().killed_by(SIGTERM);
}

#[test]
fn a_port_of_no_address_is_refused() {
    let plan = || program("sleep").arg("1000").signal_when(SIGTERM, Ready::port("no address"));
    fails_with(|| plan().killed_by(SIGTERM), &["a gate on a port: "]);
}

#[test]
fn files_and_ports_combine_with_other_gates() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ready");
    let address = own_address();
    let gate = || Ready::file(&path).and(Ready::stdout("up"));
    let plan = |script: &str| program("sh").args(["-c", script]).arg(&path);
    plan("echo up; : > \"$0\"; exec sleep 1000").signal_when(SIGTERM, gate()).killed_by(SIGTERM);
    let only_up = || plan("echo up; exec sleep 1000").signal_when(SIGTERM, gate()).timeout(SHUT);
    fails_with(|| only_up().killed_by(SIGTERM), &["is there and stdout contains \"up\")"]);
    let either = Ready::port(address).or(Ready::stdout("up"));
    plan("echo up; exec sleep 1000").signal_when(SIGTERM, either).killed_by(SIGTERM);
}
