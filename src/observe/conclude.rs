//! The end of a run: the facts are put together, or the error that there is instead.

use std::io;
use std::time::Duration;

use crate::error::{Error, Kind, Undelivered};
use crate::exit::{Check, Ending, Event, Exit, How, Leftover, Mark, NotedPanic, Usage, What};
use crate::kept::Format;
use crate::launch::wire::{End, FunctionEnd, FunctionStage};
use crate::script::When;
use crate::signal::Signal;
use crate::sys::clock::Moment;
use crate::sys::wait::{self, Status};

use super::{GivenUp, Observation, Progress, family};

impl Observation<'_> {
    /// Puts the facts together.
    pub(super) fn finish(mut self, end: End) -> Result<Exit, Error> {
        if self.start.is_none() {
            self.timeline.insert(0, Event { at: Duration::ZERO, what: What::Started { pid: end.start.pid } });
            self.start = Some((end.start.at, end.start.pid));
        }
        let base = self.base();
        (self.stdout.paused, self.stderr.paused) = (false, false);
        // All that could write is dead: what is in the pipes now is all there will be.
        self.stdout.drain(self.live.requested_at, &mut self.buffer)?;
        self.stderr.drain(self.live.requested_at, &mut self.buffer)?;
        self.read_marks(true)?;
        let duration = end.at.since(base);
        if self.given_up.is_none() {
            self.last_look(end.at);
        }
        if end.forced && self.given_up.is_none() {
            let why = io::Error::other("it could not watch it any more");
            return Err(Error::harness("the supervisor ended the target without being told to", why));
        }
        let ending = match (end.forced, self.given_up) {
            (true, Some((GivenUp::Observed, at))) => Ending::TimedOut { after: at.since(self.since) },
            (true, Some((GivenUp::Deadline, at))) if self.step_over || self.refused.is_some() => {
                Ending::TimedOut { after: at.since(base) }
            }
            (true, _) => Ending::TimedOut { after: self.orders.timeout },
            (false, _) => ending_of(end.raw_status),
        };
        self.take_back_what_came_too_late(&ending);
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

    /// After the end: its last words may be those that were waited for.
    fn last_look(&mut self, at: Moment) {
        self.ended = true;
        if self.progress == Progress::NotStarted {
            // It ended before its start could be told.
            self.since = self.base();
        }
        if matches!(self.progress, Progress::NotStarted | Progress::AwaitingReady) {
            self.try_ready(at);
        }
        if let Progress::Step(index) = self.progress {
            self.is_step_due(index, at);
        }
    }

    /// The first part of the script that was not carried out, where that is a failure.
    pub(super) fn undelivered(&self, forced: bool) -> Option<(String, Option<Duration>, Undelivered)> {
        let why = match self.refused {
            // A process that ends closes its stdin first, and is then seen to have ended.
            Some(errno) if forced || errno != libc::EPIPE => Undelivered::Refused(errno),
            Some(_) if self.orders.allow_early_end => return None,
            Some(_) => Undelivered::TargetEnded,
            None if forced => match (self.step_over, self.orders.step_timeout) {
                (true, Some(time)) => Undelivered::StepDeadline(time),
                _ => Undelivered::Deadline,
            },
            None if self.orders.allow_early_end => return None,
            None => Undelivered::TargetEnded,
        };
        match self.progress {
            Progress::Done => None,
            // It ended in its grace.
            Progress::Grace(_) if why == Undelivered::TargetEnded => None,
            Progress::Grace(index) => {
                let (grace, kill) = self.grace()?;
                let due = self.since.plus(grace).since(self.base());
                Some((self.orders.steps[index].action.force(grace, kill), Some(due), why))
            }
            Progress::NotStarted | Progress::AwaitingReady => {
                match (&self.orders.ready, self.orders.steps.first()) {
                    (Some(gate), _) => Some((format!("readiness ({gate})"), None, why)),
                    (None, Some(step)) => Some((step.to_string(), None, why)),
                    (None, None) => None,
                }
            }
            Progress::Step(index) | Progress::Delivering(index) => {
                let step = &self.orders.steps[index];
                let due = match step.when {
                    When::After(time) => Some(self.since.plus(time).since(self.base())),
                    When::Gate(_) => None,
                };
                Some((step.to_string(), due, why))
            }
        }
    }

    pub(super) fn build(self, end: End, ending: Ending, duration: Duration) -> Exit {
        let base = self.base();
        let script = self.orders.ready.is_some() || !self.orders.steps.is_empty();
        let script_done = matches!(self.progress, Progress::Done | Progress::Grace(_)) || !script;
        // Output may be read before the start is known, so that it is timed from the request.
        let start = base.since(self.live.requested_at);
        let checks = self.orders.checks.iter();
        let checks = checks.map(|(label, check)| Check { label: label.clone(), held: check() }).collect();
        let marks = self.marks.records.into_iter().zip(self.marks.arrived).map(|(record, at)| Mark {
            kind: record.kind,
            label: record.label,
            at: at.map(|at| at.since(base)),
            pid: record.origin.map(|origin| origin.pid),
            thread: record.origin.map(|origin| origin.tid),
            place: record.place,
        });
        let leftovers = end.leftovers.into_iter().map(|process| Leftover {
            pid: process.pid,
            parent: process.parent,
            state: process.state,
            age: process.age,
            command: process.command,
        });
        let mut timeline = self.timeline;
        timeline.extend(family::received(&end.relatives, end.start.pid, base));
        timeline.sort_by_key(|event| event.at);
        let function = end.function;
        Exit {
            format: Format,
            subject: self.orders.name,
            context: self.orders.context,
            became: self.became,
            in_exit_hook: end.forced
                && function
                    .as_ref()
                    .map_or(self.called_exit, |function| function.leaving && !function.hooks_ran),
            how: function.as_ref().and_then(|function| how(function, &ending)),
            threads_left: function.as_ref().and_then(|function| function.threads.clone()),
            hooks_ran: function.as_ref().map(|function| function.hooks_ran),
            noted_panic: function.and_then(|function| {
                let location = function.location;
                function.message.map(|message| NotedPanic { message, location })
            }),
            ending,
            raw_status: end.raw_status,
            outputs: self.outputs,
            stdout: self.stdout.capture.finish(start),
            stderr: self.stderr.capture.finish(start),
            marks: marks.collect(),
            checks,
            timeline,
            tree: family::tree(end.relatives, base),
            duration,
            usage: Usage {
                user: end.usage.user,
                system: end.usage.system,
                max_resident_kib: end.usage.max_resident_kib,
            },
            traces: self.orders.lookout.finish(self.orders.capture_limit),
            leftovers: leftovers.collect(),
            leftover_count: end.leftover_count as usize,
            first_delivery: self.first_delivery,
            last_delivery: self.last_delivery,
            script_done,
            stuck: if end.forced { self.stuck } else { Vec::new() },
            stuck_left_out: if end.forced { self.stuck_left_out } else { 0 },
        }
    }
}

/// What a status means, as `wait(2)` encodes it.
pub(super) const fn ending_of(raw_status: i32) -> Ending {
    match wait::decode(raw_status) {
        Status::Code(code) => Ending::Code(code),
        Status::Signal { number, core_dumped } => {
            Ending::Signal { signal: Signal::from_status(number), core_dumped }
        }
    }
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
