//! The launcher, from both sides: how the test process starts and addresses it, and what it does.
//!
//! It is the test binary, executed again with a socket as its stdin and a variable that holds a
//! nonce. It forks supervisors, keeps one idle so that no run waits for a fork, and ends when the
//! test process does, whatever way that went: it sees the socket's end and the parent's own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::error::{Error, Kind};
use crate::sys::clock::Moment;
use crate::sys::fork::{self, Fork};
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::signals::{self, ChildSignal};
use crate::sys::socket::Socket;
use crate::sys::tally::Tally;
use crate::sys::wait::{self, Ended};
use crate::sys::{ctor, fd, proc, raw};

use super::supervisor::Supervisor;
use super::wire::{self, Hello, HelloReply, LAUNCHER_VARIABLE};

/// How long the launcher may take to start or to stop, before `EXEUNT_TIMEOUT_SCALE`.
const PATIENCE: Duration = Duration::from_secs(20);

/// A greeting is a nonce.
const MOST_HELLO: usize = 1024;

/// How long the end of the test process waits for its launcher to leave.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// How long the launcher waits before it tries again to fork a supervisor.
const FORK_AGAIN: Duration = Duration::from_millis(50);

/// The test process's connection to its launcher.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) requests: Socket,
    scratch: PathBuf,
    next_run: AtomicU64,
    owner: i32,
    /// The launcher's process, kept so that it is waited for when it failed.
    child: Mutex<Child>,
}

static LAUNCHER: Mutex<Option<Arc<Launcher>>> = Mutex::new(None);

static LEAVE_REGISTERED: AtomicBool = AtomicBool::new(false);

/// At the end of the test process: sees the launcher out, so that it is no zombie for an init that may
/// not care. A test process that is killed leaves that to the launcher itself, and to init.
extern "C" fn see_out(launcher: &'static Mutex<Option<Arc<Launcher>>>) {
    // A thread that holds the lock at the end of the process will never release it.
    let Ok(slot) = launcher.try_lock() else { return };
    if let Some(launcher) = slot.as_ref().filter(|launcher| launcher.is_own()) {
        launcher.leave();
    }
}

impl Launcher {
    /// The launcher of this process, started now if there is none.
    pub(super) fn get() -> Result<Arc<Self>, Error> {
        let mut slot = LAUNCHER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(launcher) = slot.as_ref() {
            if launcher.is_own() && launcher.is_alive() {
                return Ok(Arc::clone(launcher));
            }
        }
        let launcher = Arc::new(Self::start()?);
        *slot = Some(Arc::clone(&launcher));
        if !LEAVE_REGISTERED.swap(true, Ordering::Relaxed) {
            raw::call_at_exit(see_out, &LAUNCHER);
        }
        Ok(launcher)
    }

    /// Ends the launcher and waits until it has cleaned up behind itself.
    fn leave(&self) {
        self.requests.shut_down();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Once it was waited for, its id may be another process's.
        if !has_ended(&mut child) {
            if let Ok(pidfd) = i32::try_from(child.id()).map_err(io::Error::other).and_then(PidFd::open) {
                // A target may have stopped it.
                let _ = pidfd.signal(libc::SIGCONT);
                pidfd.ends_within(LEAVE_PATIENCE);
            }
            let _ = child.try_wait();
        }
        // It has done so itself, unless it was killed.
        remove(&self.scratch);
    }

    /// Whether this process started it, and not the one of which this is a fork.
    pub(super) fn is_own(&self) -> bool {
        self.owner == raw::process_id()
    }

    /// Whether it is there to fork supervisors. The socket alone does not tell: where the launcher was
    /// killed, an idle supervisor holds it open.
    fn is_alive(&self) -> bool {
        let gone = poll::wait([Some((self.requests.as_fd(), Interest::HangUp))], Some(Duration::ZERO));
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(gone, Ok([false])) && !has_ended(&mut child)
    }

