//! The one event loop of a run, and the only place where an [`Exit`] is built.
//!
//! It reads what the target writes, asks gates, carries out the script, keeps the deadline, and when
//! the supervisor reports the end it puts the facts together. It waits in one `ppoll`; nothing here
//! sleeps; only for ports and signal handlers, for which the kernel has no event, it looks again and
//! again.

mod backtrace;
mod conclude;
mod deliver;
mod family;
mod feed;
mod give_up;
mod intake;
mod look;
mod progress;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::exit::{Event, Exit, FirstDelivery, LastDelivery, Outputs, Stuck, What};
use crate::exit_test::CleanupCheck;
use crate::launch::wire::{self, End, Order, Reply};
use crate::launch::{Ends, Link, Live, Subject};
use crate::script::{Action, Needs, Ready, Step, When, Window};
use crate::stream::Capture;
use crate::sys::clock::Moment;
use crate::sys::notify::Watch;
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::pty::Pty;

use deliver::{Deadly, Ordered};
use intake::{Marks, Source, Stream};
pub(crate) use look::Lookout;

/// How long a supervisor may take to end a target that it was told to end, before the run fails.
const KILL_PATIENCE: Duration = Duration::from_secs(15);

/// How often that is looked at for which the kernel has no event: a port, a signal's handler.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// How long a supervisor may take to say which process the target is.
const INTRODUCTION_PATIENCE: Duration = Duration::from_secs(1);

/// The room for what most targets write, grown for those that write more (see [`Stream::read`]): every page
/// that is touched costs a run something.
const FEW: usize = 2 * 1024;

/// How much of a stream is read before the loop looks at the rest of the world.
const AT_ONCE: usize = 1024 * 1024;

/// What of the plan the loop needs.
pub(crate) struct Orders<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) name: String,
    pub(crate) stdin: Option<&'a [u8]>,
    /// The script writes to the target's stdin or closes it.
    pub(crate) scripted_stdin: bool,
    pub(crate) ready: Option<Ready>,
    pub(crate) steps: Vec<Step>,
    /// How long each gate may take to open.
    pub(crate) step_timeout: Option<Duration>,
    /// Ask gdb for backtraces at a deadline.
    pub(crate) backtraces: bool,
    pub(crate) allow_early_end: bool,
    pub(crate) capture_limit: usize,
    /// How long the run may take in all, and when that is over.
    pub(crate) timeout: Duration,
    pub(crate) deadline: Moment,
    /// End the target this long after the script was carried out.
    pub(crate) observe_for: Option<Duration>,
    pub(crate) checks: &'a [CleanupCheck],
    pub(crate) lookout: Lookout,
    pub(crate) context: Vec<(String, String)>,
}

/// How far the script was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    NotStarted,
    AwaitingReady,
    /// The next step, by its index.
    Step(usize),
    /// The step that is due.
    Delivering(usize),
    /// The grace of the last step, an escalation.
    Grace(usize),
    Done,
}

/// Why the supervisor was told to end the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    Deadline,
    Observed,
}

/// Carries out a run that was started.
///
/// # Errors
///
/// Fails where the target could not be started, the script not carried out, or the supervisor is gone.
pub(crate) fn observe(live: Live, orders: Orders<'_>) -> Result<Exit, Error> {
    Observation::new(live, orders)?.run()
}

struct Observation<'a> {
    orders: Orders<'a>,
    stdout: Stream,
    stderr: Stream,
    outputs: Outputs,
    /// The terminal of the target, if it has one and that did not hang up.
    terminal: Option<OwnedFd>,
    stdin_written: usize,
    /// How much of what the current step types was taken.
    written: usize,
    /// The stop that is the current step was sent.
    stopping: bool,
    marks: Marks,
    watch: Option<Watch>,
    needs: Needs,
    progress: Progress,
    /// When the current gate or step became the next.
    since: Moment,
    /// When the step that is carried out was found to be due.
    due: Moment,
    start: Option<(Moment, i32)>,
    pidfd: Option<PidFd>,
    timeline: Vec<Event>,
    first_delivery: Option<FirstDelivery>,
    last_delivery: Option<LastDelivery>,
    /// What the supervisor was asked to do and has not reported.
    ordered: Option<Ordered>,
    /// The deliveries of which the target can only have died.
    deadly: Vec<Deadly>,
    given_up: Option<(GivenUp, Moment)>,
    /// When the supervisor was asked which process the target is.
    asked: Option<Moment>,
    stuck: Vec<Stuck>,
    /// How many more processes there were.
    stuck_left_out: usize,
    /// What the target had become by `exec`, where it was another program when the harness gave up.
    became: Option<String>,
    /// A thread of the target was in `exit` when the harness gave up.
    called_exit: bool,
    refused: Option<i32>,
    /// The deadline that passed was that of a step.
    step_over: bool,
    /// A gate found that it cannot be decided.
    declined: Option<String>,
    /// How far each part of the gate had come that did not open.
    gate_status: Vec<String>,
    /// The target was found to have ended; the supervisor is about to say so.
    target_gone: bool,
    /// The supervisor has said so.
    ended: bool,
    buffer: Vec<u8>,
    /// Dropped last, for that wakes the supervisor.
    live: Link,
}

