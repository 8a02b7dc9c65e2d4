//! The test process's side of a start: checks what can be checked here, puts the request together
//! and sends it.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::sys::clock::Moment;
use crate::sys::fork::{self, Fork, StartError, StartStep};
use crate::sys::function::{Address, Trampoline};
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::socket::Socket;
use crate::sys::{fd, proc, raw, signals, wait};

use super::launcher::Launcher;
use super::program;
use super::streams::{Ends, Made};
use super::supervisor::Supervisor;
use super::temp::TEMP_VARIABLE;
use super::wire::{self, Blob, Order, PROBE_VARIABLE, Reply, Request, Target};
use super::{EnvironmentChanges, ISOLATED, Streams, Subject};

/// One run, as far as the launch is concerned.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) arguments: &'a [OsString],
    pub(crate) environment: &'a EnvironmentChanges,
    pub(crate) directory: Option<&'a Path>,
    /// A directory for temporary files, where it is to have one of its own.
    pub(crate) temp_dir: Option<&'a Path>,
    pub(crate) streams: Streams,
    pub(crate) core_dumps: bool,
    pub(crate) announce: bool,
    pub(crate) follow: bool,
    pub(crate) deadline: Moment,
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) ends: Ends,
    pub(crate) link: Link,
}

/// What ties the test process to a run.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) marks: MarkFile,
    pub(crate) requested_at: Moment,
    /// The run is over, or nothing more will be heard of it.
    pub(crate) settled: bool,
    launcher: Arc<Launcher>,
    /// Copies of the target's ends of its streams: as long as they are open no stream ends, and the
    /// test process is not woken for an end that tells it nothing. The supervisor tells of the end.
    _streams: Vec<OwnedFd>,
    /// Closed last: that wakes the supervisor, which then goes on to the next run.
    pub(crate) control: Socket,
}

/// The mark file of one run, removed when the run is over.
#[derive(Debug)]
pub(crate) struct MarkFile {
    path: PathBuf,
    absent: Cell<bool>,
}

impl MarkFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Nobody made a mark, and nobody who could is alive: there is nothing to remove.
    pub(crate) fn is_absent(&self) {
        self.absent.set(true);
    }
}

