//! Delivering one step: what is done to the target, and what is noted of it.

use std::os::fd::AsFd;
use std::time::Duration;

use crate::delivery::{Delivery, Key, KeyMeaning};
use crate::error::Error;
use crate::exit::{Disposition, Ending, Event, FirstDelivery, LastDelivery, What};
use crate::script::Action;
use crate::signal::{SIGHUP, Signal};
use crate::sys::clock::Moment;
use crate::sys::disposition;
use crate::sys::fd;
use crate::sys::pidfd::PidFd;
use crate::sys::pty::{self, Keys};

use super::{GivenUp, Observation, Progress};

/// A delivery that kills the target unless that has ended, and how everything stood before.
pub(super) struct Deadly {
    step: usize,
    since: Moment,
    first: Option<FirstDelivery>,
    last: Option<LastDelivery>,
}

/// What became of an attempt.
enum Attempt {
    Done(Delivery),
    /// There is no room for the rest of what is written; it goes on when there is.
    Unfinished,
    /// The target had ended before.
    TargetGone,
    /// The kernel refused with this errno.
    Refused(i32),
}

impl Observation<'_> {
    /// Carries a step out, after taking in everything that was there before it.
    pub(super) fn deliver(&mut self, index: usize) -> Result<bool, Error> {
        let base = self.base();
        self.take_in()?;
        let action = self.orders.steps[index].action.clone();
        let outlook = self.outlook(&action);
        // That took a while, in which more may have come.
        self.take_in()?;
        // The kernel takes a signal for a zombie without a word: ask first.
        let gone = self.pidfd.as_ref().is_none_or(PidFd::has_ended);
        let now = Moment::now();
        let attempt = if gone { Attempt::TargetGone } else { self.attempt(&action, outlook) };
        let delivery = match attempt {
            Attempt::Done(delivery) => delivery,
            Attempt::Unfinished => return Ok(false),
            Attempt::TargetGone => {
                self.target_gone = true;
                return Ok(false);
            }
            Attempt::Refused(errno) => {
                self.refused = Some(errno);
                self.give_up(GivenUp::Deadline)?;
                return Ok(false);
            }
        };
        self.note(index, delivery, now.since(base));
        self.written = 0;
        self.next_step(index + 1, now);
        Ok(true)
    }

    fn note(&mut self, index: usize, delivery: Delivery, at: Duration) {
        let deadly = matches!(delivery.signal(), Some((signal, Some(Disposition::Default))) if signal.kills_by_default());
        self.deadly = deadly.then(|| Deadly {
            step: index,
            since: self.since,
            first: self.first_delivery.clone(),
            last: self.last_delivery.clone(),
        });
        if delivery.is_a_reason_to_leave() {
            self.first_delivery.get_or_insert_with(|| FirstDelivery {
                at,
                delivery: delivery.clone(),
                stdout: self.stdout.capture.total(),
                stderr: self.stderr.capture.total(),
                marks: self.marks.begun(),
            });
            self.last_delivery = Some(LastDelivery { at, delivery: delivery.clone() });
        }
        self.timeline.push(Event { at, what: What::Delivered { delivery } });
    }

    /// What the target would make of it at this moment.
    fn outlook(&self, action: &Action) -> Outlook {
        let disposition =
            |signal: Signal| self.start.and_then(|(_, pid)| disposition::of(pid, signal.number()));
        match action {
            Action::Signal(signal) => Outlook::Signal(disposition(*signal)),
            Action::HangUp => Outlook::Signal(disposition(SIGHUP)),
            Action::Press(key) => self.terminal.as_ref().map_or(Outlook::Nothing, |terminal| {
                let Ok(keys) = pty::keys(terminal) else { return Outlook::Nothing };
                Outlook::Key(character(*key, keys), self.meaning(*key, keys, disposition))
            }),
            Action::Type(_) => Outlook::Nothing,
        }
    }

    /// What the terminal makes of a key.
    fn meaning(
        &self,
        key: Key,
        keys: Keys,
        disposition: impl Fn(Signal) -> Option<Disposition>,
    ) -> KeyMeaning {
        match key.signal() {
            Some(signal) if keys.make_signals => {
                let group = self.stdout.fd.as_ref().and_then(pty::foreground_group);
                let targets = self.start.and_then(|(_, pid)| pty::group_of(pid));
                if group.is_some() && group == targets {
                    KeyMeaning::Signal { signal, disposition: disposition(signal) }
                } else {
                    KeyMeaning::SignalToOthers { signal, group }
                }
            }
            None if keys.in_lines => KeyMeaning::EndOfInput,
            _ => KeyMeaning::Character,
        }
    }

    fn attempt(&mut self, action: &Action, outlook: Outlook) -> Attempt {
        match (action, outlook) {
            (Action::Signal(signal), outlook) => {
                let Some(pidfd) = &self.pidfd else { return Attempt::TargetGone };
                match pidfd.signal(signal.number()) {
                    Ok(()) => Attempt::Done(Delivery::Signal {
                        signal: *signal,
                        disposition: outlook.disposition(),
                    }),
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Attempt::TargetGone,
                    Err(error) => Attempt::Refused(error.raw_os_error().unwrap_or(0)),
                }
            }
            (Action::Press(key), Outlook::Key(character, meaning)) => {
                self.write(&[character], || Delivery::Key { key: *key, meaning })
            }
            (Action::Press(_), _) => Attempt::Refused(libc::ENOTTY),
            (Action::Type(text), _) => {
                self.write(text, || Delivery::Text { text: String::from_utf8_lossy(text).into_owned() })
            }
            (Action::HangUp, outlook) => {
                self.stdout.fd = None;
                self.terminal = None;
                Attempt::Done(Delivery::HangUp { disposition: outlook.disposition() })
            }
        }
    }

    /// Types `bytes`, as far as there is room, going on where the last attempt ended.
    fn write(&mut self, bytes: &[u8], done: impl FnOnce() -> Delivery) -> Attempt {
        let (Some(keyboard), Some(terminal)) = (&self.stdout.fd, &self.terminal) else {
            return Attempt::Refused(libc::ENOTTY);
        };
        match fd::write_some(keyboard.as_fd(), &bytes[self.written..]) {
            Ok(count) => self.written += count.unwrap_or(0),
            Err(error) => return Attempt::Refused(error.raw_os_error().unwrap_or(0)),
        }
        if self.written < bytes.len() {
            return Attempt::Unfinished;
        }
        pty::take_in_what_was_typed(terminal);
        Attempt::Done(done())
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
        self.first_delivery = deadly.first;
        self.last_delivery = deadly.last;
        let last = self.timeline.iter().rposition(|event| matches!(event.what, What::Delivered { .. }));
        if let Some(last) = last {
            self.timeline.remove(last);
        }
    }
}

/// What was seen of the target right before a step.
enum Outlook {
    /// What it would do with the signal of the step.
    Signal(Option<Disposition>),
    /// The character of the key, and what the terminal makes of it.
    Key(u8, KeyMeaning),
    Nothing,
}

impl Outlook {
    const fn disposition(&self) -> Option<Disposition> {
        match self {
            Self::Signal(disposition) => *disposition,
            Self::Key(..) | Self::Nothing => None,
        }
    }
}

/// The character that the terminal takes for the key; that which the key makes where it takes none.
fn character(key: Key, keys: Keys) -> u8 {
    /// `_POSIX_VDISABLE`: no character at all.
    const DISABLED: u8 = 0;
    let control = |letter: u8| letter & 0x1f;
    let (set, made) = match key {
        Key::Interrupt => (keys.interrupt, control(b'C')),
        Key::Quit => (keys.quit, control(b'\\')),
        Key::Suspend => (keys.suspend, control(b'Z')),
        Key::EndOfInput => (keys.end_of_input, control(b'D')),
    };
    if set == DISABLED { made } else { set }
}
