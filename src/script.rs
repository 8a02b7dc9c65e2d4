//! What is to happen to the target, as data: gates that open by what was seen, and steps in order.
//!
//! A gate is asked again whenever something was seen; it never waits. Each gate looks at what came
//! *after* that by which the gate before it opened, so that the order of a script does not depend on
//! how the target's output was cut into reads.

use std::borrow::Cow;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memchr::memmem;
use predicates_core::Predicate;

use crate::error::Error;
use crate::probe::record::Record;
use crate::signal::{Disposition, Signal};
use crate::sys::clock::Moment;
use crate::sys::disposition;
use crate::sys::proc;

/// A condition to wait for: that a server is ready, that a file is there.
///
/// ```
/// use exeunt::prelude::*;
///
/// let ready = Ready::stdout("listening").and(Ready::mark("handler installed"));
/// # let _ = ready;
/// ```
#[must_use = "a gate does nothing until it is given to `ready_when` or `signal_when`"]
pub struct Ready(Gate);

enum Gate {
    Text { stream: StreamName, text: String, searched: u64 },
    Line { stream: StreamName, predicate: Box<dyn TextPredicate>, searched: u64 },
    Mark(TextMatch),
    File { path: PathBuf, before: Option<Identity> },
    Port { address: Result<SocketAddr, String> },
    Handler { signal: Signal, last: Option<Disposition>, declined: Option<String> },
    Custom { what: String, holds: Box<dyn Fn(&Sight<'_>) -> bool> },
    Delay(Duration),
    Both(Box<Part>, Box<Part>),
    Either(Box<Ready>, Box<Ready>),
    Invalid(String),
}

/// One part of an `and`, which stays open once it was.
struct Part {
    gate: Ready,
    open: Option<Claim>,
}

/// How far a gate that opened has used up what was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Claim {
    stdout: u64,
    stderr: u64,
    marks: usize,
}

impl Claim {
    const fn of_stream(stream: StreamName, end: u64) -> Self {
        match stream {
            StreamName::Stdout => Self { stdout: end, stderr: 0, marks: 0 },
            StreamName::Stderr => Self { stdout: 0, stderr: end, marks: 0 },
        }
    }

    fn join(self, other: Self) -> Self {
        Self {
            stdout: self.stdout.max(other.stdout),
            stderr: self.stderr.max(other.stderr),
            marks: self.marks.max(other.marks),
        }
    }
}

/// Which stream a gate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
        })
    }
}

/// A predicate on text that can be described.
pub trait TextPredicate: Predicate<str> + Send {}
impl<P: Predicate<str> + Send> TextPredicate for P {}

/// What a text gate looks for: a text, or a predicate of the `predicates` crate.
///
/// The parameter keeps the implementations apart, as in assert_cmd's conversion traits.
pub trait IntoTextMatch<P> {
    /// The gate's condition.
    fn into_text_match(self) -> TextMatch;
}

/// Tells a text from a predicate in [`IntoTextMatch`].
#[derive(Debug)]
pub struct PlainText;

/// A text that is to occur, or a predicate that is to hold.
pub struct TextMatch(Match);

enum Match {
    Text(String),
    Predicate(Box<dyn TextPredicate>),
}

impl TextMatch {
    /// Whether the text occurs in `text`, or the predicate holds for it.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Match::Text(wanted) => text.contains(wanted.as_str()),
            Match::Predicate(predicate) => predicate.eval(text),
        }
    }
}

/// How it reads after "with a message".
impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Match::Text(text) => write!(f, "that contains {text:?}"),
            Match::Predicate(predicate) => write!(f, "for which {predicate}"),
        }
    }
}

impl fmt::Debug for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Match::Text(text) => write!(f, "TextMatch({text:?})"),
            Match::Predicate(predicate) => write!(f, "TextMatch({predicate})"),
        }
    }
}

impl IntoTextMatch<PlainText> for &str {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Text(self.to_owned()))
    }
}

impl IntoTextMatch<PlainText> for String {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Text(self))
    }
}

impl<P: Predicate<str> + Send + 'static> IntoTextMatch<P> for P {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Predicate(Box::new(self)))
    }
}

