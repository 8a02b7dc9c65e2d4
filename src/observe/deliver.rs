//! Delivering one step: what is done to the target, and what is noted of it.

use std::time::Duration;

use crate::delivery::{Delivery, Recipient, StandardStream};
use crate::error::Error;
use crate::exit::{Disposition, Ending, Event, FirstDelivery, LastDelivery, What};
use crate::launch::wire::Order;
use crate::script::Action;
use crate::signal::{SIGCONT, SIGHUP, SIGKILL, SIGSTOP, Signal};
use crate::sys::clock::Moment;
use crate::sys::pidfd::PidFd;
use crate::sys::{disposition, fork, proc, threads};

use super::{GivenUp, Observation, Progress};

/// A delivery that kills the target unless that is leaving, and how everything stood before.
pub(super) struct Deadly {
    /// SIGKILL after a grace.
    forced: bool,
    /// Its place in the timeline.
    event: usize,
    progress: Progress,
    since: Moment,
    first: Option<FirstDelivery>,
    last: Option<LastDelivery>,
}

/// A delivery that the supervisor was asked for and has not reported yet.
pub(super) struct Ordered {
    delivery: Delivery,
    seen: Seen,
}

/// How far everything had come when a step was carried out.
#[derive(Debug, Clone, Copy)]
struct Seen {
    stdout: u64,
    stderr: u64,
    marks: usize,
}

/// What became of an attempt.
pub(super) enum Attempt {
    Done(Delivery),
    /// The supervisor was asked, and will tell.
    Ordered(Delivery),
    /// It goes on when there is room to write, or at the next look.
    Unfinished,
    /// The target had ended before.
    TargetGone,
    /// The kernel refused with this errno.
    Refused(i32),
}

