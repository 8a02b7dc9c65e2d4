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

/// So much news is taken before the supervisor looks at its orders.
const MOST_NEWS: usize = 64;

/// The processes of one run.
#[derive(Debug)]
pub(super) struct Family {
    target: i32,
    /// The test process, whose signals are the harness's.
    harness: i32,
    relatives: Relatives,
    /// The process of each thread that is followed.
    threads: HashMap<i32, i32>,
    /// Threads that were seen before their making was told.
    early: HashSet<i32>,
    /// What has ended and is there until somebody waits for it, and who would have to.
    unwaited: HashMap<i32, i32>,
    /// Those of them that came to this process when the target had ended.
    inherited: Vec<(i32, i32)>,
    /// The target's status, where it was taken already.
    reaped: Option<Reaped>,
    /// There may be more news than was taken.
    more: bool,
}

/// What is known of what ends after the target has.
#[derive(Debug, Clone, Copy)]
pub(super) enum After<'a> {
    /// It had ended before, and nobody had waited for it.
    Zombies,
    /// So it had, unless it was found alive after the target.
    Found(&'a [LeftoverProcess]),
    /// It is being killed.
    Killing,
}

impl Family {
    pub(super) fn new(target: i32, harness: i32) -> Self {
        Self {
            target,
            harness,
            relatives: Relatives::default(),
            threads: HashMap::new(),
            early: HashSet::new(),
            unwaited: HashMap::new(),
            inherited: Vec::new(),
            reaped: None,
            more: false,
        }
    }

    pub(super) const fn target(&self) -> i32 {
        self.target
    }

    /// Whether the next look at the news need not be waited for.
    pub(super) const fn has_more(&self) -> bool {
        self.more
    }

    /// Follows all that comes from the target.
    pub(super) fn follow(&mut self) -> io::Result<()> {
        trace::seize(self.target)?;
        self.relatives.followed = true;
        self.threads.insert(self.target, self.target);
        Ok(())
    }

    /// All that is known, at the end.
    pub(super) fn take(&mut self) -> Relatives {
        for (pid, parent) in std::mem::take(&mut self.inherited) {
            // One whose parent had ended before the target was an orphan then, which its new parent waits for.
            let parent_was_alive = parent == self.target
                || self.find(parent).is_some_and(|parent| matches!(parent.fate, Fate::LeftBehind));
            if let Some(relative) = self.find(pid).filter(|_| parent_was_alive) {
                relative.was_not_waited_for();
            }
        }
        std::mem::take(&mut self.relatives)
    }

    /// Takes the status of what has ended, and tells whether the target has. At most so much of it that
    /// the supervisor comes to its orders, however fast the news comes.
    pub(super) fn take_news(&mut self) -> bool {
        self.more = false;
        for _ in 0..MOST_NEWS {
            let over = if self.relatives.followed { self.take_one_of_all() } else { self.take_one_orphan() };
            if let Some(ended) = over {
                return ended;
            }
        }
        self.more = true;
        false
    }

    /// Takes one orphan's status; otherwise tells whether the target has ended.
    fn take_one_orphan(&mut self) -> Option<bool> {
        match wait::peek_any() {
            Ok(Ended::Child(pid)) if pid == self.target => Some(true),
            Ok(Ended::Child(orphan)) => {
                let described = self.relatives.has_room().then(|| describe(orphan));
                if let Ok(reaped) = wait::reap(orphan) {
                    let fate = Fate::Ended { raw_status: reaped.raw_status };
                    self.relatives.add_ended(described, fate);
                }
                None
            }
            Ok(Ended::NoneYet) => Some(false),
            Ok(Ended::NoChildren) | Err(_) => Some(true),
        }
    }

