//! Gates as a user writes them, and as a report names them.

use std::fmt;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

use crate::signal::Signal;

use super::gate::{Gate, Part};
use super::processes::{Children, HandlerInChild, Idle, Settling};
use super::text::Match;
use super::{IntoTextMatch, Sight, StreamName, TextMatch};

/// A condition to wait for: that a server is ready, that a file is there.
///
/// ```
/// use exeunt::prelude::*;
///
/// let ready = Ready::stdout("listening").and(Ready::mark("handler installed"));
/// # let _ = ready;
/// ```
#[must_use = "a gate does nothing until it is given to `ready_when` or `signal_when`"]
pub struct Ready(pub(super) Gate);

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
    /// was started: a file that an earlier run left behind does not count. A relative path counts from the
    /// working directory of the test process.
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

    /// Opens when a Unix socket listens at this path in the target's network; one for datagrams needs only
    /// to be bound there. An abstract name is written with `@` before it. If one does already before the start,
    /// the run fails.
    ///
    /// Nothing connects to it, as with [`port`](Self::port). A relative path counts from the working directory
    /// of the test process.
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        Self(Gate::Socket(path.into()))
    }

    /// Opens when the target is ready to take this signal: it has installed a handler, a thread waits
    /// for it in `sigwait`, or a signalfd takes it. It makes a delay before a signal unnecessary.
    ///
    /// A library may have the kernel's handler before it knows what to do about the signal (signal-hook and
    /// tokio, for some instructions). So where there is a handler each thread has then to go to sleep, or to
    /// run on for a moment, before the gate opens.
    ///
    /// Where the target's runtime catches the signal from its own start, long before the program is
    /// ready (Python and shells SIGINT, Node and the JVM SIGTERM too, Go all signals), it declines: the
    /// run fails with an error that says so. The kernel has no event for it; `/proc` is read again every
    /// millisecond.
    ///
    /// A library may install its handler a moment before it listens to it, as tokio's signal streams do, and lose
    /// a signal in between: add `.and(Ready::idle())` there.
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
        Self(Gate::Handler { signal, last: None, declined: None, settling: Settling::new() })
    }

    /// Opens when the target is ready to take every one of these signals, as [`handler`](Self::handler) tells.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("bash")
    ///     .args(["-c", "trap 'exit 7' INT TERM HUP; while :; do read -rt 1; done"])
    ///     .ready_when(Ready::handlers([SIGTERM, SIGHUP]))
    ///     .signal_after(SIGHUP, ms(0))
    ///     .code(7);
    /// ```
    pub fn handlers(signals: impl IntoIterator<Item = Signal>) -> Self {
        let gates = signals.into_iter().map(Self::handler);
        gates.reduce(Self::and).unwrap_or_else(|| {
            Self(Gate::Invalid("a gate on handlers needs a signal: none has all its handlers".to_owned()))
        })
    }

    /// Opens when a process that the target started, directly or not, is ready to take this signal, as
    /// [`handler`](Self::handler) tells of the target itself: where the target is a wrapper that passes the
    /// signal on, or the signal goes to the whole group.
    ///
    /// A fork has its parent's handlers until it executes a program. One that has them both is taken for ready
    /// when it has gone to sleep. A handler that a runtime installs at its own start is not counted.
    pub const fn handler_in_child(signal: Signal) -> Self {
        Self(Gate::HandlerInChild(HandlerInChild::new(signal)))
    }

    /// Opens when the target is idle: all its threads, and those of all that it started, wait for something to
    /// come (input, a connection, a child, a signal, each other), and none of them has run for 20 ms. For
    /// programs that say nothing.
    ///
    /// A thread that pauses (`sleep`) is not idle, for it goes on whatever comes; nor is one that writes to
    /// what nobody reads, or waits for a disk. It cannot be known what a program waits for: one that asks
    /// another program on the machine or in the network for something before it is ready is idle meanwhile.
    /// A gate on what the program does is certain, where there is one.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// assert_exit(|| std::thread::park()).signal_when(SIGTERM, Ready::idle()).killed_by(SIGTERM);
    /// ```
    pub fn idle() -> Self {
        Self(Gate::Idle(Idle::default()))
    }

    /// Opens when the target has so many children that are alive, or more. One that has ended and was not
    /// waited for is not alive; one that was forked is, before it executes its program. Its children's
    /// children are not counted.
    pub fn children(count: usize) -> Self {
        Self(match count {
            0 => Gate::Invalid("a gate on 0 children would open at once".to_owned()),
            count => Gate::Children(Children::new(count)),
        })
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
            Gate::Socket(path) => write!(f, "a socket listens at `{}`", path.display()),
            Gate::Handler { signal, .. } => write!(f, "the target is ready to take {signal}"),
            Gate::HandlerInChild(handler) => {
                write!(f, "a process that the target started is ready to take {}", handler.signal)
            }
            Gate::Idle(_) => f.write_str("the target and all that it started are idle"),
            Gate::Children(children) => children.fmt(f),
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
