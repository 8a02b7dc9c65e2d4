//! The words for what the script did to the target.

use crate::delivery::{Delivery, Key, KeyMeaning, Recipient, StandardStream};
use crate::exit::Disposition;
use crate::signal::{SIGCONT, SIGKILL, SIGSTOP};

use super::text::{SHOWN_LINE, duration, visible};

/// A text as it is quoted in a line: `"yes\n"`.
pub(crate) fn quoted(text: &[u8]) -> String {
    format!("\"{}\"", visible(text, SHOWN_LINE))
}

/// What was done, as that from which something is counted: "SIGTERM (15) was sent".
pub(crate) fn was_done(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Signal { signal, to: Recipient::Group, .. } => format!("{signal} was sent to the group"),
        Delivery::Signal { signal, .. } => format!("{signal} was sent"),
        Delivery::Forced { .. } => format!("{SIGKILL} was sent to force it"),
        Delivery::Stopped => "it was stopped".to_owned(),
        Delivery::Continued { .. } => "it was told to go on".to_owned(),
        Delivery::Closed { stream: StandardStream::Stdin } => "stdin was closed".to_owned(),
        Delivery::Closed { stream } => format!("the reader of {stream} went away"),
        Delivery::Paused { stream } => format!("the reader of {stream} paused"),
        Delivery::Resumed { stream } => format!("{stream} was read again"),
        Delivery::Written { text } => format!("{} was written to stdin", quoted(text.as_bytes())),
        Delivery::Key { key, .. } => format!("{key} was typed"),
        Delivery::Text { text } => format!("{} was typed", quoted(text.as_bytes())),
        Delivery::HangUp { .. } => "the terminal hung up".to_owned(),
        Delivery::Resized { rows, columns } => {
            format!("the window was resized to {rows} rows of {columns} columns")
        }
    }
}

/// What was done, as an event of the timeline.
pub(super) fn event(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Signal { signal, to, value, disposition, stopped } => {
            let value = value.map_or_else(String::new, |value| format!(" with the value {value}"));
            let to = match (to, stopped) {
                (Recipient::Group, _) => " to the target's process group",
                (Recipient::Target, true) => " to the target, which is stopped",
                (Recipient::Target, false) => "",
            };
            let waits = *stopped && ![SIGKILL, SIGCONT].contains(signal);
            let waits = if waits { "; it comes when the target goes on" } else { "" };
            // Nothing can be installed for those.
            let note = if [SIGKILL, SIGSTOP].contains(signal) { "" } else { note(*disposition) };
            format!("{signal}{value} sent{to}{note}{waits}")
        }
        Delivery::Forced { after, to } => {
            let to = if *to == Recipient::Group { " to the target's process group" } else { "" };
            format!("{SIGKILL} sent{to}: it was still there after the grace of {}", duration(*after))
        }
        Delivery::Stopped => "stopped".to_owned(),
        Delivery::Continued { was_stopped: true } => "told to go on".to_owned(),
        Delivery::Continued { was_stopped: false } => "told to go on, though it had not stopped".to_owned(),
        Delivery::Key { key, meaning } => format!("{key} typed{}", meaning_note(*key, *meaning)),
        Delivery::Text { text } => format!("typed {}", quoted(text.as_bytes())),
        Delivery::HangUp { disposition } => format!("the terminal hung up: SIGHUP (1){}", note(*disposition)),
        Delivery::Closed { .. }
        | Delivery::Paused { .. }
        | Delivery::Resumed { .. }
        | Delivery::Written { .. }
        | Delivery::Resized { .. } => was_done(delivery),
    }
}

fn meaning_note(key: Key, meaning: KeyMeaning) -> String {
    match meaning {
        KeyMeaning::Signal { signal, disposition } => {
            format!(": {signal} to the foreground process group{}", note(disposition))
        }
        KeyMeaning::SignalToOthers { signal, group: Some(group) } => {
            format!(": {signal} to the foreground process group {group}, in which the target is not")
        }
        KeyMeaning::SignalToOthers { group: None, .. } => {
            ": no process group was in the foreground, and nobody got a signal".to_owned()
        }
        KeyMeaning::EndOfInput => ": the end of the line, or, where that was empty, of the input".to_owned(),
        KeyMeaning::Character => {
            let mode = if key.signal().is_some() { "ISIG" } else { "ICANON" };
            format!(
                ": a character like any other, for the program had set the terminal so ({mode} off, or it has no such key)"
            )
        }
    }
}

fn note(disposition: Option<Disposition>) -> &'static str {
    disposition.map_or("", disposition_note)
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
