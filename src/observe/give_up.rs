//! Giving up: examining what is still running, and having the supervisor end it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::exit::{Event, Stuck, StuckThread, What};
use crate::launch::Subject;
use crate::launch::wire::Order;
use crate::signal::Signal;
use crate::sys::clock::Moment;
use crate::sys::disposition;
use crate::sys::exiting;
use crate::sys::idle;
use crate::sys::proc::{self, ProcessInfo};
use crate::sys::threads::{self, ThreadState, Wait};

use super::{GivenUp, INTRODUCTION_PATIENCE, Observation, backtrace};

/// Of so many processes gdb is asked for backtraces.
const MOST_TRACED_BACK: usize = 4;

/// So many processes are examined when the harness gives up.
const MOST_EXAMINED: usize = 32;

impl Observation<'_> {
    /// Gives up, once it is known which process is to be examined before it is ended.
    pub(super) fn deadline_passed(&mut self, now: Moment) -> Result<(), Error> {
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

    pub(super) fn give_up(&mut self, why: GivenUp) -> Result<(), Error> {
        let now = Moment::now();
        self.given_up = Some((why, now));
        if why == GivenUp::Deadline {
            self.examine(now);
        }
        self.timeline.push(Event { at: now.since(self.base()), what: What::GaveUp });
        if let Subject::Forked(forked) = self.orders.subject {
            forked.continue_supervisor();
        }
        self.order(Order::Kill)
    }

    pub(super) fn order(&self, order: Order) -> Result<(), Error> {
        match self.live.order(&order) {
            // A supervisor that is gone has closed the socket, which the loop will hear.
            Ok(()) => Ok(()),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::harness("could not tell the supervisor to end the target", error)),
        }
    }

    /// Notes what the target has become, where it is about to be killed and is another program.
    pub(super) fn note_what_it_became(&mut self) {
        let target = self.start.and_then(|(_, pid)| proc::inspect(pid));
        let another = target.filter(|target| is_another(self.orders.subject, target.pid));
        self.became = another.map(|target| target.title());
    }

    /// Looks at what is about to be ended: what it waits for, and which signals it never took.
    pub(super) fn examine(&mut self, now: Moment) {
        let Some((_, pid)) = self.start else { return };
        let at = now.since(self.base());
        let mut pending: Vec<Signal> = Vec::new();
        for event in &self.timeline {
            let What::Delivered { delivery } = &event.what else { continue };
            if let Some((signal, _)) = delivery.signal() {
                if !pending.contains(&signal) && disposition::is_pending(pid, signal.number()) {
                    pending.push(signal);
                }
            }
        }
        self.timeline
            .extend(pending.into_iter().map(|signal| Event { at, what: What::StillPending { signal } }));
        self.called_exit = exiting::has_called_exit(pid);
        // All that came from the target, orphans too, is below the supervisor, the target's parent.
        let Some(target) = proc::inspect(pid) else { return };
        self.note_what_it_became();
        let mut tree = proc::descendants_of(target.parent).unwrap_or_default();
        tree.retain(|process| !process.is_zombie());
        tree.sort_by_key(|process| process.pid != pid);
        self.stuck_left_out = tree.len().saturating_sub(MOST_EXAMINED);
        tree.truncate(MOST_EXAMINED);
        self.stuck = tree.into_iter().map(stuck).collect();
        if self.orders.backtraces {
            let deadline = Moment::now().plus(backtrace::PATIENCE);
            for process in self.stuck.iter_mut().take(MOST_TRACED_BACK) {
                process.backtrace = Some(backtrace::of(process.pid, deadline));
            }
        }
    }
}

/// Whether the process runs another program than it was started as, be it by the name of the executable, by that
/// under which it was executed, or by what the command line begins with: a script's interpreter is no other program,
/// nor is one that gives itself a title.
fn is_another(subject: &Subject, pid: i32) -> bool {
    let started = match subject {
        Subject::Program(program) => PathBuf::from(program),
        Subject::CargoBin { name, .. } => PathBuf::from(name),
        Subject::Function { .. } | Subject::Forked(_) => match std::env::current_exe() {
            Ok(executable) => executable,
            Err(_) => return false,
        },
    };
    let Ok(executable) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = command.split(|byte| *byte == 0).map(|bytes| Path::new(OsStr::from_bytes(bytes)));
    let executed_as = proc::executed_as(pid).unwrap_or_default();
    let mut names =
        arguments.chain([executable.as_path(), executed_as.as_path()]).filter_map(Path::file_name);
    !names.any(|name| Some(name) == started.file_name())
}

/// The threads of a process, and whether all of them wait for locks, but in turn: one is looked at after the
/// other, so that some that wake each other can all be found asleep.
fn threads_of(pid: i32) -> (Vec<ThreadState>, bool) {
    let threads = threads::of(pid);
    if !threads.iter().all(|thread| thread.has_ended() || thread.is_on_private_lock()) {
        return (threads, false);
    }
    let before = idle::look_at(pid, "");
    let threads = threads::of(pid);
    let in_turn = before.is_err() || before != idle::look_at(pid, "");
    (threads, in_turn)
}

/// What one process waits for.
fn stuck(process: ProcessInfo) -> Stuck {
    let (threads, in_turn) = threads_of(process.pid);
    let threads = threads.into_iter().map(|thread| StuckThread {
        on_private_lock: thread.is_on_private_lock() && !in_turn,
        thread: thread.tid,
        name: thread.name,
        state: thread.state,
        call: match thread.wait {
            Wait::Nothing => None,
            Wait::PrivateFutex => Some("futex (a lock inside the process)".to_owned()),
            Wait::ThreadEnd => Some("futex (the end of a thread)".to_owned()),
            Wait::Call { name, on: None } => Some(name),
            Wait::Call { name, on: Some(on) } => Some(format!("{name} on descriptor {on}")),
        },
    });
    Stuck {
        pid: process.pid,
        command: process.title(),
        threads: threads.collect(),
        handlers: disposition::handlers_of(process.pid).into_iter().map(Signal::from_status).collect(),
        backtrace: None,
    }
}
