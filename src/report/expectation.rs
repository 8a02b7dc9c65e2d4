//! What was expected, and where it was looked for.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Display;

use predicates_core::Predicate;
use predicates_core::reflection::{Case, Child, PredicateReflection};

use crate::evidence::{Evidence, Findings, Guards, Source};
use crate::exit::{Exit, MarkKind};

use super::delivery::{quoted, was_done};
use super::difference;
use super::text::{SHOWN_EVENTS, SHOWN_LINE, count, milliseconds, visible};

/// A code that no process can have.
pub(crate) fn impossible_code(predicate: &(impl Predicate<i32> + Display)) -> String {
    let text = predicate.to_string();
    let listed = predicate.parameters().find(|parameter| parameter.name() == "values");
    let listed = listed.map(|values| values.value().to_string().split_whitespace().collect::<String>());
    let codes = match (text.strip_prefix("var == "), listed.as_deref()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some("[]")) => "a code of an empty list".to_owned(),
        (None, Some(codes)) => format!("a code of {}", codes.replace(",]", "]").replace(',', ", ")),
        (None, None) => format!("a code for which {text}"),
    };
    format!(
        "exeunt: no process can end with {codes}: exit codes go from 0 to 255\n  (the kernel keeps the lowest eight bits \
         of what a program passes to `exit`; exeunt compares what arrives)"
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

/// What is expected of a stream; with the bytes, where they are known, how they differ from that.
pub(crate) fn stream_expectation(
    name: &str,
    predicate: &dyn Predicate<[u8]>,
    bytes: Option<&[u8]>,
) -> String {
    const MOST: usize = 4 * 1024;
    let text = match bytes {
        Some(bytes) => difference::first(predicate, bytes)
            .or_else(|| Some(describe_case(&predicate.find_case(false, bytes)?, bytes))),
        None => whole_text(predicate).map(|text| quoted(text.as_bytes())),
    };
    match text.map(|text| visible_lines(&text, MOST)) {
        Some(text) if text.contains('\n') => format!("of {name}:\n{text}"),
        Some(text) if !text.trim().is_empty() => format!("of {name}: {text}"),
        _ => format!("of {name}: {}", visible_lines(&predicate.to_string(), MOST)),
    }
}

pub(super) fn visible_lines(text: &str, most: usize) -> String {
    let mut cut = text.len().min(most);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let shown = text[..cut].strip_suffix('\n').unwrap_or(&text[..cut]);
    let mut out: Vec<String> = shown.split('\n').map(|line| visible(line.as_bytes(), usize::MAX)).collect();
    if cut < text.len() {
        out.push(format!("… {} more …", count(text.len() - cut, "byte", "bytes")));
    }
    out.join("\n")
}

/// The text that a predicate asks for, where it asks for a text as a whole. One that is about another, in other
/// words (`not`), is none of these.
fn whole_text(predicate: &dyn PredicateReflection) -> Option<String> {
    let mut parameters = predicate.parameters();
    if let Some(original) = parameters.find(|parameter| parameter.name() == "original") {
        return Some(original.value().to_string());
    }
    let children: Vec<Child<'_>> = predicate.children().collect();
    let [child] = children.as_slice() else { return None };
    let same = child.value().to_string() == predicate.to_string();
    if same { whole_text(child.value()) } else { None }
}

/// The innermost predicates that did not hold for these bytes, with their differences.
fn describe_case(case: &Case<'_>, bytes: &[u8]) -> String {
    let mut parts: Vec<String> =
        case.children().map(|case| describe_case(case, bytes)).filter(|text| !text.is_empty()).collect();
    if parts.is_empty() {
        if let Some(predicate) = case.predicate() {
            match whole_text(predicate) {
                Some(text) => return describe_text(&text, case, bytes),
                None => parts.push(predicate.to_string()),
            }
        }
    }
    // The bytes themselves are no expectation, and the report shows them.
    let products = case.products().filter(|product| !matches!(product.name(), "var" | "var as str"));
    parts.extend(products.map(|product| format!("{}: {}", product.name(), product.value())));
    parts.join("\n")
}

/// A text that was expected as a whole, and where the bytes are another.
fn describe_text(expected: &str, case: &Case<'_>, bytes: &[u8]) -> String {
    let whole = quoted(expected.as_bytes());
    if expected.as_bytes() == bytes {
        return format!("not {whole}");
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return format!("{whole}\nfound is no UTF-8: {error}");
    }
    let difference = case.products().find(|product| product.name() == "diff");
    let difference = difference.map(|product| uncoloured(&product.value().to_string()));
    match difference.as_deref().map(|text| text.trim_matches('\n')) {
        Some(text) if !text.is_empty() => format!("this text (- expected, + found):\n{text}"),
        _ => whole,
    }
}

/// A difference without the colours that `predicates` gives the beginnings of its lines, whether it is
/// shown on a terminal or not. What the lines are about may hold escape sequences too; those stay.
fn uncoloured(difference: &str) -> String {
    const ESCAPE: char = '\u{1b}';
    const RESET: &str = "\u{1b}[0m";
    let line = |line: &str| {
        let mut rest = line;
        while let Some((_, after)) = rest.strip_prefix(ESCAPE).and_then(|sequence| sequence.split_once('m')) {
            rest = after;
        }
        if rest.len() == line.len() { line.to_owned() } else { rest.replacen(RESET, "", 1) }
    };
    difference.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Why nothing can be said of stderr at a terminal.
pub(crate) fn one_stream() -> &'static str {
    "the target ran at a terminal (`pty`), where stdout and stderr arrive as one stream: ask for `stdout`"
}

/// That part of the output was not kept.
pub(crate) fn not_kept(bytes: u64) -> String {
    format!(
        "{} not kept, so this cannot be known; raise `capture_limit`",
        count(bytes, "byte of the output was", "bytes of the output were")
    )
}

/// Where evidence for a clean-up was looked for, and what came near.
pub(crate) fn where_it_looked(exit: &Exit, label: &str, findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    if label.is_empty() {
        notes.push(empty("label"));
        return notes;
    }
    for evidence in findings.too_early.iter().take(SHOWN_EVENTS) {
        notes.push(format!(
            "{}, but before {}, so it does not show that the signal led to it",
            self::evidence(evidence),
            exit.first_delivery
                .as_ref()
                .map_or_else(|| "the signal".to_owned(), |first| was_done(&first.delivery))
        ));
    }
    notes.extend(more(findings.too_early.len()));
    for evidence in findings.on_their_way.iter().take(SHOWN_EVENTS) {
        notes.push(format!(
            "{}, but the signal killed the target by its default action, which runs no code of it: the line was \
             on its way already",
            self::evidence(evidence)
        ));
    }
    notes.extend(more(findings.on_their_way.len()));
    if findings.check_failed {
        notes.push("the `cleanup_check` of this label did not hold".to_owned());
    }
    if findings.not_looked_at > 0 {
        notes.push(not_kept(findings.not_looked_at));
    }
    notes.extend(similar(exit, label, &[]));
    notes.push(format!(
        "looked at {}, {} of stdout, {} of stderr and {}{}",
        count(exit.marks.len(), "mark", "marks"),
        count(exit.stdout.lines().count(), "line", "lines"),
        count(exit.stderr.lines().count(), "line", "lines"),
        count(exit.checks.iter().filter(|check| check.label == label).count(), "check", "checks"),
        exit.first_delivery
            .as_ref()
            .map_or_else(String::new, |first| { format!(", after {}", was_done(&first.delivery)) })
    ));
    notes
}

/// That a clean-up ran which was to be skipped.
pub(crate) fn not_skipped(findings: &Findings) -> Vec<String> {
    let ran = findings.valid.iter().take(SHOWN_EVENTS);
    let mut notes: Vec<String> = ran.map(|found| format!("it ran: {}", evidence(found))).collect();
    notes.extend(more(findings.valid.len()));
    notes.extend((findings.not_looked_at > 0).then(|| not_kept(findings.not_looked_at)));
    notes
}

/// How many of so many are not shown, if not all of them are.
fn more(of: usize) -> Option<String> {
    (of > SHOWN_EVENTS).then(|| format!("… {} more …", of - SHOWN_EVENTS))
}

/// A label that differs from this one by a typo, and what has it; none of those that are asked for `besides`.
pub(super) fn similar(exit: &Exit, label: &str, besides: &[String]) -> Option<String> {
    const SIMILAR: f64 = 0.7;
    // The comparison takes the product of both lengths.
    const LONGEST: usize = 200;
    const MOST: usize = 1_000;
    if label.len() > LONGEST {
        return None;
    }
    let marks = exit.marks.iter().filter(|mark| mark.label.len() <= LONGEST);
    let marks = marks.map(|mark| match mark.kind {
        MarkKind::Mark | MarkKind::Hook => ("mark", mark.label()),
        MarkKind::Armed | MarkKind::Dropped | MarkKind::DroppedUnwinding => ("guard", mark.label()),
    });
    let checks = exit.checks.iter().filter(|check| check.label.len() <= LONGEST);
    let checks = checks.map(|check| ("check", Cow::from(&check.label)));
    let mut known: HashSet<Cow<'_, str>> = besides.iter().map(Cow::from).collect();
    let all = marks.chain(checks).filter(|(_, other)| other != label);
    let all = all.filter(|(_, other)| known.insert(other.clone())).take(MOST);
    all.map(|(what, other)| (strsim::normalized_damerau_levenshtein(&other, label), what, other))
        .filter(|(similarity, ..)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, what, other)| format!("there is a {what} with a similar label: {other:?}"))
}