impl Ready {
    /// Opens when the target has written this text to stdout, as part of a line or not; or, given a
    /// predicate, when it has written a complete line for which that holds.
    pub fn stdout<P>(what: impl IntoTextMatch<P>) -> Self {
        Self::stream(StreamName::Stdout, what.into_text_match())
    }

    /// Like [`stdout`](Self::stdout), for stderr.
    pub fn stderr<P>(what: impl IntoTextMatch<P>) -> Self {
        Self::stream(StreamName::Stderr, what.into_text_match())
    }

    fn stream(stream: StreamName, what: TextMatch) -> Self {
        Self(match what.0 {
            Match::Text(text) if text.is_empty() => {
                Gate::Invalid(format!("a gate on {stream} needs a text: an empty one is everywhere"))
            }
            Match::Text(text) => Gate::Text { stream, text, searched: 0 },
            Match::Predicate(predicate) => Gate::Line { stream, predicate, searched: 0 },
        })
    }

    /// Opens when the target has made a mark with exactly this label, or one for whose label the
    /// predicate holds.
    pub fn mark<P>(what: impl IntoTextMatch<P>) -> Self {
        Self(Gate::Mark(what.into_text_match()))
    }

    /// Opens when something is at this path that was not there, or not the same, before the target
    /// was started: a file that an earlier run left behind does not count.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Gate::File { path: path.into(), before: None })
    }

    /// Opens when a socket listens at this TCP address in the target's network. If one does already
    /// before the start, the run fails.
    ///
    /// Nothing connects to it: the kernel's table of sockets is read, again every few milliseconds,
    /// as it offers no event.
    pub fn port(address: impl ToSocketAddrs) -> Self {
        let address = match address.to_socket_addrs() {
            Ok(mut addresses) => addresses.next().ok_or_else(|| "it names no address".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Self(Gate::Port { address })
    }

    /// Opens when the target is ready to take this signal: it has installed a handler, a thread waits
    /// for it in `sigwait`, or a signalfd takes it. It makes a delay before a signal unnecessary.
    ///
    /// Where the target's runtime catches the signal from its own start, long before the program is
    /// ready (Python SIGINT, Node and the JVM SIGTERM), it declines: the run fails with an error that
    /// says so. The kernel has no event for it; `/proc` is read again every millisecond.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("bash")
    ///     .args(["-c", "trap 'echo leaving; exit 0' TERM; while :; do read -rt 1; done"])
    ///     .ready_when(Ready::handler(SIGTERM))
    ///     .signal_after(SIGTERM, ms(0))
    ///     .cleanup_ran("leaving")
    ///     .code(0);
    /// ```
    pub const fn handler(signal: Signal) -> Self {
        Self(Gate::Handler { signal, last: None, declined: None })
    }

    /// Opens when `holds` says so of what was seen since the gate before. It is asked again whenever
    /// something was seen. `what` is its name in a report.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// let three_workers = Ready::seen("three workers", |seen| seen.stdout().matches("worker").count() >= 3);
    /// # let _ = three_workers;
    /// ```
    pub fn seen(what: impl Into<String>, holds: impl Fn(&Sight<'_>) -> bool + 'static) -> Self {
        Self(Gate::Custom { what: what.into(), holds: Box::new(holds) })
    }

    /// Opens after this time: a guess, where a gate on what the target does would be certain.
    pub const fn delay(time: Duration) -> Self {
        Self(Gate::Delay(time))
    }

    /// Opens when both have opened, in whatever order.
    pub fn and(self, other: Self) -> Self {
        let part = |gate| Box::new(Part { gate, open: None });
        Self(Gate::Both(part(self), part(other)))
    }

    /// Opens when one of them does.
    pub fn or(self, other: Self) -> Self {
        Self(Gate::Either(Box::new(self), Box::new(other)))
    }

    /// Looks at the world before the target is started.
    ///
    /// # Errors
    ///
    /// Fails for a gate that could never open, or would open at once whatever the target did.
    pub(crate) fn prepare(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Gate::File { path, before } => *before = Identity::of(path),
            Gate::Port { address: Err(why) } => {
                return Err(Error::bad_input(format!("a gate on a port: {why}")));
            }
            Gate::Port { address: Ok(address) } => {
                if proc::listens_at(crate::sys::raw::process_id(), *address) {
                    return Err(Error::bad_input(format!(
                        "a socket listens at {address} already, before the target was started: the gate would \
                         open for another program's"
                    )));
                }
            }
            Gate::Both(a, b) => {
                a.gate.prepare()?;
                b.gate.prepare()?;
            }
            Gate::Either(a, b) => {
                a.prepare()?;
                b.prepare()?;
            }
            Gate::Invalid(why) => return Err(Error::bad_input(why.clone())),
            Gate::Text { .. }
            | Gate::Line { .. }
            | Gate::Mark(_)
            | Gate::Handler { .. }
            | Gate::Custom { .. }
            | Gate::Delay(_) => {}
        }
        Ok(())
    }

    /// Whether it opens by what was seen so far. If so, that is used up.
    pub(crate) fn is_open(&mut self, seen: &mut Seen<'_>) -> bool {
        let Some(claim) = self.claim(seen) else { return false };
        seen.stdout.use_up(claim.stdout);
        seen.stderr.use_up(claim.stderr);
        *seen.marks_used = (*seen.marks_used).max(claim.marks);
        true
    }

    /// What it would use up, if it opens. Both parts of an `and` look at the same things, so that
    /// their order does not matter.
    fn claim(&mut self, seen: &Seen<'_>) -> Option<Claim> {
        let nothing = |open: bool| open.then(Claim::default);
        match &mut self.0 {
            Gate::Text { stream, text, searched } => seen
                .window(*stream)
                .find_text(text.as_bytes(), searched)
                .map(|end| Claim::of_stream(*stream, end)),
            Gate::Line { stream, predicate, searched } => seen
                .window(*stream)
                .find_line(|line| predicate.eval(line), searched)
                .map(|end| Claim::of_stream(*stream, end)),
            Gate::Mark(what) => seen.find_mark(what).map(|marks| Claim { marks, ..Claim::default() }),
            Gate::File { path, before } => {
                nothing(Identity::of(path).is_some_and(|now| Some(now) != *before))
            }
            Gate::Port { address } => {
                nothing(address.as_ref().is_ok_and(|address| proc::listens_at(seen.pid, *address)))
            }
            Gate::Handler { signal, last, declined } => {
                let now = disposition::of(seen.pid, signal.number());
                *last = now.or(*last);
                let ready = now.is_some_and(Disposition::is_ready);
                if let Some(runtime) =
                    ready.then(|| disposition::runtime_handler(seen.pid, signal.number())).flatten()
                {
                    *declined = Some(format!(
                        "`Ready::handler({signal})` cannot tell: {runtime} catches that signal from its own start, \
                         before the program is ready; wait for something that the program does, with \
                         `Ready::stdout`, `Ready::mark` or `Ready::file`"
                    ));
                    return None;
                }
                nothing(ready)
            }
            Gate::Custom { holds, .. } => {
                let claim =
                    Claim { stdout: seen.stdout.end(), stderr: seen.stderr.end(), marks: seen.marks.len() };
                holds(&Sight(seen)).then_some(claim)
            }
            Gate::Delay(time) => nothing(seen.now >= seen.since.plus(*time)),
            Gate::Both(a, b) => {
                for part in [&mut *a, &mut *b] {
                    if part.open.is_none() {
                        part.open = part.gate.claim(seen);
                    }
                }
                Some(a.open?.join(b.open?))
            }
            Gate::Either(a, b) => a.claim(seen).or_else(|| b.claim(seen)),
            Gate::Invalid(_) => None,
        }
    }

    /// Why it cannot be decided, where that was found out.
    pub(crate) fn declined(&self) -> Option<&str> {
        match &self.0 {
            Gate::Handler { declined, .. } => declined.as_deref(),
            Gate::Both(a, b) => a.gate.declined().or_else(|| b.gate.declined()),
            Gate::Either(a, b) => a.declined().or_else(|| b.declined()),
            _ => None,
        }
    }

    /// How far each part of it had come, for the report of a gate that did not open.
    pub(crate) fn status(&self, seen: &Seen<'_>) -> Vec<String> {
        let detail = match &self.0 {
            Gate::Text { stream, .. } | Gate::Line { stream, .. } => {
                let unused = seen.window(*stream).bytes.len();
                format!("not among the {unused} bytes of {stream} that came since the gate before")
            }
            Gate::Mark(_) => {
                format!(
                    "not among the {} marks made since the gate before",
                    seen.marks.len() - *seen.marks_used
                )
            }
            Gate::File { path, before } => match (Identity::of(path), before) {
                (None, _) => "it is not there".to_owned(),
                (Some(now), Some(before)) if now == *before => "it is as it was before the start".to_owned(),
                (Some(_), _) => "open".to_owned(),
            },
            Gate::Port { .. } => "nothing listens there".to_owned(),
            Gate::Handler { last, .. } => match last {
                None => "the target was never looked at".to_owned(),
                Some(Disposition::Default) => "never installed: the signal has its default action".to_owned(),
                Some(Disposition::Ignored) => "the target ignores it".to_owned(),
                Some(Disposition::Blocked) => "every thread blocks it, and nobody waits for it".to_owned(),
                Some(_) => "open".to_owned(),
            },
            Gate::Custom { .. } => "its closure said no".to_owned(),
            Gate::Delay(_) => "not yet".to_owned(),
            Gate::Both(a, b) => {
                let part = |part: &Part| match part.open {
                    Some(_) => vec![format!("{}: open", part.gate)],
                    None => part.gate.status(seen),
                };
                return [part(a), part(b)].concat();
            }
            Gate::Either(a, b) => return [a.status(seen), b.status(seen)].concat(),
            Gate::Invalid(why) => why.clone(),
        };
        vec![format!("{self}: {detail}")]
    }

    /// What must be watched for it to be asked in time.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match &self.0 {
            Gate::Mark(_) | Gate::Custom { .. } => needs.marks = true,
            Gate::Handler { .. } => needs.polling = true,
            Gate::File { path, .. } => needs.files.push(path.clone()),
            Gate::Port { .. } => needs.polling = true,
            Gate::Delay(time) => needs.delays.push(*time),
            Gate::Both(a, b) => {
                a.gate.needs(needs);
                b.gate.needs(needs);
            }
            Gate::Either(a, b) => {
                a.needs(needs);
                b.needs(needs);
            }
            Gate::Text { .. } | Gate::Line { .. } | Gate::Invalid(_) => {}
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Gate::Text { stream, text, .. } => write!(f, "{stream} contains {text:?}"),
            Gate::Line { stream, predicate, .. } => write!(f, "a line of {stream} for which {predicate}"),
            Gate::Mark(TextMatch(Match::Text(label))) => write!(f, "the mark {label:?} was made"),
            Gate::Mark(TextMatch(Match::Predicate(predicate))) => write!(f, "a mark for which {predicate}"),
            Gate::File { path, .. } => write!(f, "the file `{}` is there", path.display()),
            Gate::Port { address: Ok(address) } => write!(f, "a socket listens at {address}"),
            Gate::Port { address: Err(why) } => write!(f, "a port ({why})"),
            Gate::Handler { signal, .. } => write!(f, "the target is ready to take {signal}"),
            Gate::Custom { what, .. } => f.write_str(what),
            Gate::Delay(time) => write!(f, "{} have passed", crate::report::duration(*time)),
            Gate::Both(a, b) => write!(f, "({} and {})", a.gate, b.gate),
            Gate::Either(a, b) => write!(f, "({a} or {b})"),
            Gate::Invalid(why) => f.write_str(why),
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready({self})")
    }
}

