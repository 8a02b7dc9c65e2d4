//! Carrying out the script: opening gates, delivering steps.

use std::time::Duration;

use crate::error::Error;
use crate::exit::{Disposition, Ending, Event, FirstSignal, LastSignal, What};
use crate::script::{Action, Ready, Seen, When};
use crate::signal::Signal;
use crate::sys::clock::Moment;
use crate::sys::disposition;

use super::{GivenUp, Observation, Progress};

/// A signal that kills the target unless that has ended, and how everything stood before.
pub(super) struct Deadly {
    step: usize,
    since: Moment,
    first: Option<FirstSignal>,
    last: Option<LastSignal>,
}

impl Observation<'_> {
    /// Does all that is due: opens gates, delivers steps, keeps the deadline.
    pub(super) fn advance(&mut self) -> Result<(), Error> {
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

    pub(super) fn try_ready(&mut self, now: Moment) -> bool {
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

    pub(super) fn next_step(&mut self, index: usize, since: Moment) {
        self.since = since;
        if index < self.orders.steps.len() {
            self.progress = Progress::Step(index);
        } else {
            self.progress = Progress::Done;
            self.stdout.window.close();
            self.stderr.window.close();
        }
    }

    pub(super) fn is_open(&mut self, gate: &mut Ready, now: Moment) -> bool {
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

    pub(super) fn try_step(&mut self, index: usize, now: Moment) -> Result<bool, Error> {
        if !self.is_step_due(index, now) {
            return Ok(false);
        }
        let Action::Signal(signal) = self.orders.steps[index].action;
        self.deliver(index, signal)
    }

    pub(super) fn is_step_due(&mut self, index: usize, now: Moment) -> bool {
        match &self.orders.steps[index].when {
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
        }
    }

    /// Sends a signal, after taking in everything that was there before it.
    pub(super) fn deliver(&mut self, index: usize, signal: Signal) -> Result<bool, Error> {
        let base = self.base();
        self.take_in()?;
        // It takes a while, in which more may have come.
        let disposition = self.start.and_then(|(_, pid)| disposition::of(pid, signal.number()));
        self.take_in()?;
        let Some(pidfd) = &self.pidfd else { return Ok(false) };
        // The kernel takes a signal for a zombie without a word: ask first.
        if pidfd.has_ended() {
            self.target_gone = true;
            return Ok(false);
        }
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
        let deadly = disposition == Some(Disposition::Default) && signal.kills_by_default();
        self.deadly = deadly.then_some(Deadly {
            step: index,
            since: self.since,
            first: self.first_signal,
            last: self.last_signal,
        });
        self.first_signal.get_or_insert(FirstSignal {
            at,
            signal,
            stdout: self.stdout.capture.total(),
            stderr: self.stderr.capture.total(),
            marks: self.marks.begun(),
        });
        self.last_signal = Some(LastSignal { at, signal });
        self.timeline.push(Event { at, what: What::Sent { signal, disposition } });
        self.next_step(index + 1, now);
        Ok(true)
    }

    /// Reads what is there: output and marks.
    fn take_in(&mut self) -> Result<(), Error> {
        self.stdout.drain(self.live.requested_at, &mut self.buffer)?;
        self.stderr.drain(self.live.requested_at, &mut self.buffer)?;
        self.read_marks(false)
    }

    /// Takes the last delivery back if it killed by default and the target ended by a code all the
    /// same: it was leaving already, when the kernel takes a signal without a word and drops it.
    pub(super) fn take_back_what_came_too_late(&mut self, ending: &Ending) {
        let (Ending::Code(_), Some(deadly)) = (ending, self.deadly.take()) else { return };
        self.progress = Progress::Step(deadly.step);
        self.since = deadly.since;
        self.first_signal = deadly.first;
        self.last_signal = deadly.last;
        if let Some(sent) = self.timeline.iter().rposition(|event| matches!(event.what, What::Sent { .. })) {
            self.timeline.remove(sent);
        }
    }
}
