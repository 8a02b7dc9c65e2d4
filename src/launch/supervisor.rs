//! The supervisor: the process between the launcher and one target at a time.
//!
//! It is the subreaper of everything the target starts, so that daemons come back to it. Before a
//! request comes it has forked a spare target, which waits for one: so no run waits for a fork. The
//! spare takes the request and hands the control socket up; from then on the supervisor watches. It
//! reports the start and the end, and when the target has ended, or the test process says so or is
//! gone, it kills and reaps all that is left. If nothing of the run remains, it forks the next spare.
//!
//! ```text
//! Spare --request taken--> Taken --link closed--> Running --ended or told to kill--> Cleared --> Spare
//! ```
//!
//! It has one thread, no signal handler that could interrupt it and every signal blocked; SIGCHLD
//! arrives by a descriptor.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::clock::Moment;
use crate::sys::doorbell::{Doorbell, Listener};
use crate::sys::fork::{self, Fork, StartError, StartStep};
use crate::sys::page::{Page, Stage};
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::signals::ChildSignal;
use crate::sys::socket::Socket;
use crate::sys::wait;
use crate::sys::{fd, raw, schedule};

use super::crew::{Crew, Kind};
use super::family::{After, Family};
use super::target::{Body, Spare};
use super::wire::{self, End, FunctionEnd, FunctionStage, Reply, Start};

/// How long a supervisor lets the test process take its report before it goes on to the next run.
const FAREWELL: Duration = Duration::from_millis(2);

/// What a spare says when it has taken a request; the control socket comes along.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Whether the test process wants to know of the start.
    pub(super) announce: bool,
    pub(super) kind: Kind,
    /// Whether all that comes from the target is to be followed. It waits for a word that it is.
    pub(super) follow: bool,
}

/// What a supervisor has ready before a request comes.
#[derive(Debug)]
pub(super) struct Supervisor {
    page: Page,
    page_file: OwnedFd,
    pub(super) children: ChildSignal,
    pub(super) test_process: PidFd,
    bell: Option<Listener>,
    /// The test process.
    pub(super) harness: i32,
    id: i32,
}

/// Sends the target's process group a signal, and says so. The target has not been waited for, so that its
/// id, and that of the group in which it is, are still its own.
fn signal_group(run: &Run<'_>, number: i32) {
    // Before: what a handler does at once comes after it.
    let at = Moment::now();
    let errno = fork::signal_group_of_child(run.target, number).err();
    let _ = wire::send(&run.control, &Reply::GroupSignalled { at, errno }, &[]);
}

/// Whether anything of a run remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aftermath {
    Clean,
    Survivors,
}

/// A run whose request was taken.
pub(super) struct Run<'a> {
    pub(super) control: Socket,
    pub(super) announce: bool,
    pub(super) target: i32,
    pub(super) kind: Kind,
    pub(super) family: Family,
    /// When it was started, where that is not on the page.
    pub(super) started: Option<Moment>,
    /// Closed by the target when it reaches its own code, where that is still to come.
    pub(super) link: Option<Socket>,
    /// Shut down by a test process that is about to end, whatever its threads still wait for.
    pub(super) requests: &'a Socket,
}

impl Supervisor {
    /// Makes this process a supervisor, one of those that the bell is rung for, or one by itself. All
    /// its signals are blocked.
    pub(super) fn new(test_process: PidFd, harness: i32, bell: Option<&Doorbell>) -> io::Result<Self> {
        fork::become_subreaper()?;
        let (page, page_file) = Page::create()?;
        let children = ChildSignal::new()?;
        let bell = bell.map(Listener::new).transpose()?;
        Ok(Self { page, page_file, children, test_process, bell, harness, id: raw::process_id() })
    }

    /// This process's id.
    pub(super) const fn id(&self) -> i32 {
        self.id
    }

    /// Serves functions until the launcher's socket ends, or others are idle enough.
    pub(super) fn serve_functions(&self, crew: Crew<'_>) {
        while let Some(Aftermath::Clean) = self.serve(crew.requests, Some(crew), None) {
            if !crew.go_on() {
                return;
            }
        }
    }

    /// Serves the one request of a forked copy of the test process, which runs `body`.
    pub(super) fn serve_one(&self, requests: &Socket, body: Body<'_>) {
        self.serve(requests, None, Some(body));
    }