impl<'a> Observation<'a> {
    fn new(live: Live, orders: Orders<'a>) -> Result<Self, Error> {
        let Live { ends, link: live } = live;
        let mut needs = Needs::default();
        let gates = orders.ready.iter().chain(orders.steps.iter().filter_map(|step| match &step.when {
            When::Gate(gate) => Some(gate),
            When::After(_) => None,
        }));
        for gate in gates {
            gate.needs(&mut needs);
        }
        let trouble = |error| Error::harness("could not watch the target's files", error);
        let scripted = orders.ready.is_some() || !orders.steps.is_empty();
        let watch = if scripted && (needs.marks || !needs.files.is_empty()) {
            let watch = Watch::new().map_err(trouble)?;
            // The directory, for the file comes with the first mark.
            if let (true, Some(directory)) = (needs.marks, live.marks.path().parent()) {
                watch.add(directory).map_err(trouble)?;
            }
            Some(watch)
        } else {
            None
        };
        let limit = orders.capture_limit;
        let stream = |fd, source| Stream {
            fd,
            source,
            paused: false,
            capture: Capture::new(limit),
            window: Window::new(limit.max(64 * 1024), scripted),
        };
        let (stdout, stderr, outputs, terminal) = match ends {
            Ends::Pipes { stdout, stderr } => {
                let [stdout, stderr] = [stdout, stderr].map(|fd| stream(Some(fd), Source::Pipe));
                (stdout, stderr, Outputs::Apart, None)
            }
            Ends::Terminal(Pty { keyboard, terminal }) => {
                let stdout = stream(Some(keyboard), Source::Terminal);
                (stdout, stream(None, Source::Pipe), Outputs::Terminal, Some(terminal))
            }
        };
        let since = live.requested_at;
        Ok(Self {
            stdout,
            stderr,
            outputs,
            terminal,
            live,
            orders,
            stdin_written: 0,
            written: 0,
            stopping: false,
            marks: Marks::default(),
            watch,
            needs,
            progress: Progress::NotStarted,
            since,
            due: since,
            start: None,
            pidfd: None,
            timeline: Vec::new(),
            first_delivery: None,
            last_delivery: None,
            ordered: None,
            deadly: Vec::new(),
            given_up: None,
            asked: None,
            stuck: Vec::new(),
            stuck_left_out: 0,
            called_exit: false,
            became: None,
            refused: None,
            step_over: false,
            declined: None,
            gate_status: Vec::new(),
            target_gone: false,
            ended: false,
            buffer: vec![0; FEW],
        })
    }

    /// The origin of all times: the target's start, or before that the request's.
    fn base(&self) -> Moment {
        self.start.map_or(self.live.requested_at, |(at, _)| at)
    }

    fn run(mut self) -> Result<Exit, Error> {
        loop {
            // Watched before they are looked at, so that nothing is missed in between.
            self.watch_files();
            self.advance()?;
            let timeout = self.next_timer()?;
            let stdin = self.live.stdin.as_ref().filter(|_| self.wants_to_feed());
            // What is typed goes on when there is room.
            let keyboard = self.stdout.fd.as_ref().filter(|_| self.is_typing());
            let [control, stdout, stderr, watch, stdin, _] = poll::wait(
                [
                    Some((self.live.control.as_fd(), Interest::Read)),
                    self.stdout.readable().map(|fd| (fd.as_fd(), Interest::Read)),
                    self.stderr.readable().map(|fd| (fd.as_fd(), Interest::Read)),
                    self.watch.as_ref().map(|watch| (watch.as_fd(), Interest::Read)),
                    stdin.map(|fd| (fd.as_fd(), Interest::Write)),
                    keyboard.map(|fd| (fd.as_fd(), Interest::Write)),
                ],
                Some(timeout),
            )
            .map_err(|error| Error::harness("could not wait for the target", error))?;
            let base = self.live.requested_at;
            if stdout {
                self.stdout.read(base, &mut self.buffer, AT_ONCE)?;
            }
            if stderr {
                self.stderr.read(base, &mut self.buffer, AT_ONCE)?;
            }
            if stdin {
                self.feed_stdin();
            }
            if watch {
                self.watch.as_ref().inspect(|watch| watch.drain());
                self.read_marks(false)?;
            }
            if control {
                if let Some(end) = self.hear()? {
                    return self.finish(end);
                }
            }
        }
    }

