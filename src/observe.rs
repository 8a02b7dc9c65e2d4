//! The one event loop of a run, and the only place where an [`Exit`] is built.
//!
//! It reads what the target writes, asks gates, carries out the script, keeps the deadline, and when
//! the supervisor reports the end it puts the facts together. It waits in one `ppoll`; nothing here
//! sleeps; only for ports and signal handlers, for which the kernel has no event, it looks again and
//! again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Kind, Undelivered};
use crate::exit::{
    Check, Ending, Event, Exit, FirstSignal, How, LastSignal, Leftover, Mark, NotedPanic, Stuck, StuckThread,
    Usage, What,
};
use crate::exit_test::CleanupCheck;
use crate::launch::wire::{self, End, FunctionEnd, FunctionStage, Order, Reply};
use crate::launch::{Link, Live, Subject};
use crate::probe::record::{self, Record};
use crate::script::{Action, Needs, Ready, Seen, Step, When, Window};
use crate::signal::Signal;
use crate::stream::Capture;
use crate::sys::clock::Moment;
use crate::sys::disposition;
use crate::sys::fd::{self, Chunk};
use crate::sys::notify::Watch;
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::proc::{self, ProcessInfo};
use crate::sys::threads::{self, Wait};
use crate::sys::wait::{self, Status};

/// How long a supervisor may take to end a target that it was told to end, before the run fails.
const KILL_PATIENCE: Duration = Duration::from_secs(15);

/// How often that is looked at for which the kernel has no event: a port, a signal's handler.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// How long a supervisor may take to say which process the target is.
const INTRODUCTION_PATIENCE: Duration = Duration::from_secs(1);

/// So many processes are examined when the harness gives up.
const MOST_EXAMINED: usize = 32;

/// How much of a stream is read before the loop looks at the rest of the world.
const AT_ONCE: usize = 1024 * 1024;

/// What of the plan the loop needs.
pub(crate) struct Orders<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) name: String,
    pub(crate) stdin: Option<&'a [u8]>,
    pub(crate) ready: Option<Ready>,
    pub(crate) steps: Vec<Step>,
    pub(crate) allow_early_end: bool,
    pub(crate) capture_limit: usize,
    /// How long the run may take in all, and when that is over.
    pub(crate) timeout: Duration,
    pub(crate) deadline: Moment,
    /// End the target this long after the script was carried out.
    pub(crate) observe_for: Option<Duration>,
    pub(crate) checks: &'a [CleanupCheck],
}

/// How far the script was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    NotStarted,
    AwaitingReady,
    /// The next step, by its index.
    Step(usize),
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
    live: Link,
    orders: Orders<'a>,
    stdout: Stream,
    stderr: Stream,
    stdin_written: usize,
    marks: Marks,
    watch: Option<Watch>,
    needs: Needs,
    progress: Progress,
    /// When the current gate or step became the next.
    since: Moment,
    start: Option<(Moment, i32)>,
    pidfd: Option<PidFd>,
    timeline: Vec<Event>,
    first_signal: Option<FirstSignal>,
    last_signal: Option<LastSignal>,
    given_up: Option<(GivenUp, Moment)>,
    /// When the supervisor was asked which process the target is.
    asked: Option<Moment>,
    stuck: Vec<Stuck>,
    refused: Option<i32>,
    /// A gate found that it cannot be decided.
    declined: Option<String>,
    /// How far each part of the gate had come that did not open.
    gate_status: Vec<String>,
    /// The target was found to have ended; the supervisor is about to say so.
    target_gone: bool,
    /// The supervisor has said so.
    ended: bool,
    buffer: Vec<u8>,
}

/// One output stream: its descriptor until its end, what was kept, what gates have not used up.
struct Stream {
    fd: Option<OwnedFd>,
    capture: Capture,
    window: Window,
}

