//! Gates on the target's processes: that one which it started is ready for a signal, that all are asleep,
//! that so many are there. The kernel has no event for any of these: they are looked at again and again.

use std::fmt;
use std::time::Duration;

use crate::signal::{Disposition, Signal};
use crate::sys::clock::Moment;
use crate::sys::disposition;
use crate::sys::idle::{self, Asleep};
use crate::sys::proc::{self, ProcessInfo};

use super::Seen;

/// How long nothing may have run to be taken for idle: longer than a thread needs that was only on its way
/// from one wait to the next.
const STILL: Duration = Duration::from_millis(20);

/// So many processes are named where none is ready.
const MOST_NAMED: usize = 3;

/// What was seen asleep, and since when.
#[derive(Debug, Default)]
struct Stillness(Option<(Moment, Asleep)>);

impl Stillness {
    /// Whether what is asleep now has been so long enough.
    fn lasts(&mut self, now: Moment, asleep: Asleep) -> bool {
        match &self.0 {
            Some((since, before)) if *before == asleep => now >= since.plus(STILL),
            _ => {
                self.0 = Some((now, asleep));
                false
            }
        }
    }
}

/// How much a thread has to run on after its process was seen to have a handler: far more than lies between
/// the kernel's handler and what a library does about it.
const SETTLED: Duration = Duration::from_micros(100);

/// A handler that was seen, and how far each thread had come that was not asleep then.
#[derive(Debug)]
pub(super) struct Settling(Option<Vec<(i32, Duration)>>);

impl Settling {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// Whether a handler was seen, and not all that belongs to it.
    pub(super) const fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a process that is ready by `ready`, if it is, has done all that belongs to it.
    pub(super) fn is_over(&mut self, pid: i32, ready: Option<Disposition>) -> bool {
        match ready {
            None => {
                self.0 = None;
                return false;
            }
            // Somebody waits for it already.
            Some(ready) if ready != Disposition::Handled => return true,
            Some(_) => {}
        }
        let awake = proc::threads_awake(pid);
        let before = self.0.get_or_insert_with(|| awake.clone());
        before.iter().all(|(tid, ran)| {
            awake.iter().find(|(now, _)| now == tid).is_none_or(|(_, now)| *now >= *ran + SETTLED)
        })
    }
}

/// That the target and all that it started are asleep.
#[derive(Debug, Default)]
pub(super) struct Idle {
    stillness: Stillness,
    /// What was not asleep when it was looked at last.
    busy: Option<String>,
}

impl Idle {
    pub(super) fn is_open(&mut self, seen: &Seen<'_>) -> bool {
        match idle::look_at_tree(seen.pid) {
            Ok(asleep) => {
                self.busy = None;
                self.stillness.lasts(seen.now, asleep)
            }
            Err(what) => {
                self.busy = Some(what);
                self.stillness = Stillness::default();
                false
            }
        }
    }

    pub(super) fn status(&self) -> String {
        match (&self.busy, &self.stillness.0) {
            (Some(what), _) => what.clone(),
            (None, Some(_)) => "all are asleep, and were so again and again for a moment only".to_owned(),
            (None, None) => "never looked at before the target had ended".to_owned(),
        }
    }
}

/// That the target has so many children.
#[derive(Debug)]
pub(super) struct Children {
    pub(super) count: usize,
    alive: Option<usize>,
}

impl Children {
    pub(super) const fn new(count: usize) -> Self {
        Self { count, alive: None }
    }

    pub(super) fn is_open(&mut self, seen: &Seen<'_>) -> bool {
        let Ok(children) = proc::children_of(seen.pid) else { return false };
        let alive = |pid: &i32| proc::inspect(*pid).is_some_and(|process| !process.is_zombie());
        let alive = children.iter().filter(|pid| alive(pid)).count();
        self.alive = Some(alive);
        alive >= self.count
    }

    pub(super) fn status(&self) -> String {
        match self.alive {
            None => "never looked at before the target had ended".to_owned(),
            Some(0) => "it has none".to_owned(),
            Some(alive) => format!("it has {alive}"),
        }
    }
}

impl fmt::Display for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str("a child of the target is alive"),
            count => write!(f, "{count} children of the target are alive"),
        }
    }
}