    fn start() -> Result<Self, Error> {
        check_that_a_launcher_can_start()?;
        let failed = |error| Error::harness("could not start the launcher", error);
        let (requests, theirs) = Socket::pair().map_err(failed)?;
        let nonce = format!("{:x}-{:x}", raw::process_id(), raw::monotonic_ns());
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        for private in super::PRIVATE_VARIABLES {
            // A function's process is a fork of this one, and `/proc/self/environ` shows them there.
            command.env_remove(private);
        }
        let mut child = command
            .env(LAUNCHER_VARIABLE, &nonce)
            .stdin(Stdio::from(theirs.into_fd()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        // The command keeps its copy of the launcher's end until here.
        drop(command);
        match handshake(&requests, nonce) {
            Ok(scratch) => Ok(Self {
                requests,
                scratch,
                next_run: AtomicU64::new(0),
                owner: raw::process_id(),
                child: Mutex::new(child),
            }),
            Err(error) => {
                stop(&mut child);
                Err(failed(error))
            }
        }
    }

    /// A path for the next run's mark file; nothing is there yet.
    pub(super) fn next_mark_file(&self) -> PathBuf {
        let run = self.next_run.fetch_add(1, Ordering::Relaxed);
        self.scratch.join(format!("{run}.marks"))
    }

    /// Why the launcher is not there any more, for the error of a run that lost it.
    pub(super) fn obituary(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        match child.try_wait() {
            Ok(Some(status)) => format!("the launcher ended: {status}"),
            _ => "the launcher or the supervisor of this run ended".to_owned(),
        }
    }

    /// In a forked copy of the test process: lets go of the original's launcher.
    pub(super) fn forget_in_fork() {
        if let Ok(mut slot) = LAUNCHER.try_lock() {
            *slot = None;
        }
    }
}

/// A launcher that was lost and replaced, when its last run is over.
impl Drop for Launcher {
    fn drop(&mut self) {
        if self.is_own() {
            self.leave();
        }
    }
}

/// Whether the launcher has ended; also where somebody else has waited for it.
fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// Starting this executable again must lead to a launcher, not to the same tests once more.
fn check_that_a_launcher_can_start() -> Result<(), Error> {
    let unsupported = |text: &str| Err(Error::new(Kind::Unsupported(text.to_owned())));
    if !ctor::ran() {
        return unsupported(
            "the constructor by which this executable becomes its own launcher was not linked or did not run",
        );
    }
    if !ctor::in_main_executable() {
        return unsupported(
            "exeunt is in a shared library here; it must be linked into the executable itself, which is \
             its own launcher",
        );
    }
    if super::REFUSED.load(Ordering::Relaxed) {
        return unsupported(
            "this process was started with EXEUNT_LAUNCHER or EXEUNT_FUNCTION in its environment, but not \
             by exeunt; unset them",
        );
    }
    Ok(())
}

fn handshake(requests: &Socket, nonce: String) -> io::Result<PathBuf> {
    wire::send(requests, &Hello { nonce }, &[])?;
    let patience = crate::exit_test::scaled(PATIENCE);
    let deadline = Moment::now().plus(patience);
    let mut buffer = vec![0; wire::PACKET];
    loop {
        let now = Moment::now();
        if now >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it gave no sign of life within {patience:?}"),
            ));
        }
        let [ready] = poll::wait([Some((requests.as_fd(), Interest::Read))], Some(deadline.since(now)))?;
        if ready {
            break;
        }
    }
    let message = requests
        .receive(&mut buffer, true)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before it was ready"))?;
    match wire::decode(&buffer[..message.len])? {
        HelloReply::Ready { scratch } => Ok(PathBuf::from(scratch)),
        HelloReply::Failed(why) => Err(io::Error::other(why)),
    }
}