impl Stream {
    /// Reads what is there, but not more than about `most` bytes: a target that never stops writing
    /// must not keep the loop from its other duties.
    fn read(&mut self, base: Moment, buffer: &mut [u8], most: usize) -> Result<(), Error> {
        let mut taken = 0;
        while let (Some(fd), true) = (&self.fd, taken < most) {
            let read = fd::read_chunk(fd.as_fd(), buffer)
                .map_err(|error| Error::harness("could not read the target's output", error))?;
            match read {
                Chunk::Bytes(count) => {
                    self.capture.push(&buffer[..count], Moment::now().since(base));
                    self.window.push(&buffer[..count]);
                    taken += count;
                    if count < buffer.len() {
                        // The pipe was emptied; whatever came since will be seen.
                        return Ok(());
                    }
                }
                Chunk::Empty => return Ok(()),
                Chunk::End => self.fd = None,
            }
        }
        Ok(())
    }

    /// Reads all that is in the pipe at this moment.
    fn drain(&mut self, base: Moment, buffer: &mut [u8]) -> Result<(), Error> {
        let waiting = self.fd.as_ref().map_or(0, fd::readable_bytes);
        if waiting > 0 { self.read(base, buffer, waiting) } else { Ok(()) }
    }
}

/// The mark file as far as it was read.
struct Marks {
    records: Vec<Record>,
    arrived: Vec<Option<Moment>>,
    used: usize,
    offset: u64,
    unparsed: Vec<u8>,
}

impl Marks {
    /// Reads what was appended. With `at_end` an unfinished line counts. `now` is the time at which
    /// records without one of their own were seen, where somebody watches.
    fn read(&mut self, path: &Path, at_end: bool, now: Option<Moment>) -> io::Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.read_to_end(&mut self.unparsed)? as u64;
        let mut used = 0;
        while let Some((record, len)) = record::parse(&self.unparsed[used..], at_end) {
            used += len;
            self.arrived.push(record.origin.map_or(now, |origin| Some(Moment(origin.at_ns))));
            self.records.push(record);
        }
        self.unparsed.drain(..used);
        Ok(())
    }
}

