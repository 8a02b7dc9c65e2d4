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
    let (head, tail) = match captured.left_out() {
        0 if captured.head.len() <= SHOWN_HEAD + SHOWN_TAIL => {
            indented(out, &captured.head, line_end, " (no newline)");
            return;
        }
        0 => captured.head.split_at(SHOWN_HEAD),
        _ => (captured.head.as_slice(), captured.tail.as_slice()),
    };
    let head = &head[..head.len().min(SHOWN_HEAD)];
    let tail = &tail[tail.len().saturating_sub(SHOWN_TAIL)..];
    // Where it was cut here, there may well have been a newline.
    indented(out, head, line_end, "…");
    let not_shown = captured.total - (head.len() + tail.len()) as u64;
    let _ = writeln!(out, "    … {} not shown …", count(not_shown, "byte", "bytes"));
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

/// Text that is safe to print whatever the bytes: control characters and what is not UTF-8 are
/// escaped, and what is longer than `most` bytes is cut.
pub(super) fn visible(bytes: &[u8], most: usize) -> String {
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
