//! Every word that a failing test prints. What passes and what fails is decided elsewhere.

use std::ffi::OsString;
use std::fmt::{Display, Write};
use std::io;
use std::time::Duration;

use predicates_core::Predicate;
use predicates_core::reflection::Case;

use crate::error::{Error, Kind, Undelivered};
use crate::evidence::{Evidence, Findings, Guards, Source};
use crate::exit::{Disposition, Ending, Exit, How, MarkKind, What};
use crate::signal::{SIGKILL, SIGPIPE, Signal};
use crate::stream::Captured;

/// Of each stream so many bytes are shown at its beginning and at its end.
const SHOWN_HEAD: usize = 2 * 1024;
const SHOWN_TAIL: usize = 2 * 1024;

/// So many lines, marks and other events of a timeline are shown at its beginning and at its end.
const SHOWN_EVENTS: usize = 20;

/// So many bytes of a line or a label are shown on the timeline.
const SHOWN_LINE: usize = 120;

/// What was expected, and what speaks against it.
#[derive(Debug, Default)]
pub(crate) struct Mismatch {
    expected: String,
    notes: Vec<String>,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), notes: Vec::new() }
    }

    pub(crate) fn and(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn and_if(self, condition: bool, note: impl FnOnce() -> String) -> Self {
        if condition { self.and(note()) } else { self }
    }

    pub(crate) fn and_all(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// The report of an assertion that does not hold.
pub(crate) fn mismatch(exit: &Exit, mismatch: &Mismatch) -> String {
    let mut out = format!("{}: not the expected exit\n", exit.subject);
    field(&mut out, "expected", &mismatch.expected);
    field(&mut out, "happened", &happened(exit));
    for note in &mismatch.notes {
        field(&mut out, "because", note);
    }
    for hint in hints(exit) {
        field(&mut out, "hint", &hint);
    }
    facts(&mut out, exit);
    out
}

fn field(out: &mut String, name: &str, text: &str) {
    let mut lines = text.lines();
    let _ = writeln!(out, "  {name}: {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "            {line}");
    }
}

/// How it ended, with what led there as far as it is known.
fn happened(exit: &Exit) -> String {
    let mut text = exit.ending.to_string();
    if let Some(last) = exit.last_signal {
        let after = exit.duration.saturating_sub(last.at);
        let _ = write!(text, ", {} after {} was sent", duration(after), last.signal);
    } else if !matches!(exit.ending, Ending::TimedOut { .. }) {
        let _ = write!(text, ", {} after its start", duration(exit.duration));
    }
    match &exit.how {
        None => {}
        Some(How::Returned) => text.push_str("; the function returned"),
        Some(How::Exited) => text.push_str("; the function called `exit`"),
        Some(How::ExitedImmediately) => text.push_str("; the function ended its process without exit hooks"),
        Some(How::Panicked { message, location }) => {
            text.push_str("; the function panicked");
            push_panic(&mut text, message, location.as_deref());
        }
    }
    if let (None | Some(How::Returned | How::Exited | How::ExitedImmediately), Some(noted)) =
        (&exit.how, &exit.noted_panic)
    {
        text.push_str("; before, it panicked");
        push_panic(&mut text, &noted.message, noted.location.as_deref());
    }
    text
}

fn push_panic(text: &mut String, message: &str, location: Option<&str>) {
    if let Some(location) = location {
        let _ = write!(text, " at {location}");
    }
    let _ = write!(text, ":\n{message}");
}

/// What is known of causes that people run into.
fn hints(exit: &Exit) -> Vec<String> {
    let mut hints = Vec::new();
    let sent = exit.timeline.iter().rev().find_map(|event| match event.what {
        What::Sent { signal, disposition } => Some((signal, disposition)),
        _ => None,
    });
    match (&exit.ending, sent) {
        (Ending::Signal { signal, .. }, Some((last, Some(Disposition::Default)))) if *signal == last => {
            let mut text = format!(
                "{signal} had its default action: the target had installed no handler when it was sent. If it \
                 installs one later, wait for that with `.ready_when(Ready::handler({}))`",
                signal.name().unwrap_or_else(|| signal.number().to_string())
            );
            if exit.leftover_count > 0 {
                text.push_str(
                    ". It went to the process that was started and not to those that it started, which outlived \
                     it: a shell passes no signal on (start the program with `exec`)",
                );
            }
            hints.push(text);
        }
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Ignored)))) => hints.push(format!(
            "the target ignores {signal}. exeunt starts it with every signal at its default action, so it, or \
             a wrapper such as nohup, has chosen that"
        )),
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Blocked)))) => {
            hints.push(format!("every thread of the target blocks {signal}, and none waits for it"));
        }
        (Ending::Signal { signal, .. }, sent) if *signal == SIGKILL && sent.is_none_or(|(last, _)| last != SIGKILL) => {
            hints.push(format!(
                "{SIGKILL} was not sent by the script or the harness: the target itself, another process, or the \
                 kernel for want of memory"
            ));
        }
        (Ending::Signal { signal, .. }, _) if *signal == SIGPIPE => hints.push(
            "the target wrote to a pipe that nobody reads, such as one of its own".to_owned(),
        ),
        (Ending::Code(code), _) => hints.extend(code_hint(exit, *code)),
        _ => {}
    }
    hints
}

