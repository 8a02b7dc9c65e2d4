//! What a supervisor learns of the processes that came from its target: which there were, who made them, how
//! each ended.
//!
//! Without following them it sees those that come back to it, as orphans, as zombies or alive after the
//! target's end. Following them (`ptrace`) it sees all.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;

use crate::sys::clock::Moment;
use crate::sys::poll::{self, Interest};
use crate::sys::proc;
use crate::sys::signals::ChildSignal;
use crate::sys::trace::{self, Happened};
use crate::sys::wait::{self, Ended, Reaped};

use super::clear::shorten;
use super::wire::{Delivered, Fate, LeftoverProcess, MAX_RECEIVED, MAX_RELATIVES, Relative, Relatives};

/// The processes of one run.
#[derive(Debug)]
pub(super) struct Family {
    target: i32,
    relatives: Relatives,
    /// The process of each thread that is followed.
    threads: HashMap<i32, i32>,
    /// Threads that were seen before their making was told.
    early: HashSet<i32>,
    /// The target's status, where it was taken already.
    reaped: Option<Reaped>,
}

impl Family {
    pub(super) fn new(target: i32) -> Self {
        Self {
            target,
            relatives: Relatives::default(),
            threads: HashMap::new(),
            early: HashSet::new(),
            reaped: None,
        }
    }

    pub(super) const fn target(&self) -> i32 {
        self.target
    }

