//! Marks, checks and output lines, weighed for a label.
//!
//! Where the script delivered a signal, clean-up counts only after the first delivery: what a program
//! prints or marks before it is told to leave proves nothing about its leaving.

mod guards;
mod order;

pub(crate) use guards::{Guards, Undropped, of_all_guards, of_guards};
pub(crate) use order::{Channel, Order, of_order};

use std::time::Duration;

use crate::exit::{Disposition, Ending, Exit, Mark, MarkKind, Outputs};
use crate::script::StreamName;
use crate::stream::Captured;

use guards::Armed;

/// One thing that speaks for a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) source: Source,
    pub(crate) at: Option<Duration>,
}

/// Where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Mark { pid: Option<i32>, thread: Option<i32> },
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
    /// Guards that a fork dropped, which were not its own: no evidence, but code that ran.
    pub(crate) of_copies: Vec<Evidence>,
    /// Lines without an end: no evidence that it ran, but that it ran once more.
    pub(crate) unfinished: Vec<Evidence>,
    /// A check of this label that did not hold.
    pub(crate) check_failed: bool,
    /// Bytes of output that were not kept, and so not looked at.
    pub(crate) not_looked_at: u64,
}

/// Looks for evidence that the clean-up `label` ran.
pub(crate) fn of_cleanup(exit: &Exit, label: &str) -> Findings {
    let mut findings = Findings::default();
    let first = exit.first_delivery.as_ref();
    let armed = Armed::of(exit);
    for (index, mark) in exit.marks.iter().enumerate() {
        if mark.kind == MarkKind::Armed || mark.label != label.as_bytes() {
            continue;
        }
        let source = Source::Mark { pid: mark.pid, thread: mark.thread };
        let evidence = Evidence { source, at: mark.at };
        if armed.is_of_a_copy(mark) {
            findings.of_copies.push(evidence);
        } else {
            findings.add(evidence, is_early(exit, index, mark));
        }
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

/// Whether this mark, by its place in the file, was made before the first signal was sent.
fn is_early(exit: &Exit, index: usize, mark: &Mark) -> bool {
    exit.first_delivery.as_ref().is_some_and(|first| {
        index < first.marks || (mark.pid.is_some() && mark.at.is_some_and(|at| at < first.at))
    })
}

/// Whether the first signal killed the target by its default action, so that no code of it ran after. Others
/// that got it as well may have had their own ways to take it.
fn killed_by_default(exit: &Exit) -> bool {
    let first = exit.first_delivery.as_ref().filter(|first| !first.delivery.is_to_group());
    let first = first.and_then(|first| first.delivery.signal());
    match (&exit.ending, first) {
        (Ending::Signal { signal, .. }, Some((first, Some(Disposition::Default)))) => *signal == first,
        _ => false,
    }
}

impl Findings {
    /// Every time that the clean-up ran, whether it counts as evidence or not, by the kind of witness: one
    /// run of it may well be told by a mark, by a line and by a check.
    pub(crate) fn occurrences(&self) -> [Vec<&Evidence>; 3] {
        let kinds = [&self.too_early, &self.valid, &self.on_their_way, &self.of_copies, &self.unfinished];
        let mut all: Vec<&Evidence> = kinds.into_iter().flatten().collect();
        all.sort_by_key(|evidence| evidence.at.unwrap_or(Duration::MAX));
        let of = |wanted: fn(&Source) -> bool| {
            all.iter().copied().filter(|evidence| wanted(&evidence.source)).collect::<Vec<_>>()
        };
        [
            of(|source| matches!(source, Source::Mark { .. })),
            of(|source| matches!(source, Source::Line { stream: StreamName::Stdout, .. })),
            of(|source| matches!(source, Source::Line { stream: StreamName::Stderr, .. })),
        ]
    }

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
    for line in captured.lines() {
        let before = usize::try_from(boundary.saturating_sub(line.offset)).unwrap_or(usize::MAX);
        let after = line.text.get(before..).unwrap_or_default();
        let contains = |bytes: &[u8]| place_in(bytes, label.as_bytes()).is_some();
        if !contains(line.text) {
            continue;
        }
        let text = String::from_utf8_lossy(line.text).into_owned();
        let end = line.offset + line.text.len() as u64;
        let evidence = Evidence { source: Source::Line { stream, text }, at: captured.arrived(end) };
        if line.complete {
            findings.add(evidence, !contains(after));
        } else {
            findings.unfinished.push(evidence);
        }
    }
}

/// Where a label stands in what is left of a line, whose end is not among its bytes. A label with a newline at its
/// end stands there where the line ends with the rest.
fn place_in(line: &[u8], label: &[u8]) -> Option<usize> {
    let Some(rest) = label.strip_suffix(b"\n") else { return memchr::memmem::find(line, label) };
    let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
    // Every line ends.
    (!rest.is_empty() && line.ends_with(rest)).then(|| line.len() - rest.len())
}

/// Where `text` was found in the output: the streams, and whether all of both was kept. A line ends otherwise where it
/// came from a terminal.
pub(crate) fn of_output(exit: &Exit, text: &str) -> (Vec<StreamName>, u64) {
    let at_terminal =
        (exit.outputs == Outputs::Terminal).then(|| text.replace("\r\n", "\n").replace('\n', "\r\n"));
    let contains = |part: &[u8]| {
        let texts = [Some(text), at_terminal.as_deref()];
        texts.into_iter().flatten().any(|text| memchr::memmem::find(part, text.as_bytes()).is_some())
    };
    let streams = [(StreamName::Stdout, &exit.stdout), (StreamName::Stderr, &exit.stderr)];
    let found = streams
        .iter()
        .filter(|(_, captured)| captured.parts().iter().any(|(_, part)| contains(part)))
        .map(|(name, _)| *name)
        .collect();
    (found, exit.stdout.left_out() + exit.stderr.left_out())
}