/// What a gate may need besides the streams, which are read anyway.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) marks: bool,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) polling: bool,
    pub(crate) delays: Vec<Duration>,
}

/// What was seen of the target so far, with how much of it earlier gates have used up.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) stdout: &'a mut Window,
    pub(crate) stderr: &'a mut Window,
    pub(crate) marks: &'a [Record],
    pub(crate) marks_used: &'a mut usize,
    pub(crate) pid: i32,
    pub(crate) now: Moment,
    /// When the gate became the next to open.
    pub(crate) since: Moment,
}

impl Seen<'_> {
    const fn window(&self, stream: StreamName) -> &Window {
        match stream {
            StreamName::Stdout => self.stdout,
            StreamName::Stderr => self.stderr,
        }
    }

    /// How many marks there are up to the first that fits.
    fn find_mark(&self, what: &TextMatch) -> Option<usize> {
        let rest = self.marks.get(*self.marks_used..)?;
        let at = rest.iter().position(|mark| match &what.0 {
            Match::Text(label) => mark.label == label.as_bytes(),
            Match::Predicate(predicate) => predicate.eval(&String::from_utf8_lossy(&mark.label)),
        })?;
        Some(*self.marks_used + at + 1)
    }
}

/// What a gate of one's own is shown: all that came since the gate before.
#[derive(Debug)]
pub struct Sight<'a>(&'a Seen<'a>);