/// What an exit code usually means, where it is not the program's own.
fn code_hint(exit: &Exit, code: i32) -> Option<String> {
    match code {
        101 if !matches!(exit.how, Some(How::Panicked { .. })) && exit.how.is_some() => {
            Some("101 is also the code of a panic, but the function did not panic".to_owned())
        }
        126 => Some("126 is what a shell returns for a command that it could not execute".to_owned()),
        127 => Some("127 is what a shell returns for a command that it did not find".to_owned()),
        129..=192 => {
            let signal = Signal::try_from(code - 128).ok()?;
            let memory = if signal == SIGKILL { ", as the kernel does for want of memory" } else { "" };
            Some(format!(
                "{code} is 128 + {}: so a shell says that {signal} killed its child{memory}. The process that was \
                 started was not killed, it left with a code",
                signal.number()
            ))
        }
        _ => None,
    }
}

/// The timeline, both streams, and what was left.
fn facts(out: &mut String, exit: &Exit) {
    out.push_str("  timeline:\n");
    timeline(out, exit);
    stuck(out, exit);
    stream(out, "stdout", &exit.stdout);
    stream(out, "stderr", &exit.stderr);
    if exit.leftover_count > 0 {
        let _ =
            writeln!(out, "  left behind and killed: {}", count(exit.leftover_count, "process", "processes"));
        for leftover in exit.leftovers.iter().take(SHOWN_EVENTS) {
            let _ = writeln!(
                out,
                "    {} (parent {}, state {}): {}",
                leftover.pid,
                leftover.parent,
                leftover.state,
                visible(leftover.command.as_bytes(), SHOWN_LINE)
            );
        }
    }
    // The runner adds a newline of its own.
    out.truncate(out.trim_end().len());
}

/// What a target would have done with a signal when it was sent.
const fn disposition_note(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Default => ", which had its default action: no handler was installed",
        Disposition::Ignored => ", which the target ignored",
        Disposition::Handled => ", for which a handler was installed",
        Disposition::Blocked => ", which every thread blocked and nobody waited for",
        Disposition::WaitedFor => ", for which a thread waited",
        Disposition::HeldBySignalfd => ", which a signalfd took",
    }
}