impl Drop for MarkFile {
    fn drop(&mut self) {
        if !self.absent.get() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A run that is abandoned, as where a closure of the test's panics, is ended first.
impl Drop for Link {
    fn drop(&mut self) {
        if self.settled || !self.launcher.is_own() {
            return;
        }
        let deadline = Moment::now().plus(ABANDON_PATIENCE);
        let mut buffer = vec![0; wire::PACKET];
        // Nobody is going to look at what was left, nor is where it was being looked at.
        let mut over = [Order::Kill, Order::Clear].iter().any(|order| self.order(order).is_err());
        while !over && Moment::now() < deadline {
            let rest = deadline.since(Moment::now());
            over = match poll::wait([Some((self.control.as_fd(), Interest::Read))], Some(rest)) {
                Ok([true]) => match self.control.receive(&mut buffer, false) {
                    Ok(Some(message)) => match wire::decode(&buffer[..message.len]) {
                        Ok(reply) => Reply::is_last(&reply),
                        Err(_) => true,
                    },
                    Ok(None) => true,
                    Err(error) => error.kind() != io::ErrorKind::WouldBlock,
                },
                Ok([false]) => false,
                Err(_) => true,
            };
        }
        // A fork of the test process may hold the socket too, and the supervisor would wait for its end.
        self.control.shut_down();
        self.launcher.bell.ring();
    }
}

impl Link {
    /// Tells the supervisor what to do.
    pub(crate) fn order(&self, order: &Order) -> io::Result<()> {
        let sent = wire::send(&self.control, order, &[]);
        // It may not look at the socket before it hears this.
        self.launcher.bell.ring();
        sent
    }

    /// Why the control socket closed without a word.
    pub(crate) fn obituary(&self) -> Error {
        Error::harness(self.launcher.obituary(), io::ErrorKind::UnexpectedEof.into())
    }
}

/// The address of a function in this executable.
pub(crate) fn function_by_address(trampoline: Trampoline) -> Result<Address, Error> {
    Address::of(trampoline).ok_or_else(|| {
        Error::new(Kind::Unsupported(
            "the function is in another shared object than exeunt, so that it cannot be found again in a fresh \
             process; use `assert_exit_forked` inside `isolated!`"
                .to_owned(),
        ))
    })
}

/// Starts a run: on return the request is on its way, and the control socket will tell.
pub(crate) fn start(job: &Job<'_>) -> Result<Live, Error> {
    let launcher = Launcher::get()?;
    let marks = MarkFile { path: launcher.next_mark_file(), absent: Cell::new(false) };
    let environment = environment_block(job.environment, marks.path(), job.temp_dir)?;
    check_arguments(job.arguments)?;
    let trouble = |error| Error::harness("could not prepare the run", error);
    let directory = open_directory(job.directory)?;
    let (control, theirs) = Socket::pair().map_err(trouble)?;
    let streams = Made::new(job.streams).map_err(trouble)?;
    let ([stdout, stderr], stdin) = streams.targets();

    let program = program::find(job.subject, job.environment)?;
    let own_name = std::env::args_os().next().unwrap_or_default();
    let target = match (job.subject, &program) {
        (Subject::Program(_) | Subject::CargoBin { .. }, Some(program)) => Target::Program {
            path: Blob(program.path.as_os_str().as_bytes()),
            arguments: with_zeroth(&program.zeroth, job.arguments),
        },
        (Subject::Function { address, input }, _) if job.arguments.is_empty() => {
            Target::Function { address: *address, input: Blob(&input.0) }
        }
        (Subject::Function { address, input }, _) => Target::FunctionByExec {
            address: *address,
            input: Blob(&input.0),
            arguments: with_zeroth(&own_name, job.arguments),
        },
        (Subject::Forked(_), _) if job.arguments.is_empty() => Target::Forked,
        (Subject::Forked(_), _) => {
            return Err(Error::bad_input(
                "a forked copy of the test process has its arguments already; `assert_exit` and \
                 `assert_exit_with` take new ones",
            ));
        }
        (Subject::Program(_) | Subject::CargoBin { .. }, None) => unreachable!("`find` finds or fails"),
    };
    let request = Request {
        target,
        environment: Blob(&environment),
        core_dumps: job.core_dumps,
        stdin: stdin.is_some(),
        at_terminal: matches!(job.streams, Streams::Terminal { .. }),
        announce: job.announce,
        follow: job.follow,
    };
    let encoded = wire::encode_request(&request).map_err(trouble)?;
    let requests = match job.subject {
        Subject::Forked(forked) => &forked.requests,
        Subject::Function { .. } => &launcher.requests,
        // A program is followed from before its first instruction, so that it needs a process that waits.
        _ if job.follow => &launcher.requests,
        Subject::Program(_) | Subject::CargoBin { .. } => &launcher.programs,
    };
    let theirs = theirs.into_fd();
    let mut fds = vec![&theirs, stdout, stderr, &directory];
    fds.extend(stdin);
    let requested_at = Moment::now();
    send(requests, &encoded, &fds, job.deadline).map_err(|error| {
        Error::harness(format!("could not send the request ({})", launcher.obituary()), error)
    })?;
    let (ends, stdin, kept) = streams.into_ours();
    let link = Link { control, stdin, marks, requested_at, settled: false, launcher, _streams: kept };
    Ok(Live { ends, link })
}

fn with_zeroth<'a>(zeroth: &'a OsStr, arguments: &'a [OsString]) -> Vec<Blob<'a>> {
    let arguments = arguments.iter().map(|argument| Blob(argument.as_bytes()));
    [Blob(zeroth.as_bytes())].into_iter().chain(arguments).collect()
}

/// Sends as soon as there is room, at the latest at the deadline: with many runs at once the
/// requests wait for supervisors in the socket's queue.
fn send(requests: &Socket, encoded: &[u8], fds: &[&OwnedFd], deadline: Moment) -> io::Result<()> {
    loop {
        match wire::send_request(requests, encoded, fds) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
        let now = Moment::now();
        if now >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        poll::wait([Some((requests.as_fd(), Interest::Write))], Some(deadline.since(now)))?;
    }
}

fn open_directory(given: Option<&Path>) -> Result<OwnedFd, Error> {
    let path = given.unwrap_or(Path::new("."));
    fd::open_directory(path).map_err(|error| {
        Error::new(Kind::Start {
            subject: format!("in the directory `{}`", path.display()),
            why: error.to_string(),
        })
    })
}

/// `NAME=value` and a NUL for every variable of the target.
fn environment_block(
    changes: &EnvironmentChanges,
    marks: &Path,
    temp_dir: Option<&Path>,
) -> Result<Vec<u8>, Error> {
    if temp_dir.is_some() && changes.variables.contains_key(OsStr::new(TEMP_VARIABLE)) {
        return Err(Error::bad_input(format!(
            "{TEMP_VARIABLE} names the target's own directory for temporary files; the plan gives another"
        )));
    }
    let mut block = Vec::with_capacity(4096);
    let mut push = |name: &OsStr, value: &OsStr| {
        block.extend_from_slice(name.as_bytes());
        block.push(b'=');
        block.extend_from_slice(value.as_bytes());
        block.push(0);
    };
    if !changes.clear {
        for (name, value) in std::env::vars_os() {
            let replaced = temp_dir.is_some() && name == TEMP_VARIABLE;
            if !replaced
                && !changes.variables.contains_key(&name)
                && !super::PRIVATE_VARIABLES.iter().any(|private| name == *private)
            {
                push(&name, &value);
            }
        }
    }
    for (name, value) in &changes.variables {
        let Some(value) = value else { continue };
        if name == PROBE_VARIABLE {
            return Err(Error::bad_input(format!(
                "{PROBE_VARIABLE} names the mark file, which exeunt gives to every target itself; with another \
                 the marks would be lost"
            )));
        }
        let (raw_name, raw_value) = (name.as_bytes(), value.as_bytes());
        if raw_name.is_empty() || raw_name.contains(&b'=') || raw_name.contains(&0) || raw_value.contains(&0)
        {
            return Err(Error::bad_input(format!("the environment cannot hold {name:?}={value:?}")));
        }
        push(name, value);
    }
    push(OsStr::new(PROBE_VARIABLE), marks.as_os_str());
    if let Some(temp_dir) = temp_dir {
        push(OsStr::new(TEMP_VARIABLE), temp_dir.as_os_str());
    }
    Ok(block)
}

fn check_arguments(arguments: &[OsString]) -> Result<(), Error> {
    match arguments.iter().find(|argument| argument.as_bytes().contains(&0)) {
        None => Ok(()),
        Some(argument) => Err(Error::bad_input(format!("an argument cannot hold a NUL byte: {argument:?}"))),
    }
}

/// The words for a target that could not be started.
pub(crate) fn start_error(subject: &Subject, error: StartError) -> Error {
    let why = io::Error::from_raw_os_error(error.errno);
    let (operation, hint) = match (error.step, error.errno) {
        (StartStep::Exec, libc::ENOEXEC) => {
            ("", " (neither an executable of this machine nor a script with `#!`)")
        }
        (StartStep::Exec, libc::EACCES) => ("", " (is it an executable file?)"),
        (StartStep::Exec, libc::ENOENT) => ("", " (or the interpreter that its first line names is missing)"),
        (StartStep::Exec, libc::E2BIG) => ("", " (arguments and environment together, or one of them)"),
        (StartStep::Exec, _) => ("", ""),
        (StartStep::Process, _) => ("making its process: ", ""),
        (StartStep::Terminal, _) => ("making it a session at its terminal: ", ""),
        (StartStep::Streams, _) => ("setting its streams: ", ""),
        (StartStep::Directory, _) => ("changing to its directory: ", ""),
        (StartStep::Follow, _) => {
            ("following it by ptrace: ", " (is that forbidden here, or is it traced already?)")
        }
    };
    Error::new(Kind::Start { subject: super::describe(subject), why: format!("{operation}{why}{hint}") })
}

/// How long the target of a run that is abandoned may take to end.
const ABANDON_PATIENCE: Duration = Duration::from_secs(10);

/// How long the supervisor of a forked copy may take to leave. It gives what it kills five seconds.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

/// A fork of the test process that waits for its request.
#[derive(Debug)]
pub(crate) struct Forked {
    requests: Socket,
    supervisor: i32,
}

impl Forked {
    /// Lets the supervisor go on where the function stopped it: there is no launcher to see to that.
    pub(crate) fn continue_supervisor(&self) {
        fork::continue_child(self.supervisor);
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        // Its end of the socket is read to the end: without a request it leaves, with one it has
        // left or is about to. It is this process's child and is waited for by its id.
        self.requests.shut_down();
        self.continue_supervisor();
        if let Ok(supervisor) = PidFd::open(self.supervisor) {
            if !supervisor.ends_within(LEAVE_PATIENCE) {
                fork::kill_child(self.supervisor);
            }
        }
        let _ = wait::reap(self.supervisor);
    }
}

/// Whether this process runs one test and nothing else that matters.
fn is_dedicated() -> bool {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ISOLATED.load(Ordering::Relaxed)
        || proc::own_thread_count().is_ok_and(|threads| threads == 1)
        || is_started_for_one_test(&arguments)
        || test_threads(&arguments).is_some_and(|threads| threads == "1")
}

/// Whether nextest started this process. The processes of a test inherit its variables, and may run
/// many tests of their own; `--exact` they have from nextest only.
fn is_started_for_one_test(arguments: &[OsString]) -> bool {
    std::env::var_os("NEXTEST_EXECUTION_MODE").is_some_and(|mode| mode == "process-per-test")
        && arguments.iter().any(|argument| argument == "--exact")
}

/// What libtest was told of its threads: its argument counts before its variable.
fn test_threads(arguments: &[OsString]) -> Option<OsString> {
    const FLAG: &str = "--test-threads";
    let joined =
        |argument: &OsString| argument.to_str()?.strip_prefix(FLAG)?.strip_prefix('=').map(OsString::from);
    let apart = |pair: &[OsString]| (pair[0] == FLAG).then(|| pair[1].clone());
    arguments
        .iter()
        .find_map(joined)
        .or_else(|| arguments.windows(2).find_map(apart))
        .or_else(|| std::env::var_os("RUST_TEST_THREADS"))
}

/// Forks this process now. The copy becomes the supervisor of a copy of its own, which calls `f`
/// when the request comes; here `f` is forgotten, for it now lives there.
pub(crate) fn fork_now(f: impl FnOnce() -> ExitCode) -> Result<Forked, Error> {
    if !is_dedicated() {
        return Err(Error::new(Kind::Unsupported(
            "`assert_exit_forked` copies the test process, and this one runs other threads: the copy could \
             inherit a lock that nobody will release. Put the test into `isolated! { .. }`, or run it under \
             `cargo nextest run` or with `--test-threads=1`; or use `assert_exit`, which starts a fresh process"
                .to_owned(),
        )));
    }
    let trouble = |error| Error::harness("could not fork the test process", error);
    let (requests, theirs) = Socket::pair().map_err(trouble)?;
    let body = ManuallyDrop::new(f);
    let test_process = raw::process_id();
    match fork::fork().map_err(trouble)? {
        Fork::Parent(supervisor) => Ok(Forked { requests, supervisor }),
        Fork::Child => {
            std::mem::forget(requests);
            become_supervisor(test_process, &theirs, ManuallyDrop::into_inner(body))
        }
    }
}

/// In the forked copy of the test process: supervises one run, and leaves without a trace.
fn become_supervisor(test_process: i32, requests: &Socket, body: impl FnOnce() -> ExitCode) -> ! {
    signals::block_all();
    signals::reset_dispositions();
    fork::new_session();
    fork::lower_core_limit();
    fork::set_name(super::SUPERVISOR_NAME);
    Launcher::forget_in_fork();
    if let Ok(null) = fd::open_null() {
        // The target gets streams of its own; this process keeps none of the runner's.
        let placed = (0..=2).all(|number| fd::place(null.as_raw_fd(), number).is_ok());
        drop(null);
        let supervisor =
            PidFd::open(test_process).and_then(|handle| Supervisor::new(handle, test_process, None));
        // Where it has died meanwhile the handle may be another's, whose end nobody is to wait for.
        let watched = fork::parent_id() == test_process;
        if let (true, true, Ok(supervisor)) = (placed, watched, supervisor) {
            supervisor.serve_one(requests, super::supervisor::body_of(body));
        }
    }
    fork::exit_now(0)
}