    /// Follows all that comes from the target.
    pub(super) fn follow(&mut self) -> io::Result<()> {
        trace::seize(self.target)?;
        self.relatives.followed = true;
        self.threads.insert(self.target, self.target);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Relatives {
        std::mem::take(&mut self.relatives)
    }

    /// Takes the status of all that has ended, and tells whether the target has.
    pub(super) fn take_news(&mut self) -> bool {
        if self.relatives.followed {
            return self.take_news_of_all();
        }
        loop {
            match wait::peek_any() {
                Ok(Ended::Child(pid)) if pid == self.target => return true,
                Ok(Ended::Child(orphan)) => {
                    let mut relative = describe(orphan);
                    if let Ok(reaped) = wait::reap(orphan) {
                        relative.end(Fate::Ended { raw_status: reaped.raw_status });
                        self.relatives.add(relative);
                    }
                }
                Ok(Ended::NoneYet) => return false,
                Ok(Ended::NoChildren) | Err(_) => return true,
            }
        }
    }

    fn take_news_of_all(&mut self) -> bool {
        while self.reaped.is_none() {
            let Some(news) = trace::next() else { break };
            // It may be heard of before the one that made it says so, and be gone by then.
            if !matches!(news.what, Happened::Ended { .. }) && self.sight(news.tid) {
                self.early.insert(news.tid);
            }
            match news.what {
                Happened::Ended { raw_status, usage } if news.tid == self.target => {
                    self.reaped = Some(Reaped { raw_status, usage });
                }
                Happened::Ended { raw_status, .. } => self.ended(news.tid, raw_status),
                Happened::Made { tid } if self.early.remove(&tid) => {}
                Happened::Made { tid } => {
                    self.sight(tid);
                }
                Happened::Executed => self.executed(news.tid),
                Happened::Signalled { number, from } => self.signalled(news.tid, number, from),
                Happened::Halted | Happened::Noted => {}
            }
            trace::go_on(news.tid, news.what);
        }
        self.reaped.is_some()
    }

    /// Takes in a thread that was not seen before, and the process, where it is the first of one. Tells
    /// whether it was new.
    fn sight(&mut self, tid: i32) -> bool {
        if self.threads.contains_key(&tid) {
            return false;
        }
        let Some(pid) = proc::process_of(tid) else { return false };
        self.threads.insert(tid, pid);
        if pid == tid {
            self.relatives.add(Relative { born: Some(Moment::now()), ..describe(pid) });
        }
        true
    }

    fn find(&mut self, pid: i32) -> Option<&mut Relative> {
        self.relatives.list.iter_mut().rev().find(|relative| relative.pid == pid)
    }

    /// A thread has ended. A process is heard of twice where its parent ends without having waited for it:
    /// then it comes to this process, its last parent.
    fn ended(&mut self, tid: i32, raw_status: i32) {
        // Its id may come again.
        let process = self.threads.remove(&tid);
        if process.is_some_and(|pid| pid != tid) {
            return;
        }
        match (process, self.find(tid)) {
            (Some(_), Some(relative)) => relative.end(Fate::Ended { raw_status }),
            (None, Some(relative)) => relative.was_not_waited_for(),
            (_, None) => {}
        }
    }

    fn executed(&mut self, tid: i32) {
        let command = describe(tid).command;
        if let Some(relative) = self.find(tid) {
            relative.command = command;
        }
    }

    fn signalled(&mut self, tid: i32, number: i32, from: Option<i32>) {
        let own = crate::sys::raw::process_id();
        if number == libc::SIGCHLD || from == Some(own) || self.relatives.received.len() >= MAX_RECEIVED {
            return;
        }
        let to = self.threads.get(&tid).copied().unwrap_or(tid);
        self.relatives.received.push(Delivered { number, to, from, at: Moment::now() });
    }

    /// Waits for the target's end, where it has not come yet, and takes its status.
    pub(super) fn reap_target(&mut self, children: &ChildSignal) -> io::Result<Reaped> {
        if !self.relatives.followed {
            return wait::reap(self.target);
        }
        // Its threads have to be waited for as well.
        while !self.take_news_of_all() {
            poll::wait([Some((children.as_fd(), Interest::Read))], None)?;
            children.drain();
        }
        self.reaped.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// After the target's end: a child of its that had ended, and that it had not waited for.
    pub(super) fn never_waited_for(&mut self, zombie: i32) {
        if self.relatives.followed {
            if let Some(relative) = self.find(zombie) {
                relative.was_not_waited_for();
            }
            return;
        }
        let mut relative = describe(zombie);
        relative.parent = Some(self.target);
        if let Some(raw_status) = wait::peek_status(zombie) {
            relative.end(Fate::Zombie { raw_status });
            self.relatives.add(relative);
        }
    }

    /// After the target's end: what is still alive.
    pub(super) fn left_behind(&mut self, leftovers: &[LeftoverProcess]) {
        for leftover in leftovers {
            if let Some(relative) = self.find(leftover.pid) {
                relative.fate = Fate::LeftBehind;
                continue;
            }
            self.relatives.add(Relative {
                pid: leftover.pid,
                // That of an orphan is not known any more.
                parent: Some(leftover.parent).filter(|parent| *parent != crate::sys::raw::process_id()),
                command: leftover.command.clone(),
                born: None,
                died: None,
                fate: Fate::LeftBehind,
            });
        }
    }
}

impl Relatives {
    fn add(&mut self, relative: Relative) {
        if self.list.len() < MAX_RELATIVES {
            self.list.push(relative);
        } else {
            self.left_out += 1;
        }
    }
}

impl Relative {
    fn end(&mut self, fate: Fate) {
        self.died = Some(Moment::now());
        self.fate = fate;
    }

    fn was_not_waited_for(&mut self) {
        if let Fate::Ended { raw_status } = self.fate {
            self.fate = Fate::Zombie { raw_status };
        }
    }
}

/// What can be seen of a process at this moment.
fn describe(pid: i32) -> Relative {
    let seen = proc::inspect(pid);
    let parent = seen.as_ref().map(|process| process.parent);
    Relative {
        pid,
        parent: parent.filter(|parent| *parent != crate::sys::raw::process_id()),
        command: seen.map(|process| shorten(process.title())).unwrap_or_default(),
        born: None,
        died: None,
        fate: Fate::LeftBehind,
    }
}