/// What was still running at the deadline, and what it waited for.
fn stuck(out: &mut String, exit: &Exit) {
    if exit.stuck.is_empty() {
        return;
    }
    out.push_str("  still running:\n");
    for process in &exit.stuck {
        let _ =
            writeln!(out, "    process {}: {}", process.pid, visible(process.command.as_bytes(), SHOWN_LINE));
        for thread in process.threads.iter().take(SHOWN_EVENTS) {
            let doing = match (&thread.call, thread.state) {
                (_, 'T' | 't') => "stopped by a signal".to_owned(),
                (Some(call), _) => format!("waits in {}", visible(call.as_bytes(), SHOWN_LINE)),
                (None, 'R') => "runs".to_owned(),
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
            out.push_str("      it cannot go on: every thread waits for a lock inside this process\n");
        }
    }
}

fn timeline(out: &mut String, exit: &Exit) {
    // (time, order among equals, text)
    let mut events: Vec<(Option<Duration>, u8, String)> = Vec::new();
    for event in &exit.timeline {
        let (order, text) = match &event.what {
            What::Started { pid } => (0, format!("started, process {pid}")),
            What::Ready { gate } => (3, format!("ready: {gate}")),
            What::Sent { signal, disposition } => {
                (4, format!("{signal} sent{}", disposition.map_or("", disposition_note)))
            }
            What::StillPending { signal } => (5, format!("{signal} was still pending: it was never taken")),
            What::GaveUp => (5, "the harness gave up waiting".to_owned()),
            What::Ended { ending } => (6, format!("ended: {ending}")),
        };
        events.push((Some(event.at), order, text));
    }
    for (name, captured) in [("stdout", &exit.stdout), ("stderr", &exit.stderr)] {
        for line in captured.lines() {
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
            let _ = writeln!(out, "              … {} more …", last - 2 * SHOWN_EVENTS);
        }
        if index >= SHOWN_EVENTS && index < last.saturating_sub(SHOWN_EVENTS) {
            continue;
        }
        let time = at.map_or_else(|| "?".to_owned(), milliseconds);
        let _ = writeln!(out, "    {time:>10} ms  {text}");
    }
}

fn stream(out: &mut String, name: &str, captured: &Captured) {
    if captured.total == 0 {
        let _ = writeln!(out, "  {name}: empty");
        return;
    }
    let _ = writeln!(out, "  {name} ({}):", count(captured.total, "byte", "bytes"));
    let kept = captured.kept();
    let all = captured.total;
    if captured.left_out() == 0 && kept.len() <= SHOWN_HEAD + SHOWN_TAIL {
        indented(out, &kept);
        return;
    }
    let (head, tail) = (SHOWN_HEAD.min(kept.len()), SHOWN_TAIL.min(kept.len().saturating_sub(SHOWN_HEAD)));
    indented(out, &kept[..head]);
    let _ = writeln!(out, "    … {} not shown …", count(all - (head + tail) as u64, "byte", "bytes"));
    indented(out, &kept[kept.len() - tail..]);
}

fn indented(out: &mut String, bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let ended = line.ends_with(b"\n");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let _ =
            writeln!(out, "    {}{}", visible(line, usize::MAX), if ended { "" } else { " (no newline)" });
    }
}

/// Text that is safe to print whatever the bytes: control characters and what is not UTF-8 are
/// escaped, and what is longer than `most` bytes is cut.
fn visible(bytes: &[u8], most: usize) -> String {
    let shown = &bytes[..bytes.len().min(most)];
    let mut out = String::with_capacity(shown.len());
    for chunk in shown.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && character != '\t' {
                out.extend(character.escape_default());
            } else {
                out.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    if shown.len() < bytes.len() {
        let _ = write!(out, "… ({} more)", count(bytes.len() - shown.len(), "byte", "bytes"));
    }
    out
}

/// A number with its noun.
fn count(number: impl Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun}")
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

/// A duration as a person says it.
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_millis(10) {
        let text = format!("{:.1}", time.as_secs_f64() * 1000.0);
        format!("{} ms", text.strip_suffix(".0").unwrap_or(&text))
    } else if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        let text = format!("{:.3}", time.as_secs_f64());
        format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// How a report calls the target: its name and its arguments.
pub(crate) fn subject(name: &str, arguments: &[OsString]) -> String {
    const MOST: usize = 160;
    let mut text = name.to_owned();
    if arguments.is_empty() {
        return text;
    }
    // Quoted only as far as it is shown: arguments may be megabytes.
    let mut quoted = String::new();
    for argument in arguments {
        if quoted.len() > MOST {
            break;
        }
        let bytes = argument.as_encoded_bytes();
        let argument = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST + 1)]);
        let plain = !argument.is_empty()
            && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c));
        quoted.push_str(if quoted.is_empty() { "" } else { " " });
        if plain {
            quoted.push_str(&argument);
        } else {
            let _ = write!(quoted, "{argument:?}");
        }
    }
    let arguments = if quoted.len() <= MOST {
        visible(quoted.as_bytes(), MOST)
    } else {
        let bytes: usize = arguments.iter().map(|argument| argument.len()).sum();
        while quoted.len() > MOST {
            quoted.pop();
        }
        format!("{}… ({} in all)", visible(quoted.as_bytes(), MOST), count(bytes, "byte", "bytes"))
    };
    match text.strip_suffix('`') {
        Some(program) if text.starts_with('`') => text = format!("{program} {arguments}`"),
        _ => text = format!("{text} with arguments {arguments}"),
    }
    text
}

