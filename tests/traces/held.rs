//! `lock_free` and `no_open_descriptors`: what processes that outlive the target hold, and who they are.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{leave_a_process, nothing_yet};

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
enum Kind {
    Flock,
    Posix,
    OpenFileDescription,
}

fn lock(file: &File, kind: Kind) {
    let whole = libc::flock { l_type: 1, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    let done = match kind {
        // SAFETY: the call takes numbers only.
        Kind::Flock => unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) },
        // SAFETY: `whole` lives as long as the call.
        Kind::Posix => unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &whole) },
        // SAFETY: as above.
        Kind::OpenFileDescription => unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &whole) },
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// A child takes the lock and stays; the target leaves when it has it.
fn leave_a_holder(path: &Path, kind: Kind) {
    let (mut taken, mut told) = std::os::unix::net::UnixStream::pair().unwrap();
    // SAFETY: the process has one thread.
    if unsafe { libc::fork() } == 0 {
        let file = File::create(path).unwrap();
        lock(&file, kind);
        told.write_all(b"t").unwrap();
        loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        }
    }
    std::io::Read::read_exact(&mut taken, &mut [0]).unwrap();
}

#[test]
fn a_lock_that_a_leftover_took_is_not_free() {
    for (kind, name) in [
        (Kind::Flock, "(flock, exclusive)"),
        (Kind::Posix, "(fcntl (POSIX), exclusive)"),
        (Kind::OpenFileDescription, "(fcntl (open file description), exclusive)"),
    ] {
        let (_directory, path) = nothing_yet();
        let exit = assert_exit_with((path.clone(), kind), |(path, kind): (PathBuf, Kind)| {
            leave_a_holder(&path, kind)
        })
        .watch(&path)
        .leftovers_are(1);
        let holder = format!("process {} (`", exit.leftovers()[0].pid);
        fails_with(|| exit.lock_free(&path), &["is not locked", &holder, "holds a lock on it", name]);
    }
}

#[test]
fn a_lock_that_goes_with_its_process_is_free() {
    for kind in [Kind::Flock, Kind::Posix, Kind::OpenFileDescription] {
        let (_directory, path) = nothing_yet();
        let exit = assert_exit_with((path.clone(), kind), |(path, kind): (PathBuf, Kind)| {
            let file = File::create(path).unwrap();
            lock(&file, kind);
            std::mem::forget(file);
        });
        exit.lock_free(&path).returned().no_leftovers();
    }
}

#[test]
fn a_lock_is_inherited_by_a_fork_where_it_belongs_to_the_descriptor() {
    let plan = |kind: Kind, path: &Path| {
        assert_exit_with((path.to_owned(), kind), |(path, kind): (PathBuf, Kind)| {
            let file = File::create(path).unwrap();
            lock(&file, kind);
            leave_a_process();
        })
    };
    let (_directory, path) = nothing_yet();
    for kind in [Kind::Flock, Kind::OpenFileDescription] {
        fails_with(|| plan(kind, &path).lock_free(&path), &["holds a lock on it"]);
    }
    // A POSIX lock belongs to the process, and is not.
    plan(Kind::Posix, &path).lock_free(&path).leftovers_are(1);
}

#[test]
fn a_lock_of_the_test_itself_is_named_and_kept() {
    let (_directory, path) = nothing_yet();
    let file = File::create(&path).unwrap();
    lock(&file, Kind::Posix);
    let own = format!("process {} (`", std::process::id());
    fails_with(|| program("true").lock_free(&path), &[&own, "(fcntl (POSIX), exclusive)"]);
    // Nor is it read, which would cost the test its lock.
    fails_with(|| program("true").whole_or_absent(&path, ""), &["or is locked by the test process (POSIX)"]);
    // A look that opened and closed the file would have cost the test its lock.
    let probe = format!(
        "import fcntl, sys\nf = open({path:?}, 'r+')\ntry:\n    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError:\n    sys.exit(3)"
    );
    if crate::support::needs("python3").is_some() {
        program("python3").args(["-c", &probe]).code(3);
        drop(file);
        program("python3").args(["-c", &probe]).lock_free(&path).code(0);
    }
}

#[test]
fn a_lock_on_a_file_that_never_was_is_not_free_and_on_one_that_is_gone_it_is() {
    let (_directory, path) = nothing_yet();
    fails_with(|| program("true").lock_free(&path), &["it was never there"]);
    fails_with(|| program("true").no_open_descriptors(&path), &["it was never there"]);
    crate::shell(": > \"$0\"; rm \"$0\"", &path).lock_free(&path);
}

