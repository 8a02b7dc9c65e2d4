//! Clearing up behind a target: what it left is described, killed and waited for, generation after
//! generation.

use std::os::fd::AsFd;
use std::time::Duration;

use crate::sys::clock::Moment;
use crate::sys::poll::{self, Interest};
use crate::sys::proc::ProcessInfo;
use crate::sys::{disposition, fork, proc, raw};

use super::family::{After, Family};
use super::supervisor::Supervisor;
use super::wire::{self, LeftoverProcess};
use super::{LAUNCHER_NAME, SUPERVISOR_NAME};

/// How long killing what a target left may take before the rest is reported as unkillable.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of what is being killed already is waited for, before it is taken for something left.
const DYING_PATIENCE: Duration = Duration::from_secs(1);

/// How long harness processes of a nested run get to clean up behind themselves.
const NESTED_PATIENCE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Kills and reaps every descendant; returns how many could not be.
    ///
    /// Only own children are ever signalled: their ids cannot be recycled before this process waits
    /// for them. When a child dies its children become this process's, so that each round reaches
    /// one generation further.
    pub(super) fn clear(&self, family: &mut Family) -> u32 {
        let begin = Moment::now();
        loop {
            // Taken before the look, so that an end between look and wait is not missed.
            self.children.drain();
            if family.has_ended(After::Killing) {
                return 0;
            }
            let elapsed = Moment::now().since(begin);
            let children = proc::own_children().unwrap_or_default();
            if elapsed > KILL_PATIENCE {
                return u32::try_from(children.len()).unwrap_or(u32::MAX);
            }
            let mut spared = false;
            for child in &children {
                let nested = proc::inspect(*child).is_some_and(|process| is_harness(&process));
                if nested && elapsed < NESTED_PATIENCE {
                    spared = true;
                } else {
                    fork::kill_child(*child);
                }
            }
            let patience = if spared { NESTED_PATIENCE } else { KILL_PATIENCE }.saturating_sub(elapsed);
            // Of news that is there already nobody is told once more.
            let patience = if family.has_more() { Duration::ZERO } else { patience };
            let _ = poll::wait([Some((self.children.as_fd(), Interest::Read))], Some(patience));
        }
    }
}

/// So often it is looked for what is alive and was not found.
const MOST_LOOKS: usize = 50;

impl Supervisor {
    /// What outlived the target; `None` where there is no process left.
    ///
    /// One that was being killed when the target ended, as by a signal to both of them, did not outlive it: no
    /// code of it runs any more, and its end is waited for.
    ///
    /// One that forks and leaves, and whose child does the same, is another process each time and may slip through
    /// a look. So it is looked again, unless it is found that all have ended.
    pub(super) fn leftovers(&self, family: &mut Family) -> Option<(Vec<LeftoverProcess>, u32)> {
        /// How long the next look is put off: of the ends of grandchildren nothing is heard.
        const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
        let begin = Moment::now();
        let (mut looks, mut dying) = (0, None);
        loop {
            // Taken before the look, so that an end between look and wait is not missed.
            self.children.drain();
            if family.has_ended(After::Zombies) {
                return None;
            }
            looks += 1;
            let found = alive();
            // Those that a later look finds dying need not have been when the target ended.
            let dying = dying.get_or_insert_with(|| pids(found.iter().filter(|process| is_dying(process))));
            let waits = found.iter().any(|process| dying.contains(&process.pid));
            if waits && Moment::now().since(begin) < DYING_PATIENCE {
                let patience = if family.has_more() { Duration::ZERO } else { BETWEEN_LOOKS };
                let _ = poll::wait([Some((self.children.as_fd(), Interest::Read))], Some(patience));
            } else if !found.is_empty() || looks >= MOST_LOOKS {
                return Some(described(found));
            }
        }
    }
}

fn pids<'a>(of: impl Iterator<Item = &'a ProcessInfo>) -> Vec<i32> {
    of.map(|process| process.pid).collect()
}

/// Whether it is on its way out, having been killed: the kernel makes every signal that is to kill a process and
/// leaves no core dump a SIGKILL to each of its threads at once, in which none of its code runs any more.
fn is_dying(process: &ProcessInfo) -> bool {
    // In this order: a signal that is taken between both looks is followed by the flag.
    disposition::is_pending(process.pid, libc::SIGKILL)
        || proc::inspect(process.pid).is_none_or(|process| process.has_left())
}

/// What came from the target and is alive, without zombies and without harness processes of a nested run.
fn alive() -> Vec<ProcessInfo> {
    let mut found = proc::descendants_of(raw::process_id()).unwrap_or_default();
    found.retain(|process| !process.is_zombie() && !is_harness(process));
    found
}

fn described(mut found: Vec<ProcessInfo>) -> (Vec<LeftoverProcess>, u32) {
    let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
    found.truncate(wire::MAX_LEFTOVERS);
    let described = found.into_iter().map(|process| LeftoverProcess {
        pid: process.pid,
        parent: process.parent,
        state: process.state,
        age: process.age(),
        command: shorten(named(process).title()),
    });
    (described.collect(), count)
}

/// One that is just becoming another program has no command line for a moment.
fn named(process: ProcessInfo) -> ProcessInfo {
    const LOOKS: usize = 20;
    let pid = process.pid;
    (0..LOOKS).fold(process, |process, _| {
        if !process.command.is_empty() {
            return process;
        }
        std::thread::yield_now();
        proc::inspect(pid).unwrap_or(process)
    })
}

fn is_harness(process: &ProcessInfo) -> bool {
    [LAUNCHER_NAME, SUPERVISOR_NAME].iter().any(|name| process.name.as_bytes() == name.to_bytes())
}

pub(super) fn shorten(mut text: String) -> String {
    if text.len() > wire::MAX_COMMAND {
        let mut end = wire::MAX_COMMAND;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