/// A code that no process can have.
pub(crate) fn impossible_code(predicate: &impl Display) -> String {
    format!(
        "exeunt: no process can end with {}: exit codes go from 0 to 255\n  (the kernel keeps the lowest eight \
         bits of what a program passes to `exit`; exeunt compares what arrives)",
        predicate.to_string().replace("var == ", "code ")
    )
}

/// The codes that a predicate accepts, where they are few; the predicate in its own words otherwise.
pub(crate) fn code_expectation(predicate: &(impl Predicate<i32> + Display)) -> String {
    const FEW: usize = 6;
    let accepted: Vec<String> =
        (0..=255).filter(|code| predicate.eval(code)).map(|code| code.to_string()).collect();
    if accepted.len() <= FEW {
        format!("exit code {}", accepted.join(" or "))
    } else {
        format!("an exit code for which {predicate}")
    }
}

/// What is expected of a stream; with the bytes, where the difference is.
pub(crate) fn stream_expectation(name: &str, predicate: &dyn Predicate<[u8]>, bytes: &[u8]) -> String {
    const MOST: usize = 4 * 1024;
    let case = predicate.find_case(false, bytes).map(|case| visible_lines(&describe_case(&case), MOST));
    match case {
        Some(text) if !text.trim().is_empty() => format!("of {name}:\n{text}"),
        _ => format!("of {name}: {}", visible_lines(&predicate.to_string(), MOST)),
    }
}

fn visible_lines(text: &str, most: usize) -> String {
    let mut cut = text.len().min(most);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut out: Vec<String> = text[..cut].lines().map(|line| visible(line.as_bytes(), usize::MAX)).collect();
    if cut < text.len() {
        out.push(format!("… {} more …", count(text.len() - cut, "byte", "bytes")));
    }
    out.join("\n")
}

/// The innermost predicates that did not hold, with their differences.
fn describe_case(case: &Case<'_>) -> String {
    let mut parts: Vec<String> = case.children().map(describe_case).filter(|text| !text.is_empty()).collect();
    if parts.is_empty() {
        if let Some(predicate) = case.predicate() {
            parts.push(predicate.to_string());
        }
    }
    for product in case.products() {
        parts.push(format!("{}: {}", product.name(), product.value()));
    }
    parts.join("\n")
}

/// That part of the output was not kept.
pub(crate) fn not_kept(bytes: u64) -> String {
    format!(
        "{} of the output were not kept, so this cannot be known; raise `capture_limit`",
        count(bytes, "byte", "bytes")
    )
}

/// Where evidence for a clean-up was looked for, and what came near.
pub(crate) fn where_it_looked(exit: &Exit, label: &str, findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    if label.is_empty() {
        notes.push("an empty label is everywhere and proves nothing".to_owned());
        return notes;
    }
    for evidence in &findings.too_early {
        notes.push(format!(
            "{}, but before {}, so it does not show that the signal led to it",
            self::evidence(evidence),
            exit.first_signal
                .map_or_else(|| "the signal".to_owned(), |first| format!("{} was sent", first.signal))
        ));
    }
    if findings.check_failed {
        notes.push("the `cleanup_check` of this label did not hold".to_owned());
    }
    if findings.not_looked_at > 0 {
        notes.push(not_kept(findings.not_looked_at));
    }
    if let Some(near) = nearest_label(exit, label) {
        notes.push(format!("there is a mark with a similar label: {near:?}"));
    }
    notes.push(format!(
        "looked at {}, {} of stdout, {} of stderr and {}{}",
        count(exit.marks.len(), "mark", "marks"),
        count(exit.stdout.lines().len(), "line", "lines"),
        count(exit.stderr.lines().len(), "line", "lines"),
        count(exit.checks.iter().filter(|check| check.label == label).count(), "check", "checks"),
        exit.first_signal.map_or_else(String::new, |first| format!(", after {} was sent", first.signal))
    ));
    notes
}

