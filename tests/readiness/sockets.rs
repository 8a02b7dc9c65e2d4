//! `Ready::socket`: a Unix socket that takes what comes.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::thread;

use exeunt::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::support::fails_with;
use crate::{runs, stays_closed, work};

/// What a function does at the path that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Does {
    Listens,
    TakesDatagrams,
    ListensAtAnAbstractName,
    BindsOnly,
    MakesAFile,
}

fn wait() -> ! {
    loop {
        thread::park();
    }
}

fn does((what, path): (Does, PathBuf)) {
    work();
    probe::mark("arranging");
    match what {
        Does::Listens => {
            let _socket = UnixListener::bind(path).expect("a socket");
            wait()
        }
        Does::TakesDatagrams => {
            let _socket = UnixDatagram::bind(path).expect("a socket");
            wait()
        }
        Does::ListensAtAnAbstractName => {
            let name = path.to_str().and_then(|name| name.strip_prefix('@')).expect("an abstract name");
            let address = SocketAddr::from_abstract_name(name).expect("an address");
            let _socket = UnixListener::bind_addr(&address).expect("a socket");
            wait()
        }
        Does::BindsOnly => bind_only(&path),
        Does::MakesAFile => std::fs::write(path, "a file is no socket").expect("a file"),
    }
    probe::mark("arranged");
    wait()
}

/// Binds a stream socket, and does not let it listen.
fn bind_only(path: &Path) {
    // SAFETY: the call takes numbers only.
    let socket = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) };
    // SAFETY: an address of zeros is one.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::sa_family_t::try_from(libc::AF_UNIX).expect("a small number");
    for (place, byte) in address.sun_path.iter_mut().zip(path.as_os_str().as_encoded_bytes()) {
        *place = libc::c_char::from_ne_bytes([*byte]);
    }
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).expect("a small number");
    // SAFETY: the address is a live variable of that length.
    let bound = unsafe { libc::bind(socket, (&raw const address).cast(), length) };
    assert_eq!(bound, 0, "{}", std::io::Error::last_os_error());
}

/// A path that nothing is at, in a directory of its own.
fn free_path() -> (PathBuf, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    (directory.path().join("a socket"), directory)
}

/// Asserts that the gate opens, and not before the socket was made, in all runs.
#[track_caller]
fn opens(what: Does, path: &Path, gate: impl Fn() -> Ready) {
    for _ in 0..runs() {
        let _ = std::fs::remove_file(path);
        let plan = assert_exit_with((what, path.to_owned()), does);
        let exit = plan.signal_when(SIGKILL, gate()).killed_by(SIGKILL);
        assert!(exit.marks().iter().any(|mark| mark.label() == "arranging"), "{:?}", exit.timeline());
    }
}

#[test]
fn a_listening_socket_opens_the_gate() {
    let (path, _directory) = free_path();
    opens(Does::Listens, &path, || Ready::socket(&path));
    opens(Does::TakesDatagrams, &path, || Ready::socket(&path));
    let name = PathBuf::from(format!("@exeunt test {}", std::process::id()));
    opens(Does::ListensAtAnAbstractName, &name, || Ready::socket(&name));
}

#[test]
fn a_file_and_a_socket_that_does_not_listen_open_no_gate() {
    for what in [Does::MakesAFile, Does::BindsOnly] {
        let (path, _directory) = free_path();
        let plan = || {
            let _ = std::fs::remove_file(&path);
            assert_exit_with((what, path.clone()), does)
        };
        let told = format!("gate: a socket listens at `{}`: nothing listens there\n", path.display());
        stays_closed(plan, || Ready::socket(&path), &[&told]);
    }
}

#[test]
fn the_path_that_the_target_binds_may_be_relative_and_so_may_the_gates() {
    // Under the directory in which tests run, where cargo allows files to be left.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let path = directory.path().join("socket");
    let plan = || {
        let _ = std::fs::remove_file(&path);
        assert_exit_with((Does::Listens, PathBuf::from("socket")), does).current_dir(&directory)
    };
    plan().signal_when(SIGTERM, Ready::socket(&path)).killed_by(SIGTERM);
    let here = std::env::current_dir().expect("a directory");
    let Ok(relative) = path.strip_prefix(&here) else { return };
    plan().signal_when(SIGTERM, Ready::socket(relative)).killed_by(SIGTERM);
    // The same name in another directory is another socket.
    let elsewhere = Ready::socket("socket");
    fails_with(
        || plan().signal_when(SIGTERM, elsewhere).timeout(ms(300)).killed_by(SIGTERM),
        &["a socket listens at `socket`: nothing listens there"],
    );
}

#[test]
fn a_socket_of_another_program_is_no_readiness() {
    let (path, _directory) = free_path();
    let others = UnixListener::bind(&path).expect("a socket");
    let plan = || program("sleep").arg("1000").signal_when(SIGTERM, Ready::socket(&path));
    fails_with(
        || plan().killed_by(SIGTERM),
        &["a socket listens at `", "` already, before the target was started", "another program's"],
    );
    // One that is left over from a program that has ended is but a file.
    drop(others);
    fails_with(|| plan().timeout(ms(300)).killed_by(SIGTERM), &["nothing listens there"]);
}