#[test]
fn a_descriptor_that_a_leftover_inherited_is_open() {
    let plan = |path: &Path, removed: bool| {
        assert_exit_with((path.to_owned(), removed), |(path, removed): (PathBuf, bool)| {
            let file = File::create(&path).unwrap();
            leave_a_process();
            if removed {
                std::fs::remove_file(path).unwrap();
            }
            drop(file);
        })
    };
    let (_directory, path) = nothing_yet();
    for removed in [false, true] {
        let exit = plan(&path, removed).watch(&path).leftovers_are(1);
        let holder = format!("process {} (`", exit.leftovers()[0].pid);
        fails_with(
            || exit.no_open_descriptors(&path),
            &["no process that outlives the target has `", &holder, "has it open (descriptor "],
        );
    }
}

#[test]
fn a_descriptor_that_was_closed_before_the_fork_or_goes_with_the_target_is_not_open() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with(path.clone(), |path| {
        drop(File::create(&path).unwrap());
        leave_a_process();
        std::mem::forget(File::open(path).unwrap());
    });
    // What the test itself has open is no trace of the target.
    let exit = exit.no_open_descriptors(&path).leftovers_are(1);
    fails_with(|| exit.no_leftovers(), &["1 process did"]);
}

#[test]
fn what_a_program_leaves_is_looked_at_as_well() {
    let (_directory, path) = nothing_yet();
    if crate::support::needs("flock").is_some() {
        // The child of the shell inherits the descriptor, and with it the lock. It may not be `sleep` yet.
        let script = "exec 9> \"$0\"; flock 9; sleep 1000 &";
        let exit = crate::shell(script, &path).watch(&path).leftovers_are(1);
        fails_with(
            || exit.clone().lock_free(&path),
            &["because: process ", "sleep 1000", ") holds a lock on it (flock, exclusive)"],
        );
        fails_with(|| exit.no_open_descriptors(&path), &["sleep 1000", ") has it open (descriptor 9)"]);
        let exit = crate::shell("exec 9> \"$0\"; flock 9; exec 9>&-; sleep 1000 &", &path).lock_free(&path);
        exit.leftovers_are(1);
    }
}

/// Forks a process whose main thread ends and another stays.
fn leaves_a_process_without_its_main_thread() {
    // SAFETY: a process with one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
        // SAFETY: it ends this thread, which holds nothing that the other needs.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    let state = format!("/proc/{child}/stat");
    while !std::fs::read_to_string(&state).unwrap().contains(") Z ") {}
}

#[test]
fn a_process_whose_main_thread_has_ended_still_holds_what_it_has() {
    let (_directory, path) = nothing_yet();
    let plan = |path: &PathBuf| {
        assert_exit_with(path.clone(), |path| {
            let file = File::create(&path).unwrap();
            leaves_a_process_without_its_main_thread();
            drop(file);
        })
    };
    let exit = plan(&path).watch(&path).leftovers_are(1);
    fails_with(|| exit.no_open_descriptors(&path), &["has it open (descriptor "]);
}

isolated! {
    #[test]
    fn what_a_forked_copy_leaves_is_looked_at_as_well() {
        let (_directory, path) = nothing_yet();
        let exit = assert_exit_forked(|| leave_a_holder(&path, Kind::Flock)).watch(&path).leftovers_are(1);
        fails_with(|| exit.lock_free(&path), &["holds a lock on it (flock, exclusive)"]);
        let free = assert_exit_forked(|| drop(File::create(&path).unwrap()));
        free.lock_free(&path).no_leftovers();
    }
}

#[test]
fn a_leftover_that_does_not_let_itself_be_looked_into_is_no_proof_of_anything() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with(path.clone(), |path| {
        let file = File::create(path).unwrap();
        // SAFETY: numbers only. From now on only root may read what `/proc` tells of this process.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
        leave_a_process();
        drop(file);
    });
    let exit = exit.watch(&path).leftovers_are(1);
    // SAFETY: no preconditions.
    let why = match unsafe { libc::geteuid() } {
        0 => "has it open (descriptor ",
        _ => "outlived the target, and what it holds nobody but its user may see",
    };
    fails_with(|| exit.no_open_descriptors(&path), &[why]);
}

#[test]
fn what_is_left_of_a_traced_run_is_looked_at_as_well() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with((path.clone(), Kind::Flock), |(path, kind): (PathBuf, Kind)| {
        leave_a_holder(&path, kind);
    });
    let exit = exit.traced().watch(&path).leftovers_are(1);
    fails_with(|| exit.lock_free(&path), &["holds a lock on it (flock, exclusive)"]);
}

#[test]
fn leftovers_are_dead_when_the_run_is_over_though_they_were_looked_at() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with((path.clone(), Kind::Flock), |(path, kind): (PathBuf, Kind)| {
        leave_a_holder(&path, kind);
    });
    let exit = exit.watch(&path).leftovers_are(1);
    let file = File::create(&path).unwrap();
    // SAFETY: the call takes numbers only.
    assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }, 0);
    fails_with(|| exit.lock_free(&path), &["holds a lock on it"]);
}