/// The children that were never waited for, and that there may be more of them.
pub(crate) fn not_waited_for(zombies: &[String], left_out: usize) -> Vec<String> {
    let many = if zombies.len() == 1 { "was a zombie" } else { "were zombies" };
    let named = || {
        format!("{} {many} at the end:\n{}", count(zombies.len(), "process", "processes"), zombies.join("\n"))
    };
    let more = || {
        let more = count(left_out, "process", "processes");
        format!("{more} more came from it than are kept, so this cannot be known")
    };
    let named = (!zombies.is_empty()).then(named);
    named.into_iter().chain((left_out > 0).then(more)).collect()
}

pub(crate) fn evidence(evidence: &Evidence) -> String {
    let at = evidence.at.map_or_else(String::new, |at| format!(" at {} ms", milliseconds(at)));
    match &evidence.source {
        Source::Mark { pid: Some(pid), thread: Some(thread) } => {
            format!("a mark was made{at} by thread {thread} of process {pid}")
        }
        Source::Mark { .. } => format!("a mark was made{at}"),
        Source::Line { stream, text } => {
            format!("{stream} said {:?}{at}", visible(text.as_bytes(), SHOWN_LINE))
        }
        Source::Check => "its `cleanup_check` held".to_owned(),
    }
}

/// What became of the guards of a label.
pub(crate) fn guards(exit: &Exit, label: &str, guards: Guards) -> Vec<String> {
    let Guards { armed, dropped, copies } = guards;
    if (armed, dropped, copies) == (0, 0, 0) {
        let near = similar(exit, label, &[]);
        return ["no guard of this label was armed".to_owned()].into_iter().chain(near).collect();
    }
    let mut text = format!("{} armed, {dropped} dropped", count(armed, "guard was", "guards were"));
    if copies > 0 {
        text.push_str(&format!(
            " (and {} dropped by a fork, which says nothing of the guard)",
            count(copies, "copy", "copies")
        ));
    }
    vec![text]
}

