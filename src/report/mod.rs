//! Every word that a failing test prints. What passes and what fails is decided elsewhere.

mod cleanup;
mod delivery;
mod difference;
mod error;
mod expectation;
mod facts;
mod hints;
mod paint;
mod text;
mod traces;

pub(crate) use cleanup::{
    leftovers_expectation, leftovers_found, order_expectation, order_seen, ran_oftener, undropped,
};
pub(crate) use delivery::{quoted, was_done};
pub(crate) use error::error;
pub(crate) use expectation::{
    code_expectation, core_dumps, empty, guards, impossible_code, not_kept, not_skipped, not_waited_for,
    one_stream, stream_expectation, ways_of_functions, where_it_looked,
};
pub(crate) use facts::{member, members};
pub(crate) use hints::never_flushed;
pub(crate) use paint::{is_wanted as colour_is_wanted, painted};
pub(crate) use text::duration;
pub(crate) use traces::{
    at_path, content, content_not_known, fate, holders, no_address, no_port, not_announced, on_ports,
    relative, temp_files,
};

use std::ffi::OsString;
use std::fmt::Write;
use text::{count, visible};

use crate::exit::{Ending, Exit, How};

use facts::facts;
use hints::hints;

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
    if let Some(grace) = exit.forced() {
        field(&mut out, "because", &format!("it had to be killed after {}", duration(grace)));
    }
    for note in &mismatch.notes {
        field(&mut out, "because", note);
    }
    for hint in hints(exit) {
        field(&mut out, "hint", &hint);
    }
    facts(&mut out, exit);
    out
}

/// A run as a person likes to read of it.
pub(crate) fn summary(exit: &Exit) -> String {
    let mut out = format!("{}: ", exit.subject);
    let happened = happened(exit);
    let mut lines = happened.lines().map(|line| visible(line.as_bytes(), LONGEST_LINE));
    let _ = writeln!(out, "{}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    facts(&mut out, exit);
    out
}

/// So many bytes of a line of a field are shown.
const LONGEST_LINE: usize = 16 * 1024;

fn field(out: &mut String, name: &str, text: &str) {
    let mut lines = text.lines().map(|line| visible(line.as_bytes(), LONGEST_LINE));
    let _ = writeln!(out, "  {name}: {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "            {line}");
    }
}

/// How it ended, with what led there as far as it is known.
fn happened(exit: &Exit) -> String {
    let mut text = exit.ending.to_string();
    if let Some(last) = &exit.last_delivery {
        let after = exit.duration.saturating_sub(last.at);
        let _ = write!(text, ", {} after {}", duration(after), was_done(&last.delivery));
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
