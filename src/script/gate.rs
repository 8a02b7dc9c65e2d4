//! What a gate is made of, and when it opens.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::signal::{Disposition, SIGKILL, SIGSTOP, Signal};
use crate::sys::disposition;
use crate::sys::proc;
use crate::sys::unix_sockets;

use super::processes::{Children, HandlerInChild, Idle, Settling, in_words};
use super::text::TextPredicate;
use super::{Ready, Seen, Sight, StreamName, TextMatch};

pub(super) enum Gate {
    Text { stream: StreamName, text: String, searched: u64 },
    Line { stream: StreamName, predicate: Box<dyn TextPredicate>, searched: u64 },
    Mark(TextMatch),
    File { path: PathBuf, before: Option<Identity> },
    Port { address: Result<SocketAddr, String> },
    Socket(PathBuf),
    Handler { signal: Signal, last: Option<Disposition>, declined: Option<String>, settling: Settling },
    HandlerInChild(HandlerInChild),
    Idle(Idle),
    Children(Children),
    Custom { what: String, holds: Box<dyn Fn(&Sight<'_>) -> bool> },
    Delay(Duration),
    Both(Box<Part>, Box<Part>),
    Either(Box<Ready>, Box<Ready>),
    Invalid(String),
}

/// One part of an `and`, which stays open once it was.
pub(super) struct Part {
    pub(super) gate: Ready,
    pub(super) open: Option<Claim>,
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

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
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

/// What a gate may need besides the streams, which are read anyway.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) marks: bool,
    pub(crate) stderr: bool,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) polling: bool,
    pub(crate) delays: Vec<Duration>,
}

impl Ready {
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
                if address.port() == 0 {
                    return Err(Error::bad_input(format!("a gate on a port: {}", crate::report::no_port())));
                }
                if proc::listens_at(crate::sys::raw::process_id(), *address) {
                    return Err(Error::bad_input(format!(
                        "a socket listens at {address} already, before the target was started: the gate would \
                         open for another program's"
                    )));
                }
            }
            Gate::Socket(path) => {
                if unix_sockets::listens_at(crate::sys::raw::process_id(), path) {
                    return Err(Error::bad_input(format!(
                        "a socket listens at `{}` already, before the target was started: the gate would open for \
                         another program's",
                        path.display()
                    )));
                }
            }
            Gate::Handler { signal, .. } | Gate::HandlerInChild(HandlerInChild { signal, .. })
                if matches!(*signal, SIGKILL | SIGSTOP) =>
            {
                return Err(Error::bad_input(format!(
                    "a gate on a handler for {signal}: no program can have one"
                )));
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
            | Gate::HandlerInChild(_)
            | Gate::Idle(_)
            | Gate::Children(_)
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
            Gate::Handler { signal, last, declined, settling } => {
                let now = disposition::of(seen.pid, signal.number());
                *last = now.or(*last);
                let runtime = disposition::runtime_handler(seen.pid, signal.number());
                // Only what is ready before and after is not about to become another program.
                let is_ready = |now: Option<Disposition>| now.is_some_and(Disposition::is_ready);
                let ready = is_ready(now) && is_ready(disposition::of(seen.pid, signal.number()));
                *declined = runtime.filter(|_| ready).map(|runtime| runtimes_own(*signal, runtime));
                let settled = settling.is_over(seen.pid, ready.then_some(now).flatten());
                nothing(settled && declined.is_none())
            }
            Gate::HandlerInChild(handler) => nothing(handler.is_open(seen)),
            Gate::Socket(path) => nothing(unix_sockets::listens_at(seen.pid, path)),
            Gate::Idle(idle) => nothing(idle.is_open(seen)),
            Gate::Children(children) => nothing(children.is_open(seen)),
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
            // As long as one of them can be decided, that may open it.
            Gate::Either(a, b) => a.declined().filter(|_| b.declined().is_some()),
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
                (None, _) => format!("it is not there{}", crate::report::relative(path)),
                (Some(now), Some(before)) if now == *before => "it is as it was before the start".to_owned(),
                (Some(_), _) => "open".to_owned(),
            },
            Gate::Port { .. } | Gate::Socket(_) => "nothing listens there".to_owned(),
            Gate::HandlerInChild(handler) => handler.status(),
            Gate::Idle(idle) => idle.status(),
            Gate::Children(children) => children.status(),
            Gate::Handler { signal, last, settling, .. } => match last {
                None if disposition::hides_its_waits(seen.pid) => {
                    "it cannot be told, for the target lets nobody see what it waits for".to_owned()
                }
                None => "never looked at before the target had ended".to_owned(),
                Some(Disposition::Default) => {
                    let wrapped = ready_descendant(seen.pid, *signal).unwrap_or_default();
                    format!("{}{wrapped}", in_words(*last))
                }
                Some(Disposition::Ignored) => "the target ignores it".to_owned(),
                Some(Disposition::Blocked) => in_words(*last).to_owned(),
                Some(_) if settling.has_begun() => {
                    "it has a handler, and a thread that has neither run on since nor gone to sleep"
                        .to_owned()
                }
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

    /// Whether it cannot open without output of a stream for which `holds`.
    pub(crate) fn waits_for(&self, holds: impl Fn(StreamName) -> bool + Copy) -> bool {
        match &self.0 {
            Gate::Text { stream, .. } | Gate::Line { stream, .. } => holds(*stream),
            Gate::Both(a, b) => a.gate.waits_for(holds) || b.gate.waits_for(holds),
            Gate::Either(a, b) => a.waits_for(holds) && b.waits_for(holds),
            _ => false,
        }
    }

    /// What must be watched for it to be asked in time.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match &self.0 {
            Gate::Mark(_) | Gate::Custom { .. } => needs.marks = true,
            Gate::File { path, .. } => needs.files.push(path.clone()),
            Gate::Handler { .. }
            | Gate::HandlerInChild(_)
            | Gate::Idle(_)
            | Gate::Children(_)
            | Gate::Port { .. }
            | Gate::Socket(_) => needs.polling = true,
            Gate::Delay(time) => needs.delays.push(*time),
            Gate::Both(a, b) => {
                a.gate.needs(needs);
                b.gate.needs(needs);
            }
            Gate::Either(a, b) => {
                a.needs(needs);
                b.needs(needs);
            }
            Gate::Text { stream: StreamName::Stderr, .. } | Gate::Line { stream: StreamName::Stderr, .. } => {
                needs.stderr = true;
            }
            Gate::Text { .. } | Gate::Line { .. } | Gate::Invalid(_) => {}
        }
    }
}

/// Why it cannot be told whether the target is ready, where its handler is its runtime's.
fn runtimes_own(signal: Signal, runtime: &str) -> String {
    format!(
        "`Ready::handler({signal})` cannot tell: {runtime} catches that signal from its own start, before the \
         program is ready; wait for something that the program does, with `Ready::stdout`, `Ready::mark` or \
         `Ready::file`"
    )
}

/// That the target is but a wrapper, where a process that it started is ready to take the signal.
fn ready_descendant(pid: i32, signal: Signal) -> Option<String> {
    let is_ready = |pid| disposition::of(pid, signal.number()).is_some_and(Disposition::is_ready);
    let ready = proc::descendants_of(pid).ok()?.into_iter().find(|process| is_ready(process.pid))?;
    Some(format!(
        ". Process {} ({}), which the target started, is ready for it, but the signal goes to the target: \
         a shell passes no signal on (start the program with `exec`)",
        ready.pid, ready.name
    ))
}
