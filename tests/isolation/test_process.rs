//! A test process that is killed in the middle of a run takes everything with it: target, daemons,
//! supervisors, launcher, scratch directory.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use exeunt::prelude::*;

use crate::descendants::{self, KINDS, Registry, count};
use crate::process::descendants as descendants_of;
use crate::process::{
    PATIENCE, Process, as_at_a_terminal, inner_arguments, inner_variable, is_inner, launcher, own_executable,
};

/// Says to the inner tests where the registry is.
const REGISTRY: &str = "EXEUNT_TESTS_REGISTRY";

fn registry_path() -> PathBuf {
    std::env::var_os(REGISTRY).expect("the outer test names it").into()
}

#[test]
#[ignore = "other tests run it and kill it"]
fn runs_a_function_until_it_is_killed() {
    if !is_inner() {
        return;
    }
    let plan = assert_exit_with(registry_path(), |registry: PathBuf| {
        descendants::start_all(&registry);
        descendants::report(&registry);
        descendants::wait_for_ever();
    });
    plan.timeout(secs(1000)).success();
}

#[test]
#[ignore = "other tests run it and kill it"]
fn runs_four_programs_until_it_is_killed() {
    if !is_inner() {
        return;
    }
    // A program that is this test binary, and so can report itself.
    let run = || {
        let (name, value) = inner_variable();
        let program = program(own_executable())
            .args(inner_arguments("test_process::reports_itself_and_stays"))
            .env(name, value)
            .timeout(secs(1000));
        program.success();
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(run);
        }
    });
}

#[test]
#[ignore = "other tests run it and kill it"]
fn reports_itself_and_stays() {
    if is_inner() {
        descendants::report(&registry_path());
        descendants::wait_for_ever();
    }
}

/// Another test process, with a directory for its temporary files.
struct TestProcess {
    child: Child,
    temporary: tempfile::TempDir,
}

impl TestProcess {
    fn start(test: &str, registry: &Path) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(own_executable());
        command
            .args(inner_arguments(test))
            .envs([inner_variable()])
            .env(REGISTRY, registry)
            .env("TMPDIR", temporary.path())
            .env_remove("EXEUNT_TIMEOUT_SCALE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        // SAFETY: what the child does is async-signal-safe.
        unsafe { command.pre_exec(as_at_a_terminal) };
        Self { child: command.spawn().unwrap(), temporary }
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The directories of the harness in its temporary directory.
    fn scratch(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.temporary.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().path());
        names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("exeunt-")).collect()
    }
}

/// Ends a test process by this signal when `targets` of its processes have reported themselves; then all
/// of them, and what the harness started, must be gone.
#[track_caller]
fn nothing_outlives(test: &str, targets: usize, signal: i32) {
    let registry = Registry::new();
    let mut test_process = TestProcess::start(test, &registry.path());
    let mut processes: Vec<Process> = (0..targets).map(|_| registry.next()).collect();
    let of_the_harness: Vec<Process> = descendants_of(test_process.pid())
        .into_iter()
        .filter(|process| ["exeunt-launcher", "exeunt-superv"].contains(&process.name().as_str()))
        .collect();
    // The control: all is there to be found.
    assert!(of_the_harness.len() >= 2, "{of_the_harness:?}");
    assert!(processes.iter().all(|process| process.is_alive()));
    assert_eq!(test_process.scratch().len(), 1);

    // SAFETY: a child of this process that was not waited for.
    unsafe { libc::kill(test_process.pid(), signal) };
    test_process.child.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    processes.extend(of_the_harness);
    for process in &processes {
        assert!(process.ends_before(deadline), "{process:?}, `{}`, is alive", process.name());
    }
    assert!(registry.all_are_gone());
    // The launcher removes it before it ends.
    assert_eq!(test_process.scratch(), Vec::<PathBuf>::new());
}

fn all_kinds_and_the_target() -> usize {
    KINDS.iter().map(|kind| count(kind)).sum::<usize>() + 1
}

#[test]
fn nothing_outlives_a_test_process_that_is_killed_while_a_function_runs() {
    let test = "test_process::runs_a_function_until_it_is_killed";
    nothing_outlives(test, all_kinds_and_the_target(), libc::SIGKILL);
}

#[test]
fn nothing_outlives_a_test_process_that_is_killed_while_programs_run() {
    nothing_outlives("test_process::runs_four_programs_until_it_is_killed", 4, libc::SIGKILL);
}

#[test]
fn nothing_outlives_a_test_process_that_is_told_to_leave() {
    let test = "test_process::runs_a_function_until_it_is_killed";
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        nothing_outlives(test, all_kinds_and_the_target(), signal);
    }
}

