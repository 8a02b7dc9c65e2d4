//! What was expected, and where it was looked for.

use std::fmt::Display;

use predicates_core::Predicate;
use predicates_core::reflection::Case;

use crate::evidence::{Evidence, Findings, Guards, Source};
use crate::exit::Exit;

use super::delivery::was_done;
use super::text::{SHOWN_LINE, count, milliseconds, visible};

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

pub(super) fn visible_lines(text: &str, most: usize) -> String {
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
pub(super) fn describe_case(case: &Case<'_>) -> String {
    let mut parts: Vec<String> = case.children().map(describe_case).filter(|text| !text.is_empty()).collect();
    if parts.is_empty() {
        if let Some(predicate) = case.predicate() {
            parts.push(predicate.to_string());
        }
    }
    for product in case.products() {
        let value = product.value().to_string();
        let value = if product.name() == "diff" { uncoloured(&value) } else { value };
        parts.push(format!("{}: {value}", product.name()));
    }
    parts.join("\n")
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
            exit.first_delivery
                .as_ref()
                .map_or_else(|| "the signal".to_owned(), |first| was_done(&first.delivery))
        ));
    }
    for evidence in &findings.on_their_way {
        notes.push(format!(
            "{}, but the signal killed the target by its default action, which runs no code of it: the line was \
             on its way already",
            self::evidence(evidence)
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
        exit.first_delivery
            .as_ref()
            .map_or_else(String::new, |first| { format!(", after {}", was_done(&first.delivery)) })
    ));
    notes
}

pub(super) fn nearest_label(exit: &Exit, label: &str) -> Option<String> {
    const SIMILAR: f64 = 0.7;
    // The comparison takes the product of both lengths.
    const LONGEST: usize = 200;
    const MOST: usize = 10_000;
    if label.len() > LONGEST {
        return None;
    }
    let marks = exit.marks.iter().take(MOST).filter(|mark| mark.label.len() <= LONGEST);
    let labels = marks.map(|mark| mark.label().into_owned()).filter(|other| other != label);
    labels
        .map(|other| (strsim::normalized_damerau_levenshtein(&other, label), other))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
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

pub(crate) fn guards(guards: Guards) -> String {
    let Guards { armed, dropped, copies } = guards;
    if (armed, dropped, copies) == (0, 0, 0) {
        return "no guard of this label was armed".to_owned();
    }
    let mut text = format!("{} armed, {dropped} dropped", count(armed, "guard was", "guards were"));
    if copies > 0 {
        text.push_str(&format!(
            " (and {} dropped by a fork, which says nothing of the guard)",
            count(copies, "copy", "copies")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use assert_cmd::assert::IntoOutputPredicate;

    use super::stream_expectation;

    fn difference(expected: &'static str, found: &str) -> String {
        let predicate = expected.into_output();
        stream_expectation("stdout", &predicate, found.as_bytes())
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
    fn a_difference_in_colours_is_shown() {
        let shown = difference("\u{1b}[31mred\u{1b}[0m\n", "\u{1b}[32mred\u{1b}[0m\n");
        for line in ["\n-\\u{1b}[31mred\\u{1b}[0m\n", "\n+\\u{1b}[32mred\\u{1b}[0m\n"] {
            assert!(shown.contains(line), "it lacks {line:?}:\n{shown}");
        }
    }
}
