//! Causes that people run into, where the facts show one.

use crate::delivery::{Delivery, StandardStream};
use crate::exit::{Disposition, Ending, Exit, How, Outputs, What};
use crate::signal::{SIGKILL, SIGPIPE, Signal};

use super::delivery::quoted;

/// What is known of causes that people run into.
pub(super) fn hints(exit: &Exit) -> Vec<String> {
    let mut hints = Vec::new();
    let sent = exit.timeline.iter().rev().find_map(|event| match &event.what {
        What::Delivered { delivery } => delivery.signal(),
        _ => None,
    });
    match (&exit.ending, sent) {
        (Ending::Signal { signal, .. }, Some((last, Some(disposition)))) if *signal == last => {
            hints.extend(killed_by_what_was_sent(exit, *signal, disposition));
        }
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Ignored)))) => {
            hints.push(ignored(exit, signal));
        }
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Blocked)))) => {
            hints.push(match was_never_taken(exit, signal) {
                true => format!("every thread of the target blocks {signal}, and none waits for it"),
                false => format!("the target blocked {signal} when it was sent, and has taken it since"),
            });
        }
        (Ending::Signal { signal, .. }, sent)
            if *signal == SIGKILL && sent.is_none_or(|(last, _)| last != SIGKILL) =>
        {
            hints.push(format!(
                "{SIGKILL} was not sent by the script or the harness: the target itself, another process, or the \
                 kernel for want of memory"
            ));
        }
        (Ending::Signal { signal, .. }, _) if *signal == SIGPIPE && closed_a_reader(exit) => hints.push(
            "the target wrote to a stream whose reader the script had closed. A program that is to take that as \
             an error ignores SIGPIPE"
                .to_owned(),
        ),
        (Ending::Signal { signal, .. }, _) if *signal == SIGPIPE => hints.push(
            "the target wrote to a pipe that nobody reads, such as one of its own".to_owned(),
        ),
        (Ending::Code(code), _) => hints.extend(code_hint(exit, *code)),
        _ => {}
    }
    hints.extend(sent.and_then(|(signal, _)| waits_for_a_child(exit, signal)));
    hints
}

/// Whether a signal that was sent was still pending at the deadline.
fn was_never_taken(exit: &Exit, sent: Signal) -> bool {
    let pending = |what: &What| matches!(what, What::StillPending { signal } if *signal == sent);
    exit.timeline.iter().any(|event| pending(&event.what))
}

/// That the target has taken a signal and waits for a child all the same, which has not got it.
fn waits_for_a_child(exit: &Exit, signal: Signal) -> Option<String> {
    let delivery = exit.timeline.iter().rev().find_map(|event| match &event.what {
        What::Delivered { delivery } if delivery.signal().is_some() => Some(delivery),
        _ => None,
    })?;
    let caught = [Some(Disposition::Handled), Some(Disposition::Blocked)];
    let caught = delivery.signal().is_some_and(|(_, disposition)| caught.contains(&disposition));
    if !caught || delivery.is_to_group() || was_never_taken(exit, signal) {
        return None;
    }
    // The target is the first of them; none is there without a deadline.
    let [target, _, ..] = exit.stuck.as_slice() else { return None };
    let is_target = |what: &What| matches!(what, What::Started { pid } if *pid == target.pid);
    let call = target.threads.first()?.call.as_deref()?;
    let waits = call.starts_with("wait4 ") || call.starts_with("waitid ");
    (waits && exit.timeline.iter().any(|event| is_target(&event.what))).then(|| {
        format!(
            "the target waits for a child, to which {signal} was not sent. A shell acts on a signal that it catches \
             when the command in its foreground has ended, not before: send the signal to the group \
             (`group_signal_after`), or start the program with `exec`, or in the background, followed by `wait`"
        )
    })
}

/// Whether the script took a reader of the target's output away.
fn closed_a_reader(exit: &Exit) -> bool {
    exit.timeline.iter().any(|event| match event.what {
        What::Delivered { delivery: Delivery::Closed { stream } } => stream != StandardStream::Stdin,
        _ => false,
    })
}

/// Who has chosen that the target ignores a signal.
fn ignored(exit: &Exit, signal: Signal) -> String {
    let who = match &exit.became {
        Some(command) => format!(
            "it has become {} since, by `exec`, through which that is inherited: either has chosen that",
            quoted(command.as_bytes())
        ),
        None => "it has chosen that itself".to_owned(),
    };
    format!(
        "the target ignores {signal}. exeunt starts it with every signal at its default action, and {who}"
    )
}

/// Why a target did not survive a signal of the script's.
fn killed_by_what_was_sent(exit: &Exit, signal: Signal, disposition: Disposition) -> Option<String> {
    let name = signal.name().unwrap_or_else(|| signal.number().to_string());
    let mut text = match disposition {
        Disposition::Default if signal == SIGKILL => return None,
        Disposition::Default => format!(
            "{signal} had its default action: the target had installed no handler when it was sent. If it \
             installs one later, wait for that with `.ready_when(Ready::handler({name}))`"
        ),
        Disposition::Blocked => format!(
            "the target blocked {signal} when it was sent, and was killed by it when it let it in. If it installs a \
             handler later, wait for that with `.ready_when(Ready::handler({name}))`"
        ),
        Disposition::Handled => {
            return Some(format!(
                "a handler was installed for {signal} when it was sent, and the target was killed by it all the \
                 same: by a handler, or a runtime's own, that gives the default action back and sends it once more"
            ));
        }
        Disposition::WaitedFor | Disposition::HeldBySignalfd => {
            return Some(format!(
                "the target was about to take {signal} without a handler, and was killed by it all the same: every \
                 thread has to block it, always"
            ));
        }
        Disposition::Ignored => return None,
    };
    let to_group = exit.timeline.iter().rev().find_map(|event| match &event.what {
        What::Delivered { delivery } => delivery.signal().map(|_| delivery.is_to_group()),
        _ => None,
    });
    if exit.leftover_count > 0 && to_group != Some(true) {
        text.push_str(
            ". It went to the process that was started and not to those that it started, which outlived \
             it: a shell passes no signal on (start the program with `exec`)",
        );
    }
    Some(text)
}

/// Why what was printed may have reached no stream: the process was not asked before it ended.
pub(crate) fn never_flushed(exit: &Exit) -> Option<String> {
    let end = match (&exit.ending, &exit.how) {
        (Ending::Signal { signal, .. }, _) => format!("{signal} ended the process"),
        (Ending::TimedOut { .. }, _) => "the harness ended the process".to_owned(),
        (Ending::Code(_), Some(How::ExitedImmediately)) => "the process ended without exit hooks".to_owned(),
        (Ending::Code(_), _) => return None,
    };
    let when = match exit.outputs {
        Outputs::Apart => {
            "To a pipe, Rust writes line by line and at the exit, C and Python only when a buffer is full and at \
             the exit"
        }
        Outputs::Terminal => "At a terminal most programs write line by line and at the exit",
    };
    Some(format!("{end}, and with it what was printed but never flushed. {when}"))
}

/// What an exit code usually means, where it is not the program's own.
pub(super) fn code_hint(exit: &Exit, code: i32) -> Option<String> {
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