impl<'a> Observation<'a> {
    fn new(live: Live, orders: Orders<'a>) -> Result<Self, Error> {
        let Live { stdout, stderr, link: live } = live;
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
        let stream = |fd| Stream {
            fd: Some(fd),
            capture: Capture::new(limit),
            window: Window::new(limit.max(64 * 1024), scripted),
        };
        let since = live.requested_at;
        Ok(Self {
            stdout: stream(stdout),
            stderr: stream(stderr),
            live,
            orders,
            stdin_written: 0,
            marks: Marks {
                records: Vec::new(),
                arrived: Vec::new(),
                used: 0,
                offset: 0,
                unparsed: Vec::new(),
            },
            watch,
            needs,
            progress: Progress::NotStarted,
            since,
            start: None,
            pidfd: None,
            timeline: Vec::new(),
            first_signal: None,
            last_signal: None,
            given_up: None,
            asked: None,
            stuck: Vec::new(),
            refused: None,
            declined: None,
            gate_status: Vec::new(),
            target_gone: false,
            ended: false,
            buffer: vec![0; 64 * 1024],
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
            let stdin = self.live.stdin.as_ref().map(|fd| (fd.as_fd(), Interest::Write));
            let [control, stdout, stderr, watch, stdin] = poll::wait(
                [
                    Some((self.live.control.as_fd(), Interest::Read)),
                    self.stdout.fd.as_ref().map(|fd| (fd.as_fd(), Interest::Read)),
                    self.stderr.fd.as_ref().map(|fd| (fd.as_fd(), Interest::Read)),
                    self.watch.as_ref().map(|watch| (watch.as_fd(), Interest::Read)),
                    stdin,
                ],
                Some(timeout),
            )
            .map_err(|error| Error::harness("could not wait for the target", error))?;
            let base = self.base();
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
    fn next_timer(&self) -> Result<Duration, Error> {
        let now = Moment::now();
        if let Some((_, at)) = self.given_up {
            let patience = at.plus(KILL_PATIENCE);
            if now >= patience {
                return Err(Error::harness(
                    "the supervisor did not end the target when it was told to",
                    io::ErrorKind::TimedOut.into(),
                ));
            }
            return Ok(patience.since(now));
        }
        let mut next = self.asked.map_or(self.orders.deadline, |asked| asked.plus(INTRODUCTION_PATIENCE));
        match self.progress {
            Progress::NotStarted => {}
            Progress::Done => {
                if let Some(time) = self.orders.observe_for {
                    next = next.min(self.since.plus(time));
                }
            }
            Progress::AwaitingReady => next = next.min(self.gate_timer(now)),
            Progress::Step(_) if self.target_gone => {}
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

    /// Does all that is due: opens gates, delivers steps, keeps the deadline.
    fn advance(&mut self) -> Result<(), Error> {
        loop {
            let now = Moment::now();
            if self.given_up.is_some() {
                return Ok(());
            }
            let moved = match self.progress {
                Progress::NotStarted => false,
                Progress::Done => {
                    if self.orders.observe_for.is_some_and(|time| now >= self.since.plus(time)) {
                        return self.give_up(GivenUp::Observed);
                    }
                    false
                }
                Progress::AwaitingReady => self.try_ready(now),
                Progress::Step(index) => self.try_step(index, now)?,
            };
            if self.declined.is_some() {
                return self.give_up(GivenUp::Deadline);
            }
            if !moved {
                return if now >= self.orders.deadline { self.deadline_passed(now) } else { Ok(()) };
            }
        }
    }

    fn try_ready(&mut self, now: Moment) -> bool {
        let Some(mut gate) = self.orders.ready.take() else {
            self.next_step(0, self.base());
            return true;
        };
        let open = self.is_open(&mut gate, now);
        if open {
            let at = now.since(self.base());
            self.timeline.push(Event { at, what: What::Ready { gate: gate.to_string() } });
            self.next_step(0, now);
        }
        self.orders.ready = Some(gate);
        open
    }

    fn next_step(&mut self, index: usize, since: Moment) {
        self.since = since;
        if index < self.orders.steps.len() {
            self.progress = Progress::Step(index);
        } else {
            self.progress = Progress::Done;
            self.stdout.window.close();
            self.stderr.window.close();
        }
    }

    fn is_open(&mut self, gate: &mut Ready, now: Moment) -> bool {
        let mut seen = Seen {
            stdout: &mut self.stdout.window,
            stderr: &mut self.stderr.window,
            marks: &self.marks.records,
            marks_used: &mut self.marks.used,
            pid: self.start.map_or(0, |(_, pid)| pid),
            now,
            since: self.since,
        };
        let open = gate.is_open(&mut seen);
        if open {
            self.gate_status.clear();
        } else if now >= self.orders.deadline || self.ended {
            self.gate_status = gate.status(&seen);
        }
        self.declined = gate.declined().map(str::to_owned);
        open
    }

    fn try_step(&mut self, index: usize, now: Moment) -> Result<bool, Error> {
        let due = match &self.orders.steps[index].when {
            When::After(time) => now >= self.since.plus(*time),
            When::Gate(_) => {
                let placeholder = When::After(Duration::ZERO);
                let When::Gate(mut gate) = std::mem::replace(&mut self.orders.steps[index].when, placeholder)
                else {
                    unreachable!("matched above")
                };
                let open = self.is_open(&mut gate, now);
                self.orders.steps[index].when = When::Gate(gate);
                open
            }
        };
        if !due {
            return Ok(false);
        }
        let Action::Signal(signal) = self.orders.steps[index].action;
        self.deliver(index, signal)
    }

    /// Sends a signal, after taking in everything that was there before it.
    fn deliver(&mut self, index: usize, signal: Signal) -> Result<bool, Error> {
        let base = self.base();
        self.stdout.drain(base, &mut self.buffer)?;
        self.stderr.drain(base, &mut self.buffer)?;
        self.read_marks(false)?;
        let Some(pidfd) = &self.pidfd else { return Ok(false) };
        // The kernel takes a signal for a zombie without a word: ask first.
        if pidfd.has_ended() {
            self.target_gone = true;
            return Ok(false);
        }
        let disposition = self.start.and_then(|(_, pid)| disposition::of(pid, signal.number()));
        let now = Moment::now();
        match pidfd.signal(signal.number()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
                self.target_gone = true;
                return Ok(false);
            }
            Err(error) => {
                self.refused = Some(error.raw_os_error().unwrap_or(0));
                self.give_up(GivenUp::Deadline)?;
                return Ok(false);
            }
        }
        let at = now.since(base);
        self.first_signal.get_or_insert(FirstSignal {
            at,
            signal,
            stdout: self.stdout.capture.total(),
            stderr: self.stderr.capture.total(),
            marks: self.marks.records.len(),
        });
        self.last_signal = Some(LastSignal { at, signal });
        self.timeline.push(Event { at, what: What::Sent { signal, disposition } });
        self.next_step(index + 1, now);
        Ok(true)
    }

    /// Gives up, once it is known which process is to be examined before it is ended.
    fn deadline_passed(&mut self, now: Moment) -> Result<(), Error> {
        match self.asked {
            _ if self.start.is_some() => self.give_up(GivenUp::Deadline),
            None => {
                self.asked = Some(now);
                self.order(Order::Announce)
            }
            Some(asked) if now >= asked.plus(INTRODUCTION_PATIENCE) => self.give_up(GivenUp::Deadline),
            Some(_) => Ok(()),
        }
    }

    fn give_up(&mut self, why: GivenUp) -> Result<(), Error> {
        let now = Moment::now();
        self.given_up = Some((why, now));
        if why == GivenUp::Deadline {
            self.examine(now);
        }
        self.timeline.push(Event { at: now.since(self.base()), what: What::GaveUp });
        self.order(Order::Kill)
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        match wire::send(&self.live.control, &order, &[]) {
            // A supervisor that is gone has closed the socket, which the loop will hear.
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Error::harness("could not tell the supervisor to end the target", error)),
        }
    }

    /// Looks at what is about to be ended: what it waits for, and which signals it never took.
    fn examine(&mut self, now: Moment) {
        let Some((_, pid)) = self.start else { return };
        let at = now.since(self.base());
        let mut pending: Vec<Signal> = Vec::new();
        for event in &self.timeline {
            if let What::Sent { signal, .. } = event.what {
                if !pending.contains(&signal) && disposition::is_pending(pid, signal.number()) {
                    pending.push(signal);
                }
            }
        }
        self.timeline
            .extend(pending.into_iter().map(|signal| Event { at, what: What::StillPending { signal } }));
        // All that came from the target, orphans too, is below the supervisor, the target's parent.
        let Some(target) = proc::inspect(pid) else { return };
        let mut tree = proc::descendants_of(target.parent).unwrap_or_default();
        tree.sort_by_key(|process| process.pid != pid);
        tree.truncate(MOST_EXAMINED);
        self.stuck = tree.into_iter().filter(|process| process.state != 'Z').map(stuck).collect();
    }

    fn feed_stdin(&mut self) {
        let (Some(pipe), Some(bytes)) = (&self.live.stdin, self.orders.stdin) else {
            self.live.stdin = None;
            return;
        };
        let rest = &bytes[self.stdin_written..];
        if !rest.is_empty() {
            match fd::write_some(pipe.as_fd(), rest) {
                Ok(count) => self.stdin_written += count.unwrap_or(0),
                // Nobody reads any more, as when a program ends without reading its input.
                Err(_) => self.stdin_written = bytes.len(),
            }
        }
        if self.stdin_written == bytes.len() {
            self.live.stdin = None;
        }
    }

    fn read_marks(&mut self, at_end: bool) -> Result<(), Error> {
        let now = (!at_end || self.watch.is_some()).then(Moment::now);
        self.marks
            .read(self.live.marks.path(), at_end, now)
            .map_err(|error| Error::harness("could not read the mark file", error))
    }

    /// Takes a message of the supervisor's; returns the last.
    fn hear(&mut self) -> Result<Option<End>, Error> {
        let message = match self.live.control.receive(&mut self.buffer, false) {
            Ok(Some(message)) => message,
            Ok(None) => return Err(self.live.obituary()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(Error::harness("could not hear from the supervisor", error)),
        };
        let reply = wire::decode(&self.buffer[..message.len])
            .map_err(|error| Error::harness("could not hear from the supervisor", error))?;
        match reply {
            Reply::NotStarted(error) => Err(crate::launch::start_error(self.orders.subject, error)),
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
            Reply::Ended(end) => Ok(Some(*end)),
        }
    }

    /// Puts the facts together.
    fn finish(mut self, end: End) -> Result<Exit, Error> {
        if self.start.is_none() {
            self.timeline.insert(0, Event { at: Duration::ZERO, what: What::Started { pid: end.start.pid } });
            self.start = Some((end.start.at, end.start.pid));
        }
        let base = self.base();
        // All that could write is dead: what is in the pipes now is all there will be.
        self.stdout.drain(base, &mut self.buffer)?;
        self.stderr.drain(base, &mut self.buffer)?;
        self.read_marks(true)?;
        let duration = end.at.since(base);
        if self.progress == Progress::AwaitingReady && self.given_up.is_none() {
            // Its last words may be those that were waited for.
            self.ended = true;
            self.try_ready(end.at);
        }
        let ending = match (end.forced, self.given_up) {
            (true, Some((GivenUp::Observed, at))) => Ending::TimedOut { after: at.since(self.since) },
            (true, _) => Ending::TimedOut { after: self.orders.timeout },
            (false, _) => match wait::decode(end.raw_status) {
                Status::Code(code) => Ending::Code(code),
                Status::Signal { number, core_dumped } => {
                    Ending::Signal { signal: Signal::from_status(number), core_dumped }
                }
            },
        };
        if self.given_up.is_some() && !end.forced {
            // It ended by itself while the order was on its way.
            self.timeline.retain(|event| event.what != What::GaveUp);
        }
        self.timeline.push(Event { at: duration, what: What::Ended { ending: ending.clone() } });
        if let Some(why) = self.declined {
            return Err(Error::bad_input(why));
        }
        let undelivered = self.undelivered(end.forced);
        let gate = std::mem::take(&mut self.gate_status);
        let survivors = end.survivors;
        let entered =
            end.function.as_ref().is_none_or(|function| function.stage != FunctionStage::NotEntered);
        let undecodable = end.function.as_ref().filter(|function| function.undecodable);
        if let Some(function) = undecodable {
            let why = function.message.clone().unwrap_or_default();
            return Err(Error::new(Kind::Arguments(format!(
                "they could not be decoded in the new process: {why}"
            ))));
        }
        let exit = self.build(end, ending, duration);
        if survivors > 0 {
            return Err(Error::harness(
                format!("{survivors} processes that the target left could not be killed"),
                io::ErrorKind::TimedOut.into(),
            ));
        }
        if !entered && !matches!(exit.ending, Ending::TimedOut { .. }) {
            return Err(Error::new(Kind::NeverEntered(exit)));
        }
        match undelivered {
            Some((step, due, why)) => Err(Error::new(Kind::NotDelivered { step, due, why, gate, exit })),
            None => Ok(exit),
        }
    }

    /// The first part of the script that was not carried out, where that is a failure.
    fn undelivered(&self, forced: bool) -> Option<(String, Option<Duration>, Undelivered)> {
        let why = match self.refused {
            Some(errno) => Undelivered::Refused(errno),
            None if forced => Undelivered::Deadline,
            None if self.orders.allow_early_end => return None,
            None => Undelivered::TargetEnded,
        };
        match self.progress {
            Progress::Done => None,
            Progress::NotStarted | Progress::AwaitingReady => {
                match (&self.orders.ready, self.orders.steps.first()) {
                    (Some(gate), _) => Some((format!("readiness ({gate})"), None, why)),
                    (None, Some(step)) => Some((step.to_string(), None, why)),
                    (None, None) => None,
                }
            }
            Progress::Step(index) => {
                let step = &self.orders.steps[index];
                let due = match step.when {
                    When::After(time) => Some(self.since.plus(time).since(self.base())),
                    When::Gate(_) => None,
                };
                Some((step.to_string(), due, why))
            }
        }
    }

    fn build(self, end: End, ending: Ending, duration: Duration) -> Exit {
        let base = self.base();
        let checks = self.orders.checks.iter();
        let checks = checks.map(|(label, check)| Check { label: label.clone(), held: check() }).collect();
        let marks = self.marks.records.into_iter().zip(self.marks.arrived).map(|(record, at)| Mark {
            kind: record.kind,
            label: record.label,
            at: at.map(|at| at.since(base)),
            pid: record.origin.map(|origin| origin.pid),
            thread: record.origin.map(|origin| origin.tid),
        });
        let leftovers = end.leftovers.into_iter().map(|process| Leftover {
            pid: process.pid,
            parent: process.parent,
            state: process.state,
            command: process.command,
        });
        let function = end.function;
        Exit {
            subject: self.orders.name,
            how: function.as_ref().and_then(|function| how(function, &ending)),
            hooks_ran: function.as_ref().map(|function| function.hooks_ran),
            noted_panic: function.and_then(|function| {
                let location = function.location;
                function.message.map(|message| NotedPanic { message, location })
            }),
            ending,
            raw_status: end.raw_status,
            stdout: self.stdout.capture.finish(),
            stderr: self.stderr.capture.finish(),
            marks: marks.collect(),
            checks,
            timeline: self.timeline,
            duration,
            usage: Usage {
                user: end.usage.user,
                system: end.usage.system,
                max_resident_kib: end.usage.max_resident_kib,
            },
            leftovers: leftovers.collect(),
            leftover_count: end.leftover_count as usize,
            first_signal: self.first_signal,
            last_signal: self.last_signal,
            stuck: if end.forced { self.stuck } else { Vec::new() },
        }
    }
}

/// What one process waits for.
fn stuck(process: ProcessInfo) -> Stuck {
    let threads = threads::of(process.pid).into_iter().map(|thread| StuckThread {
        thread: thread.tid,
        name: thread.name,
        state: thread.state,
        on_private_lock: thread.wait == Wait::PrivateFutex,
        call: match thread.wait {
            Wait::Nothing => None,
            Wait::PrivateFutex => Some("futex (a lock inside the process)".to_owned()),
            Wait::Call { name, on: None } => Some(name),
            Wait::Call { name, on: Some(on) } => Some(format!("{name} on descriptor {on}")),
        },
    });
    Stuck { pid: process.pid, command: process.command, threads: threads.collect() }
}

/// By which way a function left, as far as its own report and its ending tell.
fn how(function: &FunctionEnd, ending: &Ending) -> Option<How> {
    match (function.stage, ending) {
        (FunctionStage::Returned, _) => Some(How::Returned),
        (FunctionStage::Panicked, _) => Some(How::Panicked {
            message: function.message.clone().unwrap_or_default(),
            location: function.location.clone(),
        }),
        (FunctionStage::Entered, Ending::Code(_)) if function.hooks_ran => Some(How::Exited),
        (FunctionStage::Entered, Ending::Code(_)) => Some(How::ExitedImmediately),
        (FunctionStage::Entered | FunctionStage::NotEntered, _) => None,
    }
}