impl Sight<'_> {
    /// What was written to stdout; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stdout(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.stdout.bytes)
    }

    /// What was written to stderr; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stderr(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.stderr.bytes)
    }

    /// The labels of the marks that were made; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn marks(&self) -> Vec<Cow<'_, str>> {
        let rest = self.0.marks.get(*self.0.marks_used..).unwrap_or_default();
        rest.iter().map(|mark| String::from_utf8_lossy(&mark.label)).collect()
    }

    /// The target's process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.0.pid
    }

    /// How long the gate has been the next to open.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.0.now.since(self.0.since)
    }
}

/// The part of a stream that no gate has used up yet.
#[derive(Debug)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    /// The offset in the stream of the first byte.
    start: u64,
    limit: usize,
    wanted: bool,
}

impl Window {
    /// Keeps at most `limit` bytes, the latest; none at all where no gate reads the stream.
    pub(crate) const fn new(limit: usize, wanted: bool) -> Self {
        Self { bytes: Vec::new(), start: 0, limit, wanted }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.wanted {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > self.limit.saturating_mul(2) {
            self.use_up(self.start + (self.bytes.len() - self.limit) as u64);
        }
    }

    /// The offset at which what was seen ends.
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// No gate will read the stream any more.
    pub(crate) fn close(&mut self) {
        self.wanted = false;
        self.bytes = Vec::new();
    }

    /// Forgets what lies before `offset`.
    fn use_up(&mut self, offset: u64) {
        let count = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count);
        self.start += count as u64;
    }