#[test]
#[ignore = "other tests run it"]
fn runs_a_program() {
    if is_inner() {
        program("true").success();
    }
}

#[test]
#[ignore = "other tests run it"]
fn replaces_a_launcher_that_was_killed() {
    if !is_inner() {
        return;
    }
    for _ in 0..3 {
        program("true").success();
        let old = launcher();
        old.kill();
        assert!(old.ends_before(Instant::now() + PATIENCE));
        program("true").success();
        assert_ne!(launcher(), old);
        // Nor is it a zombie.
        assert!(!Path::new(&format!("/proc/{}", old.pid)).exists());
    }
    launcher().kill();
}

#[test]
fn a_test_process_that_ends_by_itself_leaves_no_scratch_directory() {
    for test in ["test_process::runs_a_program", "test_process::replaces_a_launcher_that_was_killed"] {
        let registry = Registry::new();
        let mut test_process = TestProcess::start(test, &registry.path());
        assert!(test_process.child.wait().unwrap().success());
        assert_eq!(test_process.scratch(), Vec::<PathBuf>::new());
    }
}

/// A pair of sockets of the launcher's kind.
fn socket_pair() -> [OwnedFd; 2] {
    let mut pair = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: the place holds two descriptors.
    assert_eq!(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) }, 0);
    // SAFETY: the kernel just made them for us.
    pair.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Starts this test binary as a launcher, with another parent than the process that made its socket.
fn start_as_orphaned_launcher(socket: OwnedFd) -> std::process::Output {
    Command::new("sh")
        .args(["-c", r#""$0" "$@"; exit $?"#])
        .arg(own_executable())
        .args(inner_arguments("test_process::runs_a_program"))
        .envs([inner_variable()])
        .env("EXEUNT_LAUNCHER", "1")
        .stdin(Stdio::from(socket))
        .output()
        .unwrap()
}

#[test]
fn a_launcher_whose_test_process_has_died_meanwhile_runs_no_tests_in_its_stead() {
    let [ours, theirs] = socket_pair();
    drop(ours);
    let output = start_as_orphaned_launcher(theirs);
    assert_eq!(
        (output.status.code(), output.stdout.len(), output.stderr.len()),
        (Some(1), 0, 0),
        "{output:?}"
    );

    // The control: a socket that somebody holds is somebody else's, and the variable a mistake.
    let [ours, theirs] = socket_pair();
    let output = start_as_orphaned_launcher(theirs);
    assert_eq!(output.status.code(), Some(101));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("this process was started with EXEUNT_LAUNCHER or EXEUNT_FUNCTION"), "{told}");
    drop(ours);
}

/// This process, until it is forked.
static FORKED_FROM: AtomicI32 = AtomicI32::new(0);

fn own_id() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::getpid() }
}

/// In the process that forked: it dies before its copy does anything.
extern "C" fn dies() {
    if own_id() == FORKED_FROM.load(Ordering::Relaxed) {
        // SAFETY: the process sends a signal to itself.
        unsafe { libc::raise(libc::SIGKILL) };
    }
}

/// In its copy, and not in copies of that: waits until it has died.
extern "C" fn outlives() {
    let original = FORKED_FROM.swap(0, Ordering::Relaxed);
    if original == 0 {
        return;
    }
    // SAFETY: no preconditions.
    while unsafe { libc::getppid() } == original {
        std::thread::yield_now();
    }
    let stat = fs::read_to_string("/proc/self/stat").expect("what the kernel says of this process");
    let _ = std::io::stdout().write_all(format!("\ncopy: {stat}").as_bytes());
    let _ = std::io::stdout().flush();
}

#[test]
#[ignore = "another test runs it"]
fn dies_while_it_forks() {
    if is_inner() {
        FORKED_FROM.store(own_id(), Ordering::Relaxed);
        // SAFETY: the handlers are functions of this executable, in a process with no other thread than the runner's.
        assert_eq!(unsafe { libc::pthread_atfork(None, Some(dies), Some(outlives)) }, 0);
        assert_exit_forked(|| ()).returned();
    }
}

#[test]
fn a_copy_of_a_test_process_that_died_before_it_could_be_watched_leaves() {
    let (name, value) = inner_variable();
    let mut inner = Command::new(own_executable())
        .args(inner_arguments("test_process::dies_while_it_forks"))
        .env(name, value)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = inner.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL), "{status}");
    let mut lines = BufReader::new(inner.stdout.take().unwrap()).lines();
    let copy = lines.find_map(|line| line.unwrap().strip_prefix("copy: ").map(Process::described));
    let copy = copy.expect("the copy says which process it is");
    // It would wait for the end of whatever process took it in.
    let left = copy.ends_before(Instant::now() + PATIENCE);
    copy.kill();
    assert!(left, "the copy outlived its test process");
}
