//! The facts of a run, printed: the timeline, what was still running, both streams, what was left.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use crate::exit::{Event, Exit, MarkKind, Outputs, Stuck, What};
use crate::stream::{Captured, Line};
use crate::tree::{Fate, Member, Received, Sender};

use super::text::{SHOWN_EVENTS, SHOWN_LINE, count, duration, milliseconds, stream, visible};
use super::{delivery, field};

/// The timeline, both streams, and what was left.
pub(super) fn facts(out: &mut String, exit: &Exit) {
    for (name, context) in &exit.context {
        field(out, &visible(name.as_bytes(), SHOWN_LINE), context);
    }
    out.push_str("  timeline:\n");
    timeline(out, exit);
    stuck(out, exit);
    let line_end: &[u8] = match exit.outputs {
        Outputs::Apart => b"\n",
        Outputs::Terminal => b"\r\n",
    };
    for (name, captured) in outputs(exit) {
        stream(out, name, captured, line_end);
    }
    if let Some(threads) = &exit.threads_left {
        let _ = writeln!(out, "  threads that still ran: {}", visible(threads.as_bytes(), SHOWN_LINE));
    }
    tree(out, exit);
    if exit.leftover_count > 0 {
        let _ =
            writeln!(out, "  left behind and killed: {}", count(exit.leftover_count, "process", "processes"));
        for leftover in exit.leftovers.iter().take(SHOWN_EVENTS) {
            let _ = writeln!(
                out,
                "    {} (parent {}, state {}{}): {}",
                leftover.pid,
                leftover.parent,
                leftover.state,
                leftover.age.map_or_else(String::new, |age| format!(", {} old", duration(age))),
                visible(leftover.command.as_bytes(), SHOWN_LINE)
            );
        }
    }
    // The runner adds a newline of its own.
    out.truncate(out.trim_end().len());
}

/// The streams that there were, by name.
fn outputs(exit: &Exit) -> Vec<(&'static str, &Captured)> {
    match exit.outputs {
        Outputs::Apart => vec![("stdout", &exit.stdout), ("stderr", &exit.stderr)],
        Outputs::Terminal => vec![("terminal", &exit.stdout)],
    }
}

/// Who received a signal, and from whom.
fn received_by(received: &Received, exit: &Exit) -> String {
    let started = |event: &Event| matches!(event.what, What::Started { pid } if pid == received.to);
    let to = match exit.timeline.iter().any(started) {
        true => "the target".to_owned(),
        false => format!("process {}", received.to),
    };
    let from = match received.from {
        Sender::Itself => "itself".to_owned(),
        Sender::Target => "the target".to_owned(),
        Sender::Relative { pid } => format!("process {pid}, which came from the target"),
        Sender::Kernel => "the kernel".to_owned(),
        Sender::Stranger { pid } => format!("process {pid}, which is none of this run"),
    };
    format!("{} received by {to} from {from}", received.signal)
}

/// One process of the tree, in a line.
pub(crate) fn member(out: &mut impl Write, member: &Member) -> std::fmt::Result {
    let parent = match (member.parent, &member.fate) {
        (Some(parent), _) => format!("made by {parent}"),
        (None, Fate::NeverWaitedFor(_)) => "the target's, or an orphan".to_owned(),
        (None, _) => "an orphan".to_owned(),
    };
    let fate = match &member.fate {
        Fate::Ended(ending) => ending.to_string(),
        Fate::NeverWaitedFor(ending) => format!("{ending}, and nobody waited for it"),
        Fate::LeftBehind => "left behind and killed".to_owned(),
    };
    write!(out, "{} ({parent}): {}: {fate}", member.pid, visible(member.command.as_bytes(), SHOWN_LINE))
}

/// Processes of the tree, each in a line.
pub(crate) fn members<'a>(of: impl Iterator<Item = &'a Member>) -> Vec<String> {
    of.map(ToString::to_string).collect()
}

/// The tree, where it was traced or where somebody was not waited for.
fn tree(out: &mut String, exit: &Exit) {
    let tree = exit.tree();
    if tree.members.is_empty() || !(tree.complete || tree.zombies().next().is_some()) {
        return;
    }
    out.push_str("  processes that came from it:\n");
    for one in tree.members.iter().take(SHOWN_EVENTS) {
        out.push_str("    ");
        let _ = member(out, one);
        out.push('\n');
    }
    let more = tree.members.len().saturating_sub(SHOWN_EVENTS) + tree.left_out;
    if more > 0 {
        let _ = writeln!(out, "    … {more} more …");
    }
}

