//! Marks, checks and output lines, weighed for a label.
//!
//! Where the script delivered a signal, clean-up counts only after the first delivery: what a program
//! prints or marks before it is told to leave proves nothing about its leaving.

use std::time::Duration;

use crate::exit::{Disposition, Ending, Exit, Mark, MarkKind, What};
use crate::script::StreamName;
use crate::stream::Captured;

/// One thing that speaks for a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) source: Source,
    pub(crate) at: Option<Duration>,
}

/// Where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Mark,
    Line { stream: StreamName, text: String },
    Check,
}

/// What was found for a label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What counts.
    pub(crate) valid: Vec<Evidence>,
    /// What would count, had it not come before the first signal.
    pub(crate) too_early: Vec<Evidence>,
    /// Lines that were read after the first signal, which killed the target by its default action: they
    /// were on their way already.
    pub(crate) on_their_way: Vec<Evidence>,
    /// A check of this label that did not hold.
    pub(crate) check_failed: bool,
    /// Bytes of output that were not kept, and so not looked at.
    pub(crate) not_looked_at: u64,
}

/// Looks for evidence that the clean-up `label` ran.
pub(crate) fn of_cleanup(exit: &Exit, label: &str) -> Findings {
    let mut findings = Findings::default();
    let first = exit.first_signal;
    for (index, mark) in exit.marks.iter().enumerate() {
        if mark.kind == MarkKind::Armed || mark.label != label.as_bytes() || is_of_a_copy(exit, mark) {
            continue;
        }
        let evidence = Evidence { source: Source::Mark, at: mark.at };
        let early = first.is_some_and(|first| {
            index < first.marks || (mark.pid.is_some() && mark.at.is_some_and(|at| at < first.at))
        });
        findings.add(evidence, early);
    }
    let streams = [
        (StreamName::Stdout, &exit.stdout, first.map_or(0, |first| first.stdout)),
        (StreamName::Stderr, &exit.stderr, first.map_or(0, |first| first.stderr)),
    ];
    for (stream, captured, boundary) in streams {
        findings.not_looked_at += captured.left_out();
        look_at_lines(&mut findings, stream, captured, boundary, label);
    }
    if killed_by_default(exit) {
        let (lines, rest) =
            findings.valid.into_iter().partition(|evidence| matches!(evidence.source, Source::Line { .. }));
        findings.on_their_way = lines;
        findings.valid = rest;
    }
    for check in exit.checks.iter().filter(|check| check.label == label) {
        if check.held {
            findings.valid.push(Evidence { source: Source::Check, at: None });
        } else {
            findings.check_failed = true;
        }
    }
    findings
}

/// Whether the first signal killed the target by its default action, so that no code of it ran after.
fn killed_by_default(exit: &Exit) -> bool {
    let first = exit.timeline.iter().find_map(|event| match event.what {
        What::Sent { signal, disposition } => Some((signal, disposition)),
        _ => None,
    });
    match (&exit.ending, first) {
        (Ending::Signal { signal, .. }, Some((first, Some(Disposition::Default)))) => *signal == first,
        _ => false,
    }
}

impl Findings {
    fn add(&mut self, evidence: Evidence, early: bool) {
        if early {
            self.too_early.push(evidence);
        } else {
            self.valid.push(evidence);
        }
    }
}

fn look_at_lines(
    findings: &mut Findings,
    stream: StreamName,
    captured: &Captured,
    boundary: u64,
    label: &str,
) {
    for line in captured.lines().into_iter().filter(|line| line.complete) {
        let before = usize::try_from(boundary.saturating_sub(line.offset)).unwrap_or(usize::MAX);
        let after = line.text.get(before..).unwrap_or_default();
        let contains = |bytes: &[u8]| memchr::memmem::find(bytes, label.as_bytes()).is_some();
        if !contains(line.text) {
            continue;
        }
        let text = String::from_utf8_lossy(line.text).into_owned();
        let end = line.offset + line.text.len() as u64;
        let evidence = Evidence { source: Source::Line { stream, text }, at: captured.arrived(end) };
        findings.add(evidence, !contains(after));
    }
}

/// Whether a guard was dropped by another process than armed it: a fork drops a copy, which says
/// nothing of the guard itself.
fn is_of_a_copy(exit: &Exit, dropped: &Mark) -> bool {
    matches!(dropped.kind, MarkKind::Dropped | MarkKind::DroppedUnwinding)
        && !exit.marks.iter().any(|mark| {
            mark.kind == MarkKind::Armed && mark.label == dropped.label && mark.pid == dropped.pid
        })
}

/// What became of the drop guards of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    pub(crate) armed: usize,
    pub(crate) dropped: usize,
    /// Copies of them that forks dropped.
    pub(crate) copies: usize,
}

/// Counts the drop guards of `label`.
pub(crate) fn of_guards(exit: &Exit, label: &str) -> Guards {
    let mut guards = Guards::default();
    for mark in exit.marks.iter().filter(|mark| mark.label == label.as_bytes()) {
        match mark.kind {
            MarkKind::Armed => guards.armed += 1,
            MarkKind::Dropped | MarkKind::DroppedUnwinding if is_of_a_copy(exit, mark) => guards.copies += 1,
            MarkKind::Dropped | MarkKind::DroppedUnwinding => guards.dropped += 1,
            MarkKind::Mark | MarkKind::Hook => {}
        }
    }
    guards
}

/// Where `text` was found in the output: the streams, and whether all of both was kept.
pub(crate) fn of_output(exit: &Exit, text: &str) -> (Vec<StreamName>, u64) {
    let streams = [(StreamName::Stdout, &exit.stdout), (StreamName::Stderr, &exit.stderr)];
    let found = streams
        .iter()
        .filter(|(_, captured)| {
            captured.parts().iter().any(|(_, part)| memchr::memmem::find(part, text.as_bytes()).is_some())
        })
        .map(|(name, _)| *name)
        .collect();
    (found, exit.stdout.left_out() + exit.stderr.left_out())
}
