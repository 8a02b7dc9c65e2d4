//! What the launcher does: it forks supervisors, keeps one of each kind idle so that no run waits for a
//! fork, and ends when the test process does, whatever way that went: it sees the socket's end and the
//! parent's own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use crate::sys::clock::Moment;
use crate::sys::doorbell::Doorbell;
use crate::sys::fork::{self, Fork};
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::signals::{self, ChildSignal};
use crate::sys::socket::Socket;
use crate::sys::tally::Tally;
use crate::sys::wait::{self, Ended};
use crate::sys::{fd, proc};

use super::crew::{Crew, Kind};
use super::launcher::{PATIENCE, remove};
use super::supervisor::Supervisor;
use super::wire::{self, Hello, HelloReply};

/// A greeting is a nonce.
const MOST_HELLO: usize = 1024;

/// How long the launcher waits before it tries again to fork a supervisor.
const FORK_AGAIN: Duration = Duration::from_millis(50);

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
    let known = wire::decode::<Hello>(&buffer[..message.len]).is_ok_and(|hello| hello.nonce == nonce);
    let mut fds = message.fds.into_iter();
    let (true, Some(programs), Some(bell)) = (known, fds.next().and_then(Socket::from_fd), fds.next()) else {
        fork::exit_now(1)
    };
    let posts = Posts { functions: requests, programs, bell: Doorbell::from_fd(bell) };
    let code = match Home::prepare(&posts) {
        Ok(home) => home.run(),
        Err(error) => {
            let _ = wire::send(&posts.functions, &HelloReply::Failed(error.to_string()), &[]);
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

/// Where the test process sends what it wants.
struct Posts {
    functions: Socket,
    programs: Socket,
    bell: Doorbell,
}

impl Posts {
    const fn of(&self, kind: Kind) -> &Socket {
        match kind {
            Kind::Functions => &self.functions,
            Kind::Programs => &self.programs,
        }
    }
}

/// The supervisors: their ids, and each one's kind and place in the tally of its kind.
type Supervisors = HashMap<i32, (Kind, usize)>;

/// What the launcher itself holds.
struct Home<'a> {
    posts: &'a Posts,
    parent: i32,
    test_process: PidFd,
    children: ChildSignal,
    functions: Tally,
    programs: Tally,
    wake: (OwnedFd, OwnedFd),
    scratch: tempfile::TempDir,
}

impl<'a> Home<'a> {
    fn prepare(posts: &'a Posts) -> io::Result<Self> {
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
        let (functions, programs) = (Tally::create()?, Tally::create()?);
        Ok(Self { posts, parent, test_process, children, functions, programs, wake, scratch })
    }

    const fn tally(&self, kind: Kind) -> Tally {
        match kind {
            Kind::Functions => self.functions,
            Kind::Programs => self.programs,
        }
    }

    fn run(self) -> i32 {
        let requests = &self.posts.functions;
        if let Err(error) = self.leave_the_test_process() {
            let _ = wire::send(requests, &HelloReply::Failed(error.to_string()), &[]);
            return 1;
        }
        let mut supervisors = Supervisors::new();
        // The first of the others is forked when the test process has been told, and may have a request
        // on its way already.
        self.add_supervisor(Kind::Functions, &mut supervisors);
        let scratch = OsString::from(self.scratch.path());
        if wire::send(requests, &HelloReply::Ready { scratch }, &[]).is_ok() {
            self.keep_supervisors(&mut supervisors);
        }
        self.end(&mut supervisors);
        0
    }

    /// Lets go of all that this process inherited: descriptors, directory, standard streams.
    fn leave_the_test_process(&self) -> io::Result<()> {
        let null = fd::open_null()?;
        let mut keep = vec![
            self.posts.functions.as_fd().as_raw_fd(),
            self.posts.programs.as_fd().as_raw_fd(),
            self.posts.bell.as_fd().as_raw_fd(),
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
    fn add_supervisor(&self, kind: Kind, supervisors: &mut Supervisors) {
        let tally = self.tally(kind);
        let Some(slot) = tally.claim() else { return };
        match fork::fork() {
            Ok(Fork::Parent(pid)) => {
                supervisors.insert(pid, (kind, slot));
            }
            Ok(Fork::Child) => {
                fork::set_name(super::SUPERVISOR_NAME);
                let (requests, bell, wake) = (self.posts.of(kind), &self.posts.bell, &self.wake.1);
                let crew = Crew { requests, bell, tally, slot, wake };
                // A request of the other kind must not wait at a socket that only this process holds.
                let mut keep = [requests.as_fd(), bell.as_fd(), wake.as_fd()].map(|fd| fd.as_raw_fd());
                fd::close_all_except(&mut keep);
                // Its own handle: the launcher may be gone before the run is.
                let watched = PidFd::open(self.parent);
                let made = watched.and_then(|handle| Supervisor::new(handle, self.parent, Some(bell)));
                if let (Ok(supervisor), true) = (made, fork::parent_id() != 1) {
                    match kind {
                        Kind::Functions => supervisor.serve_functions(crew),
                        Kind::Programs => supervisor.serve_programs(crew),
                    }
                }
                fork::exit_now(0)
            }
            Err(_) => tally.release(slot),
        }
    }

    /// Keeps a supervisor of each kind idle until the test process ends or closes the socket.
    fn keep_supervisors(&self, supervisors: &mut Supervisors) {
        let mut buffer = [0; 64];
        loop {
            self.children.drain();
            self.reap(supervisors);
            while matches!(fd::read_chunk(self.wake.0.as_fd(), &mut buffer), Ok(fd::Chunk::Bytes(_))) {}
            let mut short = false;
            for kind in [Kind::Functions, Kind::Programs] {
                if self.tally(kind).idle() == 0 {
                    self.add_supervisor(kind, supervisors);
                    short |= self.tally(kind).idle() == 0;
                }
            }
            // Where one could not be forked, for want of processes, it is tried again.
            let retry = short.then_some(FORK_AGAIN);
            let ready = poll::wait(
                [
                    Some((self.posts.functions.as_fd(), Interest::HangUp)),
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
    fn reap(&self, supervisors: &mut Supervisors) {
        while let Ok(Ended::Child(pid)) = wait::peek_any() {
            if wait::reap(pid).is_err() {
                return;
            }
            if let Some((kind, slot)) = supervisors.remove(&pid) {
                self.tally(kind).release(slot);
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
    fn end(self, supervisors: &mut Supervisors) {
        self.posts.functions.shut_down();
        self.posts.programs.shut_down();
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