fn nearest_label(exit: &Exit, label: &str) -> Option<String> {
    const SIMILAR: f64 = 0.7;
    let labels = exit.marks.iter().map(|mark| mark.label().into_owned()).filter(|other| other != label);
    labels
        .map(|other| (strsim::normalized_damerau_levenshtein(&other, label), other))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

pub(crate) fn evidence(evidence: &Evidence) -> String {
    let at = evidence.at.map_or_else(String::new, |at| format!(" at {} ms", milliseconds(at)));
    match &evidence.source {
        Source::Mark => format!("a mark was made{at}"),
        Source::Line { stream, text } => {
            format!("{stream} said {:?}{at}", visible(text.as_bytes(), SHOWN_LINE))
        }
        Source::Check => "its `cleanup_check` held".to_owned(),
    }
}

pub(crate) fn guards(guards: Guards) -> String {
    match guards {
        Guards { armed: 0, dropped: 0 } => "no guard of this label was armed".to_owned(),
        Guards { armed, dropped } => {
            format!("{} armed, {dropped} dropped", count(armed, "guard was", "guards were"))
        }
    }
}

/// The words of an error.
pub(crate) fn error(error: &Error) -> String {
    match error.kind() {
        Kind::BadInput(text) => text.clone(),
        Kind::Unsupported(text) => format!("cannot run: {text}"),
        Kind::Arguments(text) => format!("could not pass the arguments to the function: {text}"),
        Kind::Start { subject, why } => format!("could not start {subject}: {why}"),
        Kind::NotFound { name, looked, near } => {
            let mut text = format!("could not start `{}`: no such program", name.to_string_lossy());
            if !near.is_empty() {
                let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
                let _ = write!(text, "; is it {}?", names.join(" or "));
            }
            for place in looked {
                let _ = write!(text, "\n  looked in {}", place.display());
            }
            text
        }
        Kind::Harness { operation, source } => match source {
            Some(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                format!("harness error: {operation}: {source}")
            }
            _ => format!("harness error: {operation}"),
        },
        Kind::NeverEntered(exit) => {
            let mut text = format!("{}: its process ended before the function was entered\n", exit.subject);
            field(&mut text, "happened", &happened(exit));
            facts(&mut text, exit);
            text
        }
        Kind::NotDelivered { step, due, why, gate, exit } => not_delivered(step, *due, *why, gate, exit),
    }
}

fn not_delivered(
    step: &str,
    due: Option<Duration>,
    why: Undelivered,
    gate: &[String],
    exit: &Exit,
) -> String {
    let mut text = format!("{}: the script was not carried out\n", exit.subject);
    let due = due.map_or_else(String::new, |due| format!(", due {} ms after the start", milliseconds(due)));
    field(&mut text, "not reached", &format!("{step}{due}"));
    let reason = match why {
        Undelivered::TargetEnded => format!(
            "the target had ended {} ms after the start: {} (`allow_early_end` accepts that)",
            milliseconds(exit.duration),
            exit.ending
        ),
        Undelivered::Deadline => "the deadline came before".to_owned(),
        Undelivered::Refused(errno) => {
            format!("the kernel refused the signal: {}", io::Error::from_raw_os_error(errno))
        }
    };
    field(&mut text, "because", &reason);
    for part in gate {
        field(&mut text, "gate", part);
    }
    field(&mut text, "happened", &happened(exit));
    facts(&mut text, exit);
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::subject;

    #[test]
    fn a_subject_shows_its_arguments_quoted_where_need_be_and_cut_where_they_are_long() {
        let shown = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            subject("`tool`", &arguments)
        };
        assert_eq!(shown(&[]), "`tool`");
        assert_eq!(shown(&["--all", "a b", "", "\n"]), r#"`tool --all "a b" "" "\n"`"#);
        let long = "x".repeat(1000);
        assert_eq!(shown(&[&long, &long]), format!("`tool {}… (2000 bytes in all)`", "x".repeat(160)));
        let fits = "x".repeat(160);
        assert_eq!(shown(&[&fits]), format!("`tool {fits}`"));
        assert_eq!(subject("function `f`", &["--all".into()]), "function `f` with arguments --all");
    }
}