/// Ends a launcher that did not start. The wait is bounded, for a process can be stuck in the kernel.
fn stop(child: &mut Child) {
    let _ = child.kill();
    // wait-timeout hears of the end by SIGCHLD; where that is ignored it would panic.
    if signals::is_ignored(libc::SIGCHLD) {
        let _ = child.try_wait();
    } else {
        let _ = child.wait_timeout(PATIENCE);
    }
}

/// In a process whose environment has the launcher's variable, before `main`: becomes the launcher
/// if the test process is its parent and knows the nonce. Returns otherwise.
pub(super) fn become_launcher(nonce: &str) {
    let Some(requests) = requests_socket() else { return };
    if requests.peer_pid().ok() != Some(fork::parent_id()) {
        let gone = poll::wait([Some((requests.as_fd(), Interest::HangUp))], Some(Duration::ZERO));
        if matches!(gone, Ok([true])) {
            // The test process died while this one started. Its tests are not to run once more.
            fork::exit_now(1);
        }
        std::mem::forget(requests);
        return;
    }
    let mut buffer = vec![0; MOST_HELLO];
    let Ok(Some(message)) = requests.receive(&mut buffer, true) else { fork::exit_now(1) };
    match wire::decode::<Hello>(&buffer[..message.len]) {
        Ok(hello) if hello.nonce == nonce => {}
        _ => fork::exit_now(1),
    }
    let code = match Home::prepare() {
        Ok(home) => home.run(&requests),
        Err(error) => {
            let _ = wire::send(&requests, &HelloReply::Failed(error.to_string()), &[]);
            1
        }
    };
    fork::exit_now(code)
}

/// Descriptor 0 where that is a socket of the launcher's kind.
fn requests_socket() -> Option<Socket> {
    let copy = io::stdin().as_fd().try_clone_to_owned().ok()?;
    Socket::from_fd(copy)
}

/// What the launcher itself holds.
struct Home {
    parent: i32,
    test_process: PidFd,
    children: ChildSignal,
    tally: Tally,
    wake: (OwnedFd, OwnedFd),
    scratch: tempfile::TempDir,
}

impl Home {
    fn prepare() -> io::Result<Self> {
        let parent = fork::parent_id();
        let test_process = PidFd::open(parent)?;
        signals::block_all();
        signals::reset_dispositions();
        fork::new_session();
        fork::become_subreaper()?;
        fork::lower_core_limit();
        fork::set_name(super::LAUNCHER_NAME);
        super::function::prepare_process();
        let children = ChildSignal::new()?;
        let wake = fd::pipe()?;
        fd::set_nonblocking(&wake.0)?;
        fd::set_nonblocking(&wake.1)?;
        let scratch = tempfile::Builder::new().prefix("exeunt-").tempdir()?;
        Ok(Self { parent, test_process, children, tally: Tally::create()?, wake, scratch })
    }

    fn run(self, requests: &Socket) -> i32 {
        if let Err(error) = self.leave_the_test_process(requests) {
            let _ = wire::send(requests, &HelloReply::Failed(error.to_string()), &[]);
            return 1;
        }
        let mut supervisors = HashMap::new();
        self.add_supervisor(requests, &mut supervisors);
        let scratch = OsString::from(self.scratch.path());
        if wire::send(requests, &HelloReply::Ready { scratch }, &[]).is_ok() {
            self.keep_supervisors(requests, &mut supervisors);
        }
        self.end(requests, &mut supervisors);
        0
    }