impl Observation<'_> {
    /// Carries a step out, after taking in everything that was there before it.
    pub(super) fn deliver(&mut self, index: usize) -> Result<bool, Error> {
        let action = self.orders.steps[index].action.clone();
        if let Action::Close(stream) = action {
            // What it has written so far is read, also where nobody reads at the moment.
            self.pause(stream, false);
        }
        self.carry_out(
            |observation| observation.outlook(&action),
            |observation, outlook| observation.attempt(&action, outlook),
        )
    }

    /// After the grace of an escalation: sends SIGKILL.
    pub(super) fn force(&mut self, after: Duration, to: Recipient) -> Result<bool, Error> {
        self.note_what_it_became();
        self.carry_out(
            |_| (),
            |observation, ()| {
                let delivery = Delivery::Forced { after, to };
                observation.send(SIGKILL, to, None, delivery)
            },
        )
    }

    fn carry_out<O>(
        &mut self,
        look: impl FnOnce(&Self) -> O,
        attempt: impl FnOnce(&mut Self, O) -> Attempt,
    ) -> Result<bool, Error> {
        if self.ordered.is_some() {
            return Ok(false);
        }
        self.take_in()?;
        let outlook = look(self);
        // That took a while, in which more may have come.
        self.take_in()?;
        let seen =
            Seen { stdout: self.stdout.written(), stderr: self.stderr.written(), marks: self.marks.begun() };
        // The kernel takes a signal for a zombie without a word: ask first.
        let gone = self.pidfd.as_ref().is_none_or(PidFd::has_ended);
        let now = Moment::now();
        match if gone { Attempt::TargetGone } else { attempt(self, outlook) } {
            Attempt::Done(delivery) => {
                self.done(delivery, seen, now);
                return Ok(true);
            }
            Attempt::Ordered(delivery) => self.ordered = Some(Ordered { delivery, seen }),
            Attempt::Unfinished => {}
            Attempt::TargetGone => self.target_gone = true,
            Attempt::Refused(errno) => {
                self.refused = Some(errno);
                self.give_up(GivenUp::Deadline)?;
            }
        }
        Ok(false)
    }

    /// The supervisor has signalled the target's group, or could not.
    pub(super) fn group_signalled(&mut self, at: Moment, errno: Option<i32>) -> Result<(), Error> {
        let Some(Ordered { delivery, seen }) = self.ordered.take() else { return Ok(()) };
        match errno {
            None => self.done(delivery, seen, at),
            Some(libc::ESRCH) => self.target_gone = true,
            Some(errno) => {
                self.refused = Some(errno);
                self.give_up(GivenUp::Deadline)?;
            }
        }
        Ok(())
    }

    /// Notes what was done, and goes on to what comes next.
    fn done(&mut self, delivery: Delivery, seen: Seen, now: Moment) {
        let at = now.since(self.base());
        let kills = |signal: Signal, disposition| {
            disposition == Some(Disposition::Default) && signal.kills_by_default()
        };
        let deadly = delivery
            .signal()
            .is_some_and(|(signal, disposition)| kills(signal, disposition) && self.is_leaving(signal));
        // What is stopped is not leaving: the signal waits for it. And a terminal hangs up also where the target
        // gave it up, and no signal comes.
        let may_live_on =
            matches!(delivery, Delivery::Signal { stopped: true, .. } | Delivery::HangUp { .. });
        if deadly && !may_live_on {
            self.deadly.push(Deadly {
                forced: matches!(delivery, Delivery::Forced { .. }),
                event: self.timeline.len(),
                progress: self.progress,
                since: self.since,
                first: self.first_delivery.clone(),
                last: self.last_delivery.clone(),
            });
        }
        if delivery.is_a_reason_to_leave() {
            let Seen { stdout, stderr, marks } = seen;
            let first = FirstDelivery { at, delivery: delivery.clone(), stdout, stderr, marks };
            self.first_delivery.get_or_insert(first);
            self.last_delivery = Some(LastDelivery { at, delivery: delivery.clone() });
        }
        // The script's last text is followed by the end.
        let ends =
            matches!(delivery, Delivery::Written { .. }) && self.is_last_step() && self.live.stdin.is_none();
        self.timeline.push(Event { at, what: What::Delivered { delivery } });
        if ends {
            return self.done(Delivery::Closed { stream: StandardStream::Stdin }, seen, now);
        }
        (self.written, self.stopping) = (0, false);
        match self.progress {
            Progress::Delivering(index)
                if matches!(self.orders.steps[index].action, Action::Escalate { .. }) =>
            {
                self.since = now;
                self.progress = Progress::Grace(index);
            }
            Progress::Delivering(index) | Progress::Grace(index) => self.next_step(index + 1, now),
            Progress::NotStarted | Progress::AwaitingReady | Progress::Step(_) | Progress::Done => {}
        }
    }

    /// What the target would make of it at this moment.
    fn outlook(&self, action: &Action) -> Outlook {
        match action {
            Action::Signal { signal, .. } | Action::Escalate { signal, .. } => {
                Outlook::Signal { disposition: self.disposition(*signal), stopped: self.is_stopped() }
            }
            Action::Stop => Outlook::Stopped(self.has_stopped()),
            Action::Continue => Outlook::Stopped(self.is_stopped()),
            Action::HangUp => Outlook::Signal { disposition: self.disposition(SIGHUP), stopped: false },
            _ => Outlook::Nothing,
        }
    }

    /// What the target would do with a signal.
    pub(super) fn disposition(&self, signal: Signal) -> Option<Disposition> {
        self.start.and_then(|(_, pid)| disposition::of(pid, signal.number()))
    }

    fn is_stopped(&self) -> bool {
        let Some((_, pid)) = self.start else { return false };
        // Threads that have ended are not there to be stopped, the main thread among them.
        let mut states = threads::states(pid);
        states.retain(|state| !matches!(state, 'Z' | 'X'));
        !states.is_empty() && states.iter().all(|state| matches!(state, 'T' | 't'))
    }

    /// Whether it is stopped by the SIGSTOP of this step. A stop for the sake of tracing, which looks the same, is
    /// over in a moment: where it is in one, the signal has not been taken.
    fn has_stopped(&self) -> bool {
        let Some((_, pid)) = self.start else { return false };
        self.stopping
            && self.is_stopped()
            && (!threads::states(pid).contains(&'t') || !disposition::is_pending(pid, SIGSTOP.number()))
    }

    fn attempt(&mut self, action: &Action, outlook: Outlook) -> Attempt {
        match (action, outlook) {
            (Action::Signal { signal, to, value }, Outlook::Signal { disposition, stopped }) => {
                let delivery =
                    Delivery::Signal { signal: *signal, to: *to, value: *value, disposition, stopped };
                self.send(*signal, *to, *value, delivery)
            }
            (Action::Escalate { signal, .. }, Outlook::Signal { disposition, stopped }) => {
                let to = Recipient::Target;
                let delivery = Delivery::Signal { signal: *signal, to, value: None, disposition, stopped };
                self.send(*signal, to, None, delivery)
            }
            (Action::Stop, Outlook::Stopped(true)) => Attempt::Done(Delivery::Stopped),
            // Once: a second would stay pending while it is stopped.
            (Action::Stop, _) if self.stopping => Attempt::Unfinished,
            (Action::Stop, _) => match self.send(SIGSTOP, Recipient::Target, None, Delivery::Stopped) {
                // It stops a little later, of which the kernel tells only its parent.
                Attempt::Done(_) => {
                    self.stopping = true;
                    Attempt::Unfinished
                }
                attempt => attempt,
            },
            (Action::Continue, outlook) => {
                let was_stopped = matches!(outlook, Outlook::Stopped(true));
                self.send(SIGCONT, Recipient::Target, None, Delivery::Continued { was_stopped })
            }
            (Action::Close(stream), _) => self.close(*stream),
            (Action::Pause(stream), _) => {
                self.pause(*stream, true);
                Attempt::Done(Delivery::Paused { stream: *stream })
            }
            (Action::Resume(stream), _) => {
                self.pause(*stream, false);
                Attempt::Done(Delivery::Resumed { stream: *stream })
            }
            (Action::Write(text), _) => self.write_to_stdin(text),
            (Action::Press(key), _) => self.press(*key),
            (Action::Type(text), _) => self.type_text(text),
            (Action::HangUp, outlook) => {
                self.stdout.fd = None;
                self.terminal = None;
                Attempt::Done(Delivery::HangUp { disposition: outlook.disposition() })
            }
            (Action::Resize { rows, columns }, _) => self.resize(*rows, *columns),
            (Action::Signal { .. } | Action::Escalate { .. }, _) => unreachable!("looked at for a signal"),
        }
    }

    fn send(&self, signal: Signal, to: Recipient, value: Option<i32>, delivery: Delivery) -> Attempt {
        let (Some(pidfd), Some((_, pid))) = (&self.pidfd, self.start) else { return Attempt::TargetGone };
        let number = signal.number();
        let sent = match (to, value) {
            (Recipient::Target, None) => pidfd.signal(number),
            (Recipient::Target, Some(value)) => pidfd.queue(number, value),
            // The group that the target leads, in one call; where it is in another, or the kernel is older, the
            // supervisor knows which group that is.
            (Recipient::Group, _) if fork::group_of(pid) == Some(pid) => pidfd.signal_group(number),
            (Recipient::Group, _) => Err(std::io::Error::from_raw_os_error(libc::EINVAL)),
        };
        match sent {
            Ok(()) => Attempt::Done(delivery),
            Err(error) => match (error.raw_os_error(), to) {
                (Some(libc::ESRCH), _) => Attempt::TargetGone,
                (Some(libc::EINVAL), Recipient::Group) => match self.order(Order::SignalGroup(number)) {
                    Ok(()) => Attempt::Ordered(delivery),
                    Err(_) => Attempt::TargetGone,
                },
                (errno, _) => Attempt::Refused(errno.unwrap_or(0)),
            },
        }
    }

    fn close(&mut self, stream: StandardStream) -> Attempt {
        match stream {
            StandardStream::Stdin if self.feed_stdin() => self.live.stdin = None,
            // What it is given first has to be taken before.
            StandardStream::Stdin => return Attempt::Unfinished,
            StandardStream::Stdout => self.stdout.fd = None,
            StandardStream::Stderr => self.stderr.fd = None,
        }
        Attempt::Done(Delivery::Closed { stream })
    }

    fn pause(&mut self, stream: StandardStream, paused: bool) {
        match stream {
            StandardStream::Stdin => {}
            StandardStream::Stdout => self.stdout.paused = paused,
            StandardStream::Stderr => self.stderr.paused = paused,
        }
    }

    /// Reads what is there: output and marks.
    fn take_in(&mut self) -> Result<(), Error> {
        self.stdout.drain(self.live.requested_at, &mut self.buffer)?;
        self.stderr.drain(self.live.requested_at, &mut self.buffer)?;
        self.read_marks(false)
    }

    /// Whether the target seems to have been on its way out when it was sent a signal. One that is not now is
    /// killed by it or takes it; and it may have become ready to since it was looked at.
    fn is_leaving(&self, signal: Signal) -> bool {
        let process = self.start.and_then(|(_, pid)| proc::inspect(pid));
        let ready = self.disposition(signal).is_some_and(Disposition::is_ready);
        process.is_none_or(|process| process.exiting) && !ready
    }

    /// Takes the first delivery back that killed by default, and all after it, if the target ended by a code
    /// all the same: it was leaving already, when the kernel takes a signal without a word and drops it. So
    /// does the SIGKILL after a grace at whose end the target died of another signal.
    pub(super) fn take_back_what_came_too_late(&mut self, ending: &Ending) {
        let mut deadly = std::mem::take(&mut self.deadly).into_iter();
        let too_late = match ending {
            Ending::Code(_) => deadly.next(),
            Ending::Signal { signal, .. } if *signal != SIGKILL => deadly.find(|deadly| deadly.forced),
            Ending::Signal { .. } | Ending::TimedOut { .. } => None,
        };
        let Some(deadly) = too_late else { return };
        self.progress = deadly.progress;
        self.since = deadly.since;
        self.first_delivery = deadly.first;
        self.last_delivery = deadly.last;
        let after = self.timeline.split_off(deadly.event);
        self.timeline.extend(after.into_iter().filter(|event| !matches!(event.what, What::Delivered { .. })));
    }
}

/// What was seen of the target right before a step.
enum Outlook {
    /// What it would do with the signal of the step, and whether it is stopped.
    Signal {
        disposition: Option<Disposition>,
        stopped: bool,
    },
    Stopped(bool),
    Nothing,
}

impl Outlook {
    const fn disposition(&self) -> Option<Disposition> {
        match self {
            Self::Signal { disposition, .. } => *disposition,
            Self::Stopped(_) | Self::Nothing => None,
        }
    }
}