    /// The bytes from `offset` on, or from the first that is kept.
    fn after(&self, offset: u64) -> (u64, &[u8]) {
        let from =
            usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.bytes.len());
        (self.start + from as u64, &self.bytes[from..])
    }

    /// The offset at which the first `text` ends. `searched` remembers how far the search came.
    fn find_text(&self, text: &[u8], searched: &mut u64) -> Option<u64> {
        let (from, haystack) = self.after(*searched);
        if let Some(at) = memmem::find(haystack, text) {
            return Some(from + (at + text.len()) as u64);
        }
        // The text may have begun in the last bytes.
        let keep = text.len().saturating_sub(1).min(haystack.len());
        *searched = from + (haystack.len() - keep) as u64;
        None
    }

    /// The offset at which the first complete line ends for which `holds`.
    fn find_line(&self, holds: impl Fn(&str) -> bool, searched: &mut u64) -> Option<u64> {
        loop {
            let (from, rest) = self.after(*searched);
            let end = memchr::memchr(b'\n', rest)?;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            *searched = from + end as u64 + 1;
            if holds(&String::from_utf8_lossy(line)) {
                return Some(*searched);
            }
        }
    }
}

/// One thing to do to the target.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) action: Action,
}

/// When a step is due, counted from the step before it.
#[derive(Debug)]
pub(crate) enum When {
    After(Duration),
    Gate(Ready),
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Signal(Signal),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Action::Signal(signal) = self.action;
        match &self.when {
            When::After(time) => write!(f, "{signal} after {}", crate::report::duration(*time)),
            When::Gate(gate) => write!(f, "{signal} when {gate}"),
        }
    }
}