/// That a process which the target started is ready to take a signal.
#[derive(Debug)]
pub(super) struct HandlerInChild {
    pub(super) signal: Signal,
    /// Those that are ready by what they inherited, which may be about to become another program.
    copies: Vec<(i32, Stillness)>,
    /// What there was when it was looked at last.
    found: Option<Vec<String>>,
}

impl HandlerInChild {
    pub(super) const fn new(signal: Signal) -> Self {
        Self { signal, copies: Vec::new(), found: None }
    }

    pub(super) fn is_open(&mut self, seen: &Seen<'_>) -> bool {
        let processes = proc::started_by(seen.pid);
        let mut found = Vec::new();
        for process in processes.iter().filter(|process| !process.is_zombie()) {
            let now = disposition::of(process.pid, self.signal.number());
            let state = match now.filter(|now| now.is_ready()) {
                None => in_words(now).to_owned() + &self.inherited(process, now),
                Some(_) => match self.what_is_missing(process, seen.now) {
                    None => return true,
                    Some(missing) => missing,
                },
            };
            found.push(format!("process {} ({}): {state}", process.pid, process.name));
        }
        let more = found.len().saturating_sub(MOST_NAMED);
        found.truncate(MOST_NAMED);
        if more > 0 {
            found.push(format!("{more} more"));
        }
        self.found = Some(found);
        false
    }

    /// From whom a process may have it that it ignores the signal: its parent, which ignores it too.
    fn inherited(&self, process: &ProcessInfo, now: Option<Disposition>) -> String {
        let of_parent = disposition::of(process.parent, self.signal.number());
        match (now, of_parent) {
            (Some(Disposition::Ignored), Some(Disposition::Ignored)) => {
                let name = proc::inspect(process.parent).map_or_else(String::new, |parent| parent.name);
                format!(", as its parent {} ({name}) does: that is inherited", process.parent)
            }
            _ => String::new(),
        }
    }

    /// Why a process that has a handler is not ready all the same.
    fn what_is_missing(&mut self, process: &ProcessInfo, now: Moment) -> Option<String> {
        let runtime = disposition::runtime_handler(process.pid, self.signal.number());
        if let Some(runtime) = runtime {
            return Some(format!("its handler is {runtime}'s, which has it from its own start"));
        }
        if !self.is_its_own(process, now) {
            return Some("a fork that has its parent's handler, and was not seen asleep".to_owned());
        }
        // What is ready before and after was no other program in between.
        let still = disposition::of(process.pid, self.signal.number());
        (!still.is_some_and(Disposition::is_ready)).then(|| in_words(still).to_owned())
    }

    /// Whether the arrangements of this process are its own. A fork has those of its parent, also one that
    /// is about to execute a program, which then has none; a worker is known by its going to sleep.
    fn is_its_own(&mut self, process: &ProcessInfo, now: Moment) -> bool {
        let of_parent = || disposition::of(process.parent, self.signal.number());
        if process.has_executed || !of_parent().is_some_and(Disposition::is_ready) {
            return true;
        }
        let place = self.copies.iter().position(|(pid, _)| *pid == process.pid).unwrap_or_else(|| {
            self.copies.push((process.pid, Stillness::default()));
            self.copies.len() - 1
        });
        match idle::look_at(process.pid, "") {
            Ok(asleep) => self.copies[place].1.lasts(now, asleep),
            Err(_) => {
                self.copies[place].1 = Stillness::default();
                false
            }
        }
    }

    pub(super) fn status(&self) -> String {
        match self.found.as_deref() {
            None => "never looked at before the target had ended".to_owned(),
            Some([]) => "the target has started no process".to_owned(),
            Some(found) => found.join("; "),
        }
    }
}

/// How a process was arranged for a signal, in the report of a gate.
pub(super) const fn in_words(disposition: Option<Disposition>) -> &'static str {
    match disposition {
        None => "it has ended, or lets nobody see what it waits for",
        Some(Disposition::Default) => "never installed: the signal has its default action",
        Some(Disposition::Ignored) => "it ignores the signal",
        Some(Disposition::Blocked) => "every thread blocks it, and nobody waits for it",
        Some(_) => "ready",
    }
}