    /// Until when to wait: the deadline, the next step, a gate's delay, the next look at a port.
    fn next_timer(&mut self) -> Result<Duration, Error> {
        let now = Moment::now();
        if let Some((_, at)) = self.given_up {
            let patience = at.plus(KILL_PATIENCE);
            if now >= patience {
                self.live.settled = true;
                let what = if self.start.is_some() {
                    "the supervisor did not end the target when it was told to"
                } else {
                    "no supervisor took the request, or none answered (the launcher cannot fork one where \
                     processes or memory are short)"
                };
                return Err(Error::harness(what, io::ErrorKind::TimedOut.into()));
            }
            return Ok(patience.since(now));
        }
        let deadline =
            self.step_deadline().map_or(self.orders.deadline, |step| step.min(self.orders.deadline));
        let mut next = self.asked.map_or(deadline, |asked| asked.plus(INTRODUCTION_PATIENCE));
        match self.progress {
            Progress::NotStarted => {}
            Progress::Done => {
                if let Some(time) = self.orders.observe_for {
                    next = next.min(self.since.plus(time));
                }
            }
            Progress::AwaitingReady => next = next.min(self.gate_timer(now)),
            Progress::Step(_) if self.target_gone => {}
            Progress::Delivering(index) => {
                if self.orders.steps[index].action == Action::Stop && !self.target_gone {
                    next = next.min(now.plus(LOOK_INTERVAL));
                }
            }
            Progress::Grace(_) if self.target_gone || self.ordered.is_some() => {}
            Progress::Grace(_) => {
                next = next.min(self.grace().map_or(next, |(grace, _)| self.since.plus(grace)))
            }
            Progress::Step(index) => match &self.orders.steps[index].when {
                When::After(time) => next = next.min(self.since.plus(*time)),
                When::Gate(_) => next = next.min(self.gate_timer(now)),
            },
        }
        Ok(next.since(now))
    }

    fn gate_timer(&self, now: Moment) -> Moment {
        let delays = self.needs.delays.iter().map(|delay| self.since.plus(*delay)).filter(|at| *at > now);
        let polling = self.needs.polling.then(|| now.plus(LOOK_INTERVAL));
        delays.chain(polling).min().unwrap_or(Moment(u64::MAX))
    }

    /// Watches where the files that gates wait for will appear: the deepest directory that exists.
    fn watch_files(&self) {
        let Some(watch) = &self.watch else { return };
        for path in &self.needs.files {
            let deepest = || path.ancestors().find(|place| place.exists());
            while let Some(place) = deepest() {
                let _ = watch.add(if place.as_os_str().is_empty() { Path::new(".") } else { place });
                // What came below it before it was watched is watched in turn.
                if deepest() == Some(place) {
                    break;
                }
            }
            if let Some(parent) = path.parent() {
                let _ = watch.add(if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
            }
        }
    }

    fn read_marks(&mut self, at_end: bool) -> Result<(), Error> {
        let now = (!at_end || self.watch.is_some()).then(Moment::now);
        let there = self
            .marks
            .read(self.live.marks.path(), at_end, now)
            .map_err(|error| Error::harness("could not read the mark file", error))?;
        if at_end && !there {
            self.live.marks.is_absent();
        }
        Ok(())
    }

    /// Takes a message of the supervisor's; returns the last.
    fn hear(&mut self) -> Result<Option<End>, Error> {
        let message = match self.live.control.receive_whole(&mut self.buffer) {
            Ok(Some(message)) => message,
            Ok(None) => {
                self.live.settled = true;
                return Err(self.live.obituary());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(Error::harness("could not hear from the supervisor", error)),
        };
        let reply: Reply = wire::decode(&self.buffer[..message.len])
            .map_err(|error| Error::harness("could not hear from the supervisor", error))?;
        self.live.settled = reply.is_last();
        match reply {
            Reply::NotStarted(error) => Err(crate::launch::start_error(self.orders.subject, error)),
            // It was asked for once more while the first was on its way.
            Reply::Started(_) if self.start.is_some() => Ok(None),
            Reply::Started(start) => {
                self.start = Some((start.at, start.pid));
                self.pidfd = message.fds.into_iter().next().map(PidFd::from_fd);
                self.timeline.insert(0, Event { at: Duration::ZERO, what: What::Started { pid: start.pid } });
                self.since = start.at;
                self.progress = Progress::AwaitingReady;
                // A mark may have been made before the file was watched.
                if self.watch.is_some() {
                    self.read_marks(false)?;
                }
                Ok(None)
            }
            Reply::Lingering { supervisor } => {
                self.orders.lookout.look(Some(supervisor));
                self.order(Order::Clear)?;
                Ok(None)
            }
            Reply::GroupSignalled { at, errno } => self.group_signalled(at, errno).map(|()| None),
            Reply::Ended(end) => Ok(Some(*end)),
        }
    }
}