/// That an empty text or label proves nothing.
pub(crate) fn empty(what: &str) -> String {
    format!("an empty {what} is everywhere and proves nothing")
}

/// That only functions are asked by which way they left.
pub(crate) fn ways_of_functions() -> String {
    "only a function's process tells that; of a program there are its code, its output and its marks"
        .to_owned()
}

/// What a core dump needs.
pub(crate) fn core_dumps() -> &'static str {
    "it left none. A target may leave one where the plan has `core_dumps(true)` and the system's limits allow it"
}

#[cfg(test)]
mod tests {
    use assert_cmd::assert::IntoOutputPredicate;
    use predicates::prelude::PredicateBooleanExt;

    use super::stream_expectation;

    fn difference(expected: &'static str, found: &str) -> String {
        let predicate = expected.into_output();
        stream_expectation("stdout", &predicate, Some(found.as_bytes())) + "\n"
    }

    #[test]
    fn a_difference_is_shown_without_colours() {
        let shown = difference("same\nold\n", "same\nnew\n");
        assert!(shown.starts_with("of stdout:\n"), "{shown}");
        for line in ["\n--- \torig\n", "\n+++ \tvar\n", "\n@@ -2 +2 @@\n", "\n-old\n", "\n+new\n"] {
            assert!(shown.contains(line), "it lacks {line:?}:\n{shown}");
        }
        assert!(!shown.contains("1b"), "{shown}");
    }

    #[test]
    fn a_difference_in_line_ends_alone_is_shown() {
        let head = "of stdout:\nit differs first in line ";
        for (expected, found, told) in [
            ("hi\n", "hi", "1 (- expected, + found):\n-hi\n+hi (no newline)"),
            ("hi", "hi\n", "1 (- expected, + found):\n-hi (no newline)\n+hi"),
            ("a\nb\n", "a\nb\r\n", "2 (- expected, + found):\n-b\n+b\\r"),
        ] {
            assert_eq!(difference(expected, found), format!("{head}{told}\n"));
        }
        let shown = difference("a\n", "b");
        assert!(shown.contains("\n-a\n+b") && !shown.contains("differs first"), "{shown}");
    }

    #[test]
    fn what_was_found_is_not_told_to_be_expected() {
        let predicate = predicates::str::contains("x").into_output();
        assert_eq!(stream_expectation("stdout", &predicate, Some(b"found")), "of stdout: var.contains(x)");
        assert_eq!(stream_expectation("stdout", &predicate, None), "of stdout: var.contains(x)");
        assert_eq!(stream_expectation("stdout", &"a\n".into_output(), None), "of stdout: \"a\\n\"");
        let not = predicates::str::diff("a").not().into_output();
        assert_eq!(stream_expectation("stdout", &not, Some(b"a")), "of stdout: not \"a\"");
        assert_eq!(stream_expectation("stdout", &not, None), "of stdout: (! diff original var)");
        let shown = stream_expectation("stdout", &"a".into_output(), Some(b"\xff"));
        assert!(shown.starts_with("of stdout:\n\"a\"\nfound is no UTF-8: invalid"), "{shown}");
    }

    #[test]
    fn a_difference_in_colours_is_shown() {
        let shown = difference("\u{1b}[31mred\u{1b}[0m\n", "\u{1b}[32mred\u{1b}[0m\n");
        for line in ["\n-\\u{1b}[31mred\\u{1b}[0m\n", "\n+\\u{1b}[32mred\\u{1b}[0m\n"] {
            assert!(shown.contains(line), "it lacks {line:?}:\n{shown}");
        }
    }
}
