//! Drop guards: which were armed, and what became of them.
//!
//! A guard belongs to the process that armed it. A fork has a copy, and what becomes of that says nothing
//! of the guard itself.

use std::collections::{HashMap, HashSet};

use crate::exit::{Exit, Mark, MarkKind};

/// Which guards each process has armed, by their labels.
pub(super) struct Armed<'a>(HashSet<(&'a [u8], Option<i32>)>);

impl<'a> Armed<'a> {
    pub(super) fn of(exit: &'a Exit) -> Self {
        let armed = exit.marks.iter().filter(|mark| mark.kind == MarkKind::Armed);
        Self(armed.map(|mark| (mark.label.as_slice(), mark.pid)).collect())
    }

    /// Whether a guard was dropped by another process than armed it.
    pub(super) fn is_of_a_copy(&self, dropped: &Mark) -> bool {
        matches!(dropped.kind, MarkKind::Dropped | MarkKind::DroppedUnwinding)
            && !self.0.contains(&(dropped.label.as_slice(), dropped.pid))
    }
}

/// What became of the drop guards of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    pub(crate) armed: usize,
    pub(crate) dropped: usize,
    /// Copies of them that forks dropped.
    pub(crate) copies: usize,
}

/// Counts the drop guards of `label`, process by process: what one drops more than it armed are copies.
pub(crate) fn of_guards(exit: &Exit, label: &str) -> Guards {
    let mut processes: HashMap<Option<i32>, (usize, usize)> = HashMap::new();
    for mark in exit.marks.iter().filter(|mark| mark.label == label.as_bytes()) {
        match mark.kind {
            MarkKind::Armed => processes.entry(mark.pid).or_default().0 += 1,
            MarkKind::Dropped | MarkKind::DroppedUnwinding => processes.entry(mark.pid).or_default().1 += 1,
            MarkKind::Mark | MarkKind::Hook => {}
        }
    }
    processes.values().fold(Guards::default(), |guards, (armed, dropped)| Guards {
        armed: guards.armed + armed,
        dropped: guards.dropped + dropped.min(armed),
        copies: guards.copies + dropped.saturating_sub(*armed),
    })
}

/// Guards of one label and one process that were armed more often than dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undropped<'a> {
    pub(crate) armed: &'a Mark,
    pub(crate) number: usize,
}

/// How many guards were armed, of whatever label, and those that were never dropped, in the order in which
/// they were armed.
pub(crate) fn of_all_guards(exit: &Exit) -> (usize, Vec<Undropped<'_>>) {
    let mut armed = 0;
    let mut places: HashMap<(&[u8], Option<i32>), usize> = HashMap::new();
    let mut open: Vec<Undropped<'_>> = Vec::new();
    for mark in &exit.marks {
        let owner = (mark.label.as_slice(), mark.pid);
        match mark.kind {
            MarkKind::Armed => {
                armed += 1;
                let place = *places.entry(owner).or_insert_with(|| {
                    open.push(Undropped { armed: mark, number: 0 });
                    open.len() - 1
                });
                open[place].number += 1;
            }
            // Where no such guard was armed by this process, it is a copy of another's.
            MarkKind::Dropped | MarkKind::DroppedUnwinding => {
                if let Some(place) = places.get(&owner) {
                    open[*place].number = open[*place].number.saturating_sub(1);
                }
            }
            MarkKind::Mark | MarkKind::Hook => {}
        }
    }
    open.retain(|guards| guards.number > 0);
    (armed, open)
}