/// What was still running at the deadline, and what it waited for.
pub(super) fn stuck(out: &mut String, exit: &Exit) {
    if exit.stuck.is_empty() {
        return;
    }
    out.push_str("  still running:\n");
    if exit.in_exit_hook {
        out.push_str(match exit.hooks_ran {
            Some(_) => "    the function has left, and its process is in an exit hook\n",
            None => {
                "    the target has called `exit` or returned from `main`, and is in an exit hook or in its last flush\n"
            }
        });
    }
    for process in &exit.stuck {
        let _ =
            writeln!(out, "    process {}: {}", process.pid, visible(process.command.as_bytes(), SHOWN_LINE));
        for thread in process.threads.iter().take(SHOWN_EVENTS) {
            let doing = match (&thread.call, thread.state) {
                (_, 'T' | 't') => "stopped by a signal".to_owned(),
                (Some(call), _) => format!("waits in {}", visible(call.as_bytes(), SHOWN_LINE)),
                (None, 'R') => "runs".to_owned(),
                (None, 'Z' | 'X') => "has ended".to_owned(),
                (None, state) => format!("is in state {state}"),
            };
            let _ = writeln!(
                out,
                "      thread {} ({}) {doing}",
                thread.thread,
                visible(thread.name.as_bytes(), 32)
            );
        }
        if process.threads.len() > SHOWN_EVENTS {
            let _ = writeln!(out, "      … {} more threads …", process.threads.len() - SHOWN_EVENTS);
        }
        if process.is_deadlocked() {
            out.push_str("      it cannot go on: every thread waits for a lock inside this process");
            if !process.handlers.is_empty() {
                let handlers: Vec<String> = process.handlers.iter().map(ToString::to_string).collect();
                let _ = write!(
                    out,
                    ", unless a signal comes whose handler releases one (it has handlers for {})",
                    handlers.join(", ")
                );
            }
            out.push('\n');
        }
        backtrace(out, process);
    }
    if exit.stuck_left_out > 0 {
        let _ = writeln!(out, "    … {} more …", count(exit.stuck_left_out, "process", "processes"));
    }
}

/// What gdb told of a process.
fn backtrace(out: &mut String, process: &Stuck) {
    const MOST: usize = 100;
    let Some(backtrace) = &process.backtrace else { return };
    out.push_str("      backtraces:\n");
    for line in backtrace.lines().take(MOST) {
        let _ = writeln!(out, "        {}", visible(line.as_bytes(), SHOWN_FRAME));
    }
    let rest = backtrace.lines().count().saturating_sub(MOST);
    if rest > 0 {
        let _ = writeln!(out, "        … {} more lines …", rest);
    }
}

/// So many bytes of a gate's name are shown: it may have many parts.
const SHOWN_GATE: usize = 1024;

/// So many bytes of a frame are shown: names of generic functions are long.
const SHOWN_FRAME: usize = 240;

/// The lines of a stream that may come to stand at the beginning or at the end of the timeline, and how many
/// there are in between: there may be millions.
fn first_and_last<'a>(mut lines: impl Iterator<Item = Line<'a>>) -> (Vec<Line<'a>>, usize) {
    let mut shown: Vec<Line<'a>> = lines.by_ref().take(SHOWN_EVENTS).collect();
    let mut last = VecDeque::with_capacity(SHOWN_EVENTS);
    let mut between = 0;
    for line in lines {
        if last.len() == SHOWN_EVENTS {
            last.pop_front();
            between += 1;
        }
        last.push_back(line);
    }
    shown.extend(last);
    (shown, between)
}

pub(super) fn timeline(out: &mut String, exit: &Exit) {
    // (time, order among equals, text)
    let mut events: Vec<(Option<Duration>, u8, String)> = Vec::new();
    for event in &exit.timeline {
        let (order, text) = match &event.what {
            What::Started { pid } => (0, format!("started, process {pid}")),
            What::Ready { gate } => (3, format!("ready: {}", visible(gate.as_bytes(), SHOWN_GATE))),
            What::Delivered { delivery } => (4, delivery::event(delivery)),
            What::StillPending { signal } => {
                let sent = |event: &&Event| match &event.what {
                    What::Delivered { delivery } => {
                        delivery.signal().is_some_and(|(sent, _)| sent == *signal)
                    }
                    _ => false,
                };
                let taken = match exit.timeline.iter().filter(sent).count() {
                    0 | 1 => "it was never taken",
                    _ => "not all that were sent were taken",
                };
                (5, format!("{signal} was still pending: {taken}"))
            }
            What::Received(received) => (4, received_by(received, exit)),
            What::GaveUp => (5, "the harness gave up waiting".to_owned()),
            What::Ended { ending } => (6, format!("ended: {ending}")),
        };
        events.push((Some(event.at), order, text));
    }
    let mut not_listed = 0;
    for (name, captured) in outputs(exit) {
        let (lines, between) = first_and_last(captured.lines());
        not_listed += between;
        for line in lines {
            let text = format!("{name}: {}", visible(line.text, SHOWN_LINE));
            let arrived = captured.arrived(line.offset + line.text.len().max(1) as u64 - 1);
            // What was read after the end was written before it.
            events.push((arrived.map(|at| at.min(exit.duration)), 1, text));
        }
    }
    for mark in &exit.marks {
        let label = visible(&mark.label, SHOWN_LINE);
        let text = match mark.kind {
            MarkKind::Mark => format!("mark: {label}"),
            MarkKind::Armed => format!("guard armed: {label}"),
            MarkKind::Dropped => format!("guard dropped: {label}"),
            MarkKind::DroppedUnwinding => format!("guard dropped while unwinding: {label}"),
            MarkKind::Hook => format!("exit hook: {label}"),
        };
        events.push((mark.at, 2, text));
    }
    // What has no time stands at the end, where it was found.
    events.sort_by_key(|(at, order, _)| (at.unwrap_or(Duration::MAX), *order));
    let last = events.len();
    for (index, (at, _, text)) in events.iter().enumerate() {
        if index == SHOWN_EVENTS && last > 2 * SHOWN_EVENTS {
            let _ = writeln!(out, "              … {} more …", last + not_listed - 2 * SHOWN_EVENTS);
        }
        if index >= SHOWN_EVENTS && index < last.saturating_sub(SHOWN_EVENTS) {
            continue;
        }
        let time = at.map_or_else(|| "?".to_owned(), milliseconds);
        let _ = writeln!(out, "    {time:>10} ms  {text}");
    }
}
