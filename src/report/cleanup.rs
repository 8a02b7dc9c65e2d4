//! How often clean-up ran and in which order, and which drop guards were left.

use crate::evidence::{Channel, Evidence, Findings, Order, Source, Undropped};
use crate::exit::Exit;
use crate::script::StreamName;

use super::delivery::was_done;
use super::expectation::{evidence, similar};
use super::text::{SHOWN_EVENTS, SHOWN_LINE, count, milliseconds, visible};

/// Every time that a clean-up ran which is to run once.
pub(crate) fn ran_oftener(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    for occurrences in findings.occurrences() {
        if occurrences.len() < 2 {
            continue;
        }
        let line = matches!(occurrences[0].source, Source::Line { .. });
        let (one, many) = if line { ("line", "lines") } else { ("mark", "marks") };
        let mut text = format!("it ran more than once: {}", count(occurrences.len(), one, many));
        for occurrence in occurrences.iter().take(SHOWN_EVENTS) {
            text.push('\n');
            text.push_str(&evidence(occurrence));
            if findings.of_copies.contains(occurrence) {
                text.push_str(", which dropped the copy of a guard that another process had armed");
            }
        }
        if occurrences.len() > SHOWN_EVENTS {
            text.push_str(&format!("\n… {} more …", occurrences.len() - SHOWN_EVENTS));
        }
        notes.push(text);
        notes.extend(by_several_processes(&occurrences));
        if line {
            notes.push(
                "a line comes twice also where a fork inherits it in a buffer and both processes flush that; a mark \
                 (`exeunt::probe::mark`) tells which process was there"
                    .to_owned(),
            );
        }
    }
    notes
}

/// That marks are of more processes than one, which is how a child goes on where it should have left.
fn by_several_processes(occurrences: &[&Evidence]) -> Option<String> {
    let mut pids: Vec<i32> = occurrences
        .iter()
        .filter_map(|evidence| match evidence.source {
            Source::Mark { pid, .. } => pid,
            Source::Line { .. } | Source::Check => None,
        })
        .collect();
    pids.sort_unstable();
    pids.dedup();
    (pids.len() > 1).then(|| {
        format!(
            "{} did: a forked child that does not leave by itself goes on into the code of its parent",
            count(pids.len(), "process", "processes")
        )
    })
}

/// An order of labels, as it is expected.
pub(crate) fn order_expectation(labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
    format!("the clean-up runs in this order: {}", labels.join(", "))
}

/// The order that was expected and those that were seen, as differences.
pub(crate) fn order_seen(
    exit: &Exit,
    labels: &[String],
    expected: &[(usize, usize)],
    orders: &[Order],
) -> Vec<String> {
    let mut notes = Vec::new();
    let has = |order: &Order, label: usize| order.seen.iter().any(|(seen, _)| *seen == label);
    for order in orders.iter().filter(|order| !order.seen.is_empty()) {
        let place = match order.channel {
            Channel::Marks => "the marks say otherwise".to_owned(),
            Channel::Lines(stream) => format!("{stream} says otherwise"),
        };
        notes.push(format!(
            "{place} (- expected, + seen):\n{}",
            difference(labels, expected, &order.seen).join("\n")
        ));
    }
    let missing: Vec<String> = expected
        .iter()
        .filter(|(label, _)| !orders.iter().any(|order| has(order, *label)))
        .map(|(label, _)| quoted(&labels[*label]))
        .collect();
    if !missing.is_empty() {
        let since = exit
            .first_delivery
            .as_ref()
            .map_or_else(String::new, |first| format!(" after {}", was_done(&first.delivery)));
        notes.push(format!("there is no evidence{since} that {} ran", missing.join(" and ")));
        let missing = expected.iter().filter(|(label, _)| !orders.iter().any(|order| has(order, *label)));
        notes.extend(missing.filter_map(|(label, _)| similar(exit, &labels[*label], labels)));
    } else if !orders.iter().any(|order| expected.iter().all(|(label, _)| has(order, *label))) {
        notes.push(
            "they are told in different places, and the order of a mark and a line, or of stdout and stderr, is not \
             known: let all of them be marks"
                .to_owned(),
        );
    }
    for order in orders.iter().filter(|order| order.not_looked_at > 0) {
        if let Channel::Lines(StreamName::Stdout | StreamName::Stderr) = order.channel {
            notes.push(super::not_kept(order.not_looked_at));
        }
    }
    notes
}

/// The longest common part of both orders stays, the rest is lacking (`-`) or too much (`+`).
fn difference(labels: &[String], expected: &[(usize, usize)], seen: &[(usize, usize)]) -> Vec<String> {
    let shown = &seen[..seen.len().min(10 * SHOWN_EVENTS)];
    let same = |i: usize, j: usize| expected[i].0 == shown[j].0 && shown[j].1 >= expected[i].1;
    // common[i][j]: how much the orders from i and j on have in common.
    let mut common = vec![vec![0_usize; shown.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..shown.len()).rev() {
            common[i][j] =
                if same(i, j) { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let line = |sign: char, (label, times): (usize, usize)| {
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        format!("{sign} {}{times}", quoted(&labels[label]))
    };
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < expected.len() || j < shown.len() {
        if i < expected.len() && j < shown.len() && same(i, j) {
            lines.push(line(' ', shown[j]));
            (i, j) = (i + 1, j + 1);
        } else if j == shown.len() || (i < expected.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(line('-', expected[i]));
            i += 1;
        } else {
            lines.push(line('+', shown[j]));
            j += 1;
        }
    }
    let not_shown = seen.len() - shown.len();
    if not_shown > 0 {
        lines.push(format!("… {not_shown} more …"));
    }
    lines
}

fn quoted(label: &str) -> String {
    format!("\"{}\"", visible(label.as_bytes(), SHOWN_LINE))
}

/// What became of all drop guards.
pub(crate) fn undropped(armed: usize, open: &[Undropped<'_>]) -> Vec<String> {
    if armed == 0 {
        return vec!["no guard was armed (`exeunt::probe::on_drop`), so that none shows anything".to_owned()];
    }
    let never: usize = open.iter().map(|guards| guards.number).sum();
    let mut text = format!("{} armed, and {never} never dropped:", count(armed, "guard was", "guards were"));
    for guards in open.iter().take(SHOWN_EVENTS) {
        let mark = guards.armed;
        text.push_str(&format!("\n\"{}\"", visible(&mark.label, SHOWN_LINE)));
        if guards.number > 1 {
            text.push_str(&format!(" ({} of this label)", guards.number));
        }
        if let Some(place) = &mark.place {
            text.push_str(&format!(", armed in {}", visible(place.as_bytes(), SHOWN_LINE)));
        }
        if let (Some(at), Some(pid), Some(thread)) = (mark.at, mark.pid, mark.thread) {
            text.push_str(&format!(" at {} ms by thread {thread} of process {pid}", milliseconds(at)));
        }
    }
    if open.len() > SHOWN_EVENTS {
        text.push_str(&format!("\n… {} more labels …", open.len() - SHOWN_EVENTS));
    }
    vec![text]
}

/// How many processes are expected to outlive the target.
pub(crate) fn leftovers_expectation(number: usize) -> String {
    match number {
        0 => "no process outlives it".to_owned(),
        _ => format!("{} it", count(number, "process outlives", "processes outlive")),
    }
}

/// How many did; which ones the report shows below.
pub(crate) fn leftovers_found(exit: &Exit) -> String {
    match exit.leftover_count {
        0 => "none did".to_owned(),
        number => format!("{} (see below)", count(number, "process did", "processes did")),
    }
}
