//! Carrying out the script: opening gates, going from step to step.

use std::time::Duration;

use crate::delivery::Recipient;
use crate::error::Error;
use crate::exit::{Event, What};
use crate::script::{Action, Ready, Seen, When};
use crate::sys::clock::Moment;

use super::{GivenUp, Observation, Progress};

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
                    if self.orders.observe_for.is_some_and(|time| self.is_due(time, now)) {
                        return self.give_up(GivenUp::Observed);
                    }
                    false
                }
                Progress::AwaitingReady => self.try_ready(now),
                Progress::Step(index) => self.try_step(index, now),
                Progress::Delivering(_) | Progress::Grace(_) if self.target_gone => false,
                Progress::Delivering(index) => self.deliver(index)?,
                Progress::Grace(_) => match self.grace() {
                    Some((grace, kill)) if self.is_due(grace, now) => self.force(grace, kill)?,
                    _ => false,
                },
            };
            if self.declined.is_some() {
                return self.give_up(GivenUp::Deadline);
            }
            if !moved && self.given_up.is_none() {
                self.step_over = now < self.orders.deadline && self.is_step_over(now);
                let over = now >= self.orders.deadline || self.step_over;
                return if over { self.deadline_passed(now) } else { Ok(()) };
            }
        }
    }

    /// Whether what comes so long after the step before is due. What would be due after the deadline never is, also
    /// where both have passed when the harness comes to look.
    fn is_due(&self, time: Duration, now: Moment) -> bool {
        let due = self.since.plus(time);
        now >= due && due < self.orders.deadline
    }

    /// Until when the next gate has to open, or the step that is due to be carried out.
    pub(super) fn step_deadline(&self) -> Option<Moment> {
        let waits = match self.progress {
            Progress::AwaitingReady | Progress::Delivering(_) => true,
            Progress::Step(index) => matches!(self.orders.steps[index].when, When::Gate(_)),
            Progress::NotStarted | Progress::Grace(_) | Progress::Done => false,
        };
        let since = if matches!(self.progress, Progress::Delivering(_)) { self.due } else { self.since };
        self.orders.step_timeout.filter(|_| waits && !self.target_gone).map(|time| since.plus(time))
    }

    fn is_step_over(&self, now: Moment) -> bool {
        self.step_deadline().is_some_and(|deadline| now >= deadline)
    }

    /// The grace that runs, and who is killed after it.
    pub(super) fn grace(&self) -> Option<(Duration, Recipient)> {
        let Progress::Grace(index) = self.progress else { return None };
        match self.orders.steps[index].action {
            Action::Escalate { grace, kill, .. } => Some((grace, kill)),
            _ => None,
        }
    }

    /// Whether the step that is carried out is the script's last.
    pub(super) fn is_last_step(&self) -> bool {
        matches!(self.progress, Progress::Delivering(index) if index + 1 == self.orders.steps.len())
    }

    /// Whether a key or a text is being typed.
    pub(super) fn is_typing(&self) -> bool {
        let Progress::Delivering(index) = self.progress else { return false };
        !self.target_gone && matches!(self.orders.steps[index].action, Action::Press(_) | Action::Type(_))
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
        let step_over = self.orders.step_timeout.is_some_and(|time| now >= self.since.plus(time));
        let over = now >= self.orders.deadline || step_over;
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
        } else if self.ended || over {
            self.gate_status = gate.status(&seen);
        }
        self.declined = gate.declined().map(str::to_owned);
        open
    }

    pub(super) fn try_step(&mut self, index: usize, now: Moment) -> bool {
        if !self.is_step_due(index, now) {
            return false;
        }
        self.progress = Progress::Delivering(index);
        self.due = now;
        true
    }

    pub(super) fn is_step_due(&mut self, index: usize, now: Moment) -> bool {
        match &self.orders.steps[index].when {
            When::After(time) => self.is_due(*time, now),
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
}