    /// Takes one piece of news; without any, tells whether the target has ended.
    fn take_one_of_all(&mut self) -> Option<bool> {
        if self.reaped.is_some() {
            return Some(true);
        }
        let Some(news) = trace::next() else { return Some(false) };
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
            Happened::Executed { by } => {
                if by != news.tid {
                    self.threads.remove(&by);
                }
                self.executed(news.tid);
            }
            Happened::Signalled { number, from } => self.signalled(news.tid, number, from),
            Happened::Halted | Happened::Noted => {}
        }
        trace::go_on(news.tid, news.what);
        None
    }

    /// Takes in a thread that was not seen before, and the process, where it is the first of one. Tells
    /// whether it was new.
    fn sight(&mut self, tid: i32) -> bool {
        if self.threads.contains_key(&tid) {
            return false;
        }
        let Some(pid) = proc::process_of(tid) else { return false };
        self.threads.insert(tid, pid);
        // An id may come again.
        self.unwaited.remove(&tid);
        if pid == tid {
            self.relatives.add(Relative { born: Some(Moment::now()), ..describe(pid) });
        }
        true
    }

    fn find(&mut self, pid: i32) -> Option<&mut Relative> {
        self.relatives.list.iter_mut().rev().find(|relative| relative.pid == pid)
    }

    /// A thread has ended. A process is heard of twice where its parent ends without having waited for it:
    /// then it comes to this process, its last parent, which waits for it.
    fn ended(&mut self, tid: i32, raw_status: i32) {
        let process = self.threads.remove(&tid);
        if process.is_some_and(|pid| pid != tid) {
            return;
        }
        if process.is_none() {
            self.unwaited.remove(&tid);
        } else if let Some(relative) = self.find(tid) {
            relative.end(Fate::Ended { raw_status });
            self.is_unwaited(tid);
        }
    }

    /// A process has ended: its status is there for its parent, and the children that it did not wait for
    /// have another one.
    fn is_unwaited(&mut self, pid: i32) {
        let orphans = self.unwaited.iter().filter(|(_, parent)| **parent == pid).map(|(child, _)| *child);
        for child in orphans.chain([pid]).collect::<Vec<_>>() {
            let before = self.unwaited.remove(&child);
            // Of one whose parent has waited for it meanwhile the id may be another's.
            let Some(process) = proc::inspect(child).filter(proc::ProcessInfo::is_zombie) else { continue };
            let parent = if process.parent == crate::sys::raw::process_id() {
                // Its parent has ended just now.
                before.or_else(|| self.find(child)?.parent)
            } else {
                Some(process.parent)
            };
            self.unwaited.extend(parent.map(|parent| (child, parent)));
        }
    }

    fn executed(&mut self, tid: i32) {
        let command = describe(tid).command;
        if let Some(relative) = self.find(tid) {
            relative.command = command;
        }
    }

    fn signalled(&mut self, tid: i32, number: i32, from: Option<i32>) {
        let of_the_harness = [Some(self.harness), Some(crate::sys::raw::process_id())].contains(&from);
        if number == libc::SIGCHLD || of_the_harness {
            return;
        }
        if self.relatives.received.len() >= MAX_RECEIVED {
            self.relatives.received_left_out += 1;
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
        while !self.take_news() {
            if !self.more {
                poll::wait([Some((children.as_fd(), Interest::Read))], None)?;
            }
            children.drain();
        }
        self.reaped.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// After the target's end: takes the status of every child of this process that has ended, and tells
    /// whether there is none left.
    pub(super) fn has_ended(&mut self, after: After<'_>) -> bool {
        self.more = self.relatives.followed;
        if self.relatives.followed {
            // What still runs is still followed, and has to be let go on. This process's own children are
            // heard of first, and the others may have news without end.
            for _ in 0..MOST_NEWS {
                let Some(news) = trace::next() else {
                    self.more = false;
                    break;
                };
                if let Happened::Ended { raw_status, .. } = news.what {
                    self.ended_after(news.tid, raw_status, after);
                }
                trace::go_on(news.tid, news.what);
            }
            return proc::own_children().is_ok_and(|children| children.is_empty());
        }
        loop {
            match wait::peek_any() {
                Ok(Ended::NoChildren) => return true,
                Ok(Ended::Child(child)) => {
                    let counts = match after {
                        After::Zombies => true,
                        After::Found(leftovers) => !is_among(child, leftovers),
                        After::Killing => false,
                    };
                    let described = (counts && self.relatives.has_room()).then(|| describe(child));
                    let Ok(reaped) = wait::reap(child) else { return false };
                    if counts {
                        self.relatives.add_ended(described, Fate::Zombie { raw_status: reaped.raw_status });
                    }
                }
                Ok(Ended::NoneYet) | Err(_) => return false,
            }
        }
    }

    /// One that was followed ended after the target, or comes to this process for its parent has ended.
    fn ended_after(&mut self, tid: i32, raw_status: i32, after: After<'_>) {
        let process = self.threads.remove(&tid);
        if process.is_some_and(|pid| pid != tid) {
            return;
        }
        if process.is_none() {
            self.inherited.extend(self.unwaited.remove(&tid).map(|parent| (tid, parent)));
            return;
        }
        let left = match after {
            After::Zombies => false,
            After::Found(leftovers) => is_among(tid, leftovers),
            After::Killing => true,
        };
        let target = self.target;
        let Some(relative) = self.find(tid).filter(|_| !left) else { return };
        // The target's own child, which this process has just waited for in its place.
        let of_the_target = relative.parent == Some(target) && proc::inspect(tid).is_none();
        relative.end(if of_the_target { Fate::Zombie { raw_status } } else { Fate::Ended { raw_status } });
        self.is_unwaited(tid);
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

fn is_among(pid: i32, leftovers: &[LeftoverProcess]) -> bool {
    leftovers.iter().any(|leftover| leftover.pid == pid)
}

impl Relatives {
    fn has_room(&self) -> bool {
        self.list.len() < MAX_RELATIVES
    }

    /// Adds one that has ended; one for which there was no room was not described.
    fn add_ended(&mut self, described: Option<Relative>, fate: Fate) {
        match described {
            Some(mut relative) => {
                relative.end(fate);
                self.add(relative);
            }
            None => self.left_out += 1,
        }
    }

    fn add(&mut self, relative: Relative) {
        if self.has_room() {
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

#[cfg(test)]
mod tests {
    use super::{Family, Fate, Relative};

    const TARGET: i32 = 10;

    #[test]
    fn whose_zombie_it_is_goes_by_its_parent_and_whether_that_was_alive() {
        const ENDED: Fate = Fate::Ended { raw_status: 0 };
        let relative = |pid, parent, fate| Relative {
            pid,
            parent: Some(parent),
            command: String::new(),
            born: None,
            died: None,
            fate,
        };
        let mut family = Family::new(TARGET, 1);
        family.relatives.list = vec![
            relative(11, TARGET, ENDED),
            relative(12, TARGET, Fate::LeftBehind),
            relative(21, 11, ENDED),
            relative(22, 12, ENDED),
            relative(23, TARGET, ENDED),
            // It was waited for.
            relative(24, TARGET, ENDED),
        ];
        family.inherited = vec![(21, 11), (22, 12), (23, TARGET)];
        let told = family.take().list.into_iter();
        let zombies: Vec<i32> = told
            .filter(|relative| matches!(relative.fate, Fate::Zombie { .. }))
            .map(|relative| relative.pid)
            .collect();
        assert_eq!(zombies, [22, 23]);
    }
}