    /// Forks a spare target and sees it through one run; `None` when no request came.
    fn serve(&self, requests: &Socket, crew: Option<Crew<'_>>, body: Option<Body<'_>>) -> Option<Aftermath> {
        self.page.reset();
        let forked = body.is_some();
        let (link, theirs) = Socket::pair().ok()?;
        let target = match fork::fork().ok()? {
            Fork::Parent(pid) => pid,
            Fork::Child => {
                let page_file = self.page_file.as_raw_fd();
                let supervisor = [link.as_fd(), self.children.as_fd(), self.test_process.as_fd()];
                let held = supervisor.iter().map(AsRawFd::as_raw_fd).collect();
                Spare { page: self.page, page_file, link: theirs, supervisor: self.id, held, crew }
                    .wait(requests, body)
            }
        };
        drop(theirs);
        if forked {
            // Here the copies of the test process's own descriptors would only hold files and pipes
            // open that the function closes.
            fd::close_all_except(&mut [
                requests.as_fd().as_raw_fd(),
                link.as_fd().as_raw_fd(),
                self.page_file.as_raw_fd(),
                self.children.as_fd().as_raw_fd(),
                self.test_process.as_fd().as_raw_fd(),
            ]);
        }
        let mut family = Family::new(target, self.harness);
        let (control, taken, ended) = self.await_request(&link, &mut family, requests)?;
        if taken.follow {
            self.follow(&link, &mut family);
        }
        let mut run = Run {
            control,
            announce: taken.announce,
            target,
            kind: taken.kind,
            family,
            started: None,
            link: Some(link),
            requests,
        };
        let aftermath = self.see_through(&mut run, ended);
        self.see_off(&run);
        Some(aftermath)
    }

    /// Waits until the spare has taken a request, and tells whether it has ended already; `None` when it
    /// took none, and has ended.
    ///
    /// A supervisor that hears the bell is not woken for a request: it can do nothing about a run but
    /// take its end, unless it is told more, and for that it is rung.
    fn await_request(
        &self,
        link: &Socket,
        family: &mut Family,
        requests: &Socket,
    ) -> Option<(Socket, Taken, bool)> {
        let target = family.target();
        let mut buffer = [0; 64];
        loop {
            let news = self.bell.as_ref().map_or(link.as_fd(), AsFd::as_fd);
            let ready = poll::wait(
                [
                    Some((news, Interest::Read)),
                    Some((self.children.as_fd(), Interest::Read)),
                    Some((self.test_process.as_fd(), Interest::Read)),
                    Some((requests.as_fd(), Interest::HangUp)),
                ],
                family.has_more().then_some(Duration::ZERO),
            );
            if let (Ok([true, ..]), Some(bell)) = (&ready, &self.bell) {
                bell.heard();
            }
            let mut ended = false;
            if matches!(ready, Ok([_, true, ..])) || family.has_more() {
                self.children.drain();
                ended = family.take_news();
            }
            let message = link.receive(&mut buffer, false);
            let closed = matches!(message, Ok(None));
            let request = message.ok().flatten().and_then(|message| {
                let taken = wire::decode(&buffer[..message.len]).ok()?;
                Some((Socket::from_fd(message.fds.into_iter().next()?)?, taken, ended))
            });
            if request.is_some() {
                return request;
            }
            if ended || closed || !matches!(ready, Ok([_, _, false, false])) {
                fork::kill_child(target);
                let _ = wait::reap(target);
                return None;
            }
        }
    }

    /// Watches a run to its end, clears up behind it and reports.
    pub(super) fn see_through(&self, run: &mut Run<'_>, ended: bool) -> Aftermath {
        let told_to_kill = !ended && self.watch(run);
        self.finish(run, told_to_kill)
    }

    /// Waits until the test process has taken the report, and lets it have the core: what comes now, the next
    /// fork, costs more than all that an assertion has still to do. A fork of the test process may hold the
    /// socket longer.
    fn see_off(&self, run: &Run<'_>) {
        let modest = schedule::be_modest();
        let _ = poll::wait(
            [
                Some((run.control.as_fd(), Interest::HangUp)),
                Some((self.test_process.as_fd(), Interest::Read)),
            ],
            Some(FAREWELL),
        );
        drop(modest);
    }

