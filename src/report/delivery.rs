//! The words for what the script did to the target.

use crate::delivery::{Delivery, Key, KeyMeaning};
use crate::exit::Disposition;

use super::text::{SHOWN_LINE, visible};

/// A text as it is quoted in a line: `"yes\n"`.
pub(crate) fn quoted(text: &[u8]) -> String {
    format!("\"{}\"", visible(text, SHOWN_LINE))
}

/// What was done, as that from which something is counted: "SIGTERM (15) was sent".
pub(crate) fn was_done(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Signal { signal, .. } => format!("{signal} was sent"),
        Delivery::Key { key, .. } => format!("{key} was typed"),
        Delivery::Text { text } => format!("{} was typed", quoted(text.as_bytes())),
        Delivery::HangUp { .. } => "the terminal hung up".to_owned(),
    }
}

/// What was done, as an event of the timeline.
pub(super) fn event(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Signal { signal, disposition } => format!("{signal} sent{}", note(*disposition)),
        Delivery::Key { key, meaning } => format!("{key} typed{}", meaning_note(*key, *meaning)),
        Delivery::Text { text } => format!("typed {}", quoted(text.as_bytes())),
        Delivery::HangUp { disposition } => format!("the terminal hung up: SIGHUP (1){}", note(*disposition)),
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
        KeyMeaning::EndOfInput => ": the end of the input".to_owned(),
        KeyMeaning::Character => {
            let mode = if key.signal().is_some() { "ISIG" } else { "ICANON" };
            format!(": a character like any other, for the program had set the terminal so ({mode} off)")
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
