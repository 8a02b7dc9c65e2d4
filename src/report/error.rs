//! The words of an error: what could not be carried out, and why.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use crate::error::{Error, Kind, Undelivered};
use crate::exit::Exit;

use super::facts::facts;
use super::hints::hints;
use super::text::{duration, milliseconds};
use super::{field, happened};

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
            for hint in hints(exit) {
                field(&mut text, "hint", &hint);
            }
            facts(&mut text, exit);
            text
        }
        Kind::NotDelivered { step, due, why, gate, exit } => not_delivered(step, *due, *why, gate, exit),
    }
}

pub(super) fn not_delivered(
    step: &str,
    due: Option<Duration>,
    why: Undelivered,
    gate: &[String],
    exit: &Exit,
) -> String {
    let mut text = format!("{}: the script was not carried out\n", exit.subject);
    // What was refused was tried.
    let due = due.filter(|_| !matches!(why, Undelivered::Refused(_)));
    let due = due.map_or_else(String::new, |due| format!(", due {} ms after the start", milliseconds(due)));
    field(&mut text, "not reached", &format!("{step}{due}"));
    let reason = match why {
        Undelivered::TargetEnded => format!(
            "the target had ended {} ms after the start: {} (`allow_early_end` accepts that)",
            milliseconds(exit.duration),
            exit.ending
        ),
        Undelivered::Deadline => "the deadline came before".to_owned(),
        Undelivered::StepDeadline(time) => {
            format!("it had not come to it within {} (`step_timeout`)", duration(time))
        }
        Undelivered::Refused(libc::EPIPE) => "nobody reads that stream any more".to_owned(),
        Undelivered::Refused(errno) => {
            format!("the kernel refused it: {}", io::Error::from_raw_os_error(errno))
        }
    };
    field(&mut text, "because", &reason);
    for part in gate {
        field(&mut text, "gate", part);
    }
    field(&mut text, "happened", &happened(exit));
    for hint in hints(exit) {
        field(&mut text, "hint", &hint);
    }
    facts(&mut text, exit);
    text
}