    /// Waits until the target has ended, or until it is to be ended; tells whether the latter.
    fn watch(&self, run: &mut Run<'_>) -> bool {
        let mut buffer = [0_u8; 64];
        loop {
            let link = run.link.as_ref().filter(|_| run.announce);
            let ready = poll::wait(
                [
                    Some((run.control.as_fd(), Interest::Read)),
                    Some((self.children.as_fd(), Interest::Read)),
                    Some((self.test_process.as_fd(), Interest::Read)),
                    Some((run.requests.as_fd(), Interest::HangUp)),
                    link.map(|link| (link.as_fd(), Interest::Read)),
                ],
                run.family.has_more().then_some(Duration::ZERO),
            );
            let Ok([order, child, test_process_ended, shut_down, own_code]) = ready else { return true };
            if child || run.family.has_more() {
                self.children.drain();
                if run.family.take_news() {
                    return false;
                }
            }
            if own_code {
                // A function was entered, or the test executable was executed once more: exec closed the
                // link. Or it has ended, which the next look will show.
                run.link = None;
                self.announce(run);
            }
            if test_process_ended || shut_down {
                return true;
            }
            if order {
                match run.control.receive(&mut buffer, false) {
                    Ok(Some(message)) => match wire::decode(&buffer[..message.len]) {
                        Ok(wire::Order::Announce) => self.announce(run),
                        Ok(wire::Order::Clear) => {}
                        Ok(wire::Order::SignalGroup(number)) => signal_group(run, number),
                        Ok(wire::Order::Kill) | Err(_) => return true,
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(None) | Err(_) => return true,
                }
            }
        }
    }

    /// Follows all that comes from a target, which waits for a word on `link` before it goes on.
    fn follow(&self, link: &Socket, family: &mut Family) {
        match family.follow() {
            Ok(()) => {
                let _ = link.send(b"followed", &[], true);
            }
            // It was killed before it was followed, which is no matter of following it.
            Err(_) if wait::peek_status(family.target()).is_some() => {}
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EPERM);
                self.page.set_start_error(StartError { step: StartStep::Follow, errno });
                fork::kill_child(family.target());
            }
        }
    }

    fn start(&self, run: &Run<'_>) -> Start {
        Start { pid: run.target, at: run.started.unwrap_or_else(|| Moment(self.page.started_at())) }
    }

    /// Tells the test process that the target runs its own code, and hands it the pidfd.
    pub(super) fn announce(&self, run: &Run<'_>) {
        if self.page.start_error().is_some() {
            return;
        }
        if let Ok(pidfd) = PidFd::open(run.target) {
            let _ = wire::send(&run.control, &Reply::Started(self.start(run)), &[pidfd.as_fd().as_raw_fd()]);
        }
    }

    /// Ends what is left, and reports.
    fn finish(&self, run: &mut Run<'_>, told_to_kill: bool) -> Aftermath {
        let mut forced = false;
        if told_to_kill && !run.family.take_news() {
            fork::kill_child(run.target);
            forced = true;
        }
        let reaped = run.family.reap_target(&self.children);
        let at = Moment::now();
        // The target's children became this process's own before it could be waited for.
        let (leftovers, count, survivors) = match self.leftovers(&mut run.family) {
            None => (Vec::new(), 0, 0),
            Some((leftovers, count)) => {
                run.family.left_behind(&leftovers);
                // What ended between the two looks is no leftover, and nobody had waited for it.
                run.family.has_ended(After::Found(&leftovers));
                if count > 0 {
                    self.let_look(run);
                }
                (leftovers, count, self.clear(&mut run.family))
            }
        };
        let aftermath = if survivors == 0 { Aftermath::Clean } else { Aftermath::Survivors };
        let Ok(reaped) = reaped else { return Aftermath::Survivors };
        if let Some(error) = self.page.start_error() {
            let _ = wire::send(&run.control, &Reply::NotStarted(error), &[]);
            return aftermath;
        }
        let killed =
            matches!(wait::decode(reaped.raw_status), wait::Status::Signal { number: libc::SIGKILL, .. });
        let end = End {
            start: self.start(run),
            at,
            raw_status: reaped.raw_status,
            usage: reaped.usage,
            forced: forced && killed,
            function: (run.kind == Kind::Functions).then(|| self.function_end()),
            leftovers,
            leftover_count: count,
            survivors,
            relatives: run.family.take(),
        };
        let _ = wire::send(&run.control, &Reply::Ended(Box::new(end)), &[]);
        aftermath
    }

    fn function_end(&self) -> FunctionEnd {
        let reading = self.page.read();
        FunctionEnd {
            stage: match reading.stage {
                Stage::NotEntered => FunctionStage::NotEntered,
                Stage::Entered => FunctionStage::Entered,
                Stage::Returned => FunctionStage::Returned,
                Stage::Panicked => FunctionStage::Panicked,
            },
            hooks_ran: reading.hooks_ran,
            leaving: reading.leaving,
            message: reading.message,
            location: reading.location,
            undecodable: reading.undecodable,
            threads: reading.threads,
        }
    }
}

/// The body of a forked function, kept from being dropped anywhere but in its own process.
pub(super) fn body_of<'a>(body: impl FnOnce() -> ExitCode + 'a) -> Body<'a> {
    std::mem::ManuallyDrop::new(Box::new(body))
}
