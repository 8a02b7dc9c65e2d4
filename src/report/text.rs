//! Text that is safe to print whatever the bytes and however many.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::stream::Captured;

/// Of each stream so many bytes are shown at its beginning and at its end.
pub(super) const SHOWN_HEAD: usize = 2 * 1024;
pub(super) const SHOWN_TAIL: usize = 2 * 1024;

/// So many lines, marks and other events of a timeline are shown at its beginning and at its end.
pub(super) const SHOWN_EVENTS: usize = 20;

/// So many bytes of a line or a label are shown on the timeline.
pub(super) const SHOWN_LINE: usize = 120;

/// A stream with its length and its lines, which end by `line_end`; one that ends otherwise shows it.
pub(super) fn stream(out: &mut String, name: &str, captured: &Captured, line_end: &[u8]) {
    if captured.total == 0 {
        let _ = writeln!(out, "  {name}: empty");
        return;
    }
    let _ = writeln!(out, "  {name} ({}):", count(captured.total, "byte", "bytes"));
    let (head, tail) = match (&captured.head, &captured.tail) {
        (all, _) if captured.left_out() == 0 && all.len() <= SHOWN_HEAD + SHOWN_TAIL => {
            indented(out, all, line_end, " (no newline)");
            return;
        }
        (all, _) if captured.left_out() == 0 => all.split_at(boundary(all, SHOWN_HEAD)),
        (head, tail) => (&head[..boundary(head, SHOWN_HEAD)], tail.as_slice()),
    };
    let tail = &tail[boundary(tail, tail.len().saturating_sub(SHOWN_TAIL))..];
    // Where it was cut here, there may well have been a newline.
    indented(out, head, line_end, "…");
    let shown = (head.len() + tail.len()) as u64;
    let _ = writeln!(out, "    … {} not shown …", count(captured.total - shown, "byte", "bytes"));
    indented(out, tail, line_end, " (no newline)");
}

/// Lines, each after four spaces; a last one that has no end is followed by `unended`.
fn indented(out: &mut String, bytes: &[u8], line_end: &[u8], unended: &str) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let after = if line.ends_with(b"\n") { "" } else { unended };
        let line = line.strip_suffix(line_end).or(line.strip_suffix(b"\n")).unwrap_or(line);
        let _ = writeln!(out, "    {}{after}", visible(line, usize::MAX));
    }
}

/// The last place up to `most` at which no character is cut in two.
fn boundary(bytes: &[u8], most: usize) -> usize {
    if most >= bytes.len() {
        return bytes.len();
    }
    let continues = |at: &usize| bytes[*at] & 0xc0 == 0x80;
    // What goes on for longer is no UTF-8.
    (most.saturating_sub(3)..=most).rev().find(|at| !continues(at)).unwrap_or(most)
}

/// Whether a character changes what stands around it: it moves the cursor, ends the line, or turns the
/// direction of writing.
fn is_unsafe(character: char) -> bool {
    character.is_control() && character != '\t'
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Text that is safe to print whatever the bytes: control characters and what is not UTF-8 are
/// escaped, and what is longer than `most` bytes is cut.
pub(super) fn visible(bytes: &[u8], most: usize) -> String {
    let shown = &bytes[..boundary(bytes, most)];
    let mut out = String::with_capacity(shown.len());
    for chunk in shown.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unsafe(character) {
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
pub(super) fn count(number: impl Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun}")
}

pub(super) fn milliseconds(time: Duration) -> String {
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
