//! The launcher as the test process knows it: how it is started, addressed and seen out.
//!
//! It is the test binary, executed again with a socket as its stdin and a variable that holds a
//! nonce. What it does then is in `home`.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::error::{Error, Kind};
use crate::sys::clock::Moment;
use crate::sys::doorbell::Doorbell;
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::socket::Socket;
use crate::sys::{ctor, raw, signals};

use super::wire::{self, Hello, HelloReply, LAUNCHER_VARIABLE};

/// How long the launcher may take to start or to stop, before `EXEUNT_TIMEOUT_SCALE`.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long the end of the test process waits for its launcher to leave.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// The test process's connection to its launcher.
#[derive(Debug)]
pub(super) struct Launcher {
    /// Where functions are asked for, and where programs are.
    pub(super) requests: Socket,
    pub(super) programs: Socket,
    /// Tells the supervisors that one of them was given an order.
    pub(super) bell: Doorbell,
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
        self.programs.shut_down();
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
        let (programs, their_programs) = Socket::pair().map_err(failed)?;
        let bell = Doorbell::create().map_err(failed)?;
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
        let along = [their_programs.as_fd().as_raw_fd(), bell.as_fd().as_raw_fd()];
        match handshake(&requests, nonce, along) {
            Ok(scratch) => Ok(Self {
                requests,
                programs,
                bell,
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

fn handshake(requests: &Socket, nonce: String, along: [RawFd; 2]) -> io::Result<PathBuf> {
    wire::send(requests, &Hello { nonce }, &along)?;
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

/// Takes away what is left on disk of a launcher, or of a run, also where a target has locked directories: those that
/// it had for its temporary files.
pub(super) fn remove(place: &Path) {
    if fs::remove_dir_all(place).is_err() {
        unlock(place);
        let _ = fs::remove_dir_all(place);
    }
}

/// Gives the user of a directory and of those in it the rights back that are needed to remove them.
fn unlock(place: &Path) {
    let mut next = vec![place.to_owned()];
    while let Some(directory) = next.pop() {
        // What a link leads to is not below it.
        if directory.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            let _ = fs::set_permissions(&directory, Permissions::from_mode(0o700));
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            next.extend(directories.map(|entry| entry.path()));
        }
    }
}