    /// Lets go of all that this process inherited: descriptors, directory, standard streams.
    fn leave_the_test_process(&self, requests: &Socket) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let null = fd::open_null()?;
        let mut keep = vec![
            requests.as_fd().as_raw_fd(),
            self.test_process.as_fd().as_raw_fd(),
            self.children.as_fd().as_raw_fd(),
            self.wake.0.as_raw_fd(),
            self.wake.1.as_raw_fd(),
            null.as_raw_fd(),
        ];
        fd::close_all_except(&mut keep);
        for number in 0..=2 {
            fd::place(null.as_raw_fd(), number).map_err(io::Error::from_raw_os_error)?;
        }
        std::env::set_current_dir("/")
    }

    /// Forks one more idle supervisor.
    fn add_supervisor(&self, requests: &Socket, supervisors: &mut HashMap<i32, usize>) {
        let Some(slot) = self.tally.claim() else { return };
        match fork::fork() {
            Ok(Fork::Parent(pid)) => {
                supervisors.insert(pid, slot);
            }
            Ok(Fork::Child) => {
                fork::set_name(super::SUPERVISOR_NAME);
                // Its own handle: the launcher may be gone before the run is.
                let watched = PidFd::open(self.parent);
                if let Ok(supervisor) = watched.and_then(Supervisor::new) {
                    if fork::parent_id() != 1 {
                        supervisor.serve_many(requests, self.tally, slot, &self.wake.1);
                    }
                }
                fork::exit_now(0)
            }
            Err(_) => self.tally.release(slot),
        }
    }

    /// Keeps a supervisor idle until the test process ends or closes the socket.
    fn keep_supervisors(&self, requests: &Socket, supervisors: &mut HashMap<i32, usize>) {
        let mut buffer = [0; 64];
        loop {
            self.children.drain();
            self.reap(supervisors);
            while matches!(fd::read_chunk(self.wake.0.as_fd(), &mut buffer), Ok(fd::Chunk::Bytes(_))) {}
            if self.tally.idle() == 0 {
                self.add_supervisor(requests, supervisors);
            }
            // Where it could not be forked, for want of processes, it is tried again.
            let retry = (self.tally.idle() == 0).then_some(FORK_AGAIN);
            let ready = poll::wait(
                [
                    Some((requests.as_fd(), Interest::HangUp)),
                    Some((self.test_process.as_fd(), Interest::Read)),
                    Some((self.children.as_fd(), Interest::Read)),
                    Some((self.wake.0.as_fd(), Interest::Read)),
                ],
                retry,
            );
            if !matches!(ready, Ok([false, false, _, _])) {
                return;
            }
        }
    }

    /// Takes the status of everything that ended. Orphans of a supervisor that was killed come here.
    fn reap(&self, supervisors: &mut HashMap<i32, usize>) {
        while let Ok(Ended::Child(pid)) = wait::peek_any() {
            if wait::reap(pid).is_err() {
                return;
            }
            if let Some(slot) = supervisors.remove(&pid) {
                self.tally.release(slot);
            }
        }
        // A target may have stopped its supervisor, which has a deadline to keep.
        while let Some(pid) = wait::next_stopped() {
            if supervisors.contains_key(&pid) {
                fork::continue_child(pid);
            }
        }
        // Whatever else is a child of the launcher was a supervisor's, and nobody's run any more.
        // The usual case, supervisors and nothing else, costs one small read.
        for child in proc::own_children().unwrap_or_default() {
            if !supervisors.contains_key(&child) {
                fork::kill_child(child);
            }
        }
    }

    /// Sees the supervisors out: each ends its run when it finds the test process gone.
    fn end(self, requests: &Socket, supervisors: &mut HashMap<i32, usize>) {
        requests.shut_down();
        let deadline = Moment::now().plus(PATIENCE);
        loop {
            self.children.drain();
            self.reap(supervisors);
            if matches!(wait::peek_any(), Ok(Ended::NoChildren) | Err(_)) {
                break;
            }
            let now = Moment::now();
            if now >= deadline {
                // Stopped, or stuck. Its target dies with it, and the rest comes to this process.
                supervisors.keys().for_each(|supervisor| fork::kill_child(*supervisor));
            }
            let patience = if now < deadline { deadline.since(now) } else { PATIENCE };
            let _ = poll::wait([Some((self.children.as_fd(), Interest::Read))], Some(patience));
        }
        remove(self.scratch.path());
        std::mem::forget(self.scratch);
    }
}

fn remove(scratch: &Path) {
    let _ = std::fs::remove_dir_all(scratch);
}
