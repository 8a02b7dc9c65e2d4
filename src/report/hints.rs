//! Causes that people run into, where the facts show one.

use crate::delivery::{Delivery, StandardStream};
use crate::exit::{Disposition, Ending, Exit, How, Outputs, What};
use crate::signal::{SIGKILL, SIGPIPE, Signal};

use super::delivery::quoted;

/// What is known of causes that people run into.
pub(super) fn hints(exit: &Exit) -> Vec<String> {
    let sent = sent(exit);
    let was_sent = |signal: Signal| sent.iter().any(|sent| sent.signal == signal);
    match &exit.ending {
        Ending::Signal { .. } if exit.forced().is_some() => not_left_for(exit, &sent),
        Ending::Signal { signal, .. } if was_sent(*signal) => {
            killed_by_what_was_sent(exit, *signal, &sent).into_iter().collect()
        }
        Ending::Signal { signal: SIGKILL, .. } => vec![format!(
            "{SIGKILL} was not sent by the script or the harness: the target itself, another process, or the \
             kernel for want of memory"
        )],
        Ending::Signal { signal: SIGPIPE, .. } if closed_a_reader(exit) => vec![
            "the target wrote to a stream whose reader the script had closed. A program that is to take that as \
             an error ignores SIGPIPE"
                .to_owned(),
        ],
        Ending::Signal { signal: SIGPIPE, .. } => vec![
            "the target wrote to a pipe or a socket that nobody reads, such as one of its own, unless somebody sent \
             it that signal"
                .to_owned(),
        ],
        Ending::Signal { .. } => Vec::new(),
        Ending::TimedOut { .. } => not_left_for(exit, &sent),
        Ending::Code(code) => code_hint(exit, *code).into_iter().collect(),
    }
}

/// A signal that the script sent, and what the target would have done with it.
#[derive(Clone, Copy)]
struct Sent<'a> {
    signal: Signal,
    disposition: Option<Disposition>,
    delivery: &'a Delivery,
}

/// All of them, in order, but the SIGKILL after a grace.
fn sent(exit: &Exit) -> Vec<Sent<'_>> {
    let deliveries = exit.timeline.iter().filter_map(|event| match &event.what {
        What::Delivered { delivery: Delivery::Forced { .. } } => None,
        What::Delivered { delivery } => Some((delivery, delivery.signal()?)),
        _ => None,
    });
    deliveries.map(|(delivery, (signal, disposition))| Sent { signal, disposition, delivery }).collect()
}

/// Why a target did not leave for what it was sent: of each signal the last time counts.
fn not_left_for(exit: &Exit, sent: &[Sent<'_>]) -> Vec<String> {
    let is_last = |index: &usize| sent[index + 1..].iter().all(|later| later.signal != sent[*index].signal);
    let not_taken =
        (0..sent.len()).filter(is_last).filter_map(|index| not_taken(exit, sent[index], &sent[..index]));
    not_taken.chain(sent.last().and_then(|last| waits_for_a_child(exit, *last))).collect()
}

fn not_taken(exit: &Exit, last: Sent<'_>, before: &[Sent<'_>]) -> Option<String> {
    let signal = last.signal;
    let target = exit.stuck.first();
    let has_handler = target.is_some_and(|target| target.handlers.contains(&signal));
    let pending = is_pending(exit, signal);
    let is_stopped = target.is_some_and(|target| {
        let mut threads =
            target.threads.iter().filter(|thread| !matches!(thread.state, 'Z' | 'X')).peekable();
        threads.peek().is_some() && threads.all(|thread| matches!(thread.state, 'T' | 't'))
    });
    if pending && is_stopped {
        return Some(format!(
            "the target is stopped, and takes {signal} when it is told to go on (SIGCONT, as by `continue_after`)"
        ));
    }
    match last.disposition? {
        Disposition::Ignored if has_handler => Some(format!(
            "the target ignored {signal} when it was sent, and has a handler for it now: wait for that with \
             `.ready_when(Ready::handler({}))`",
            name_of(signal)
        )),
        Disposition::Ignored => Some(ignored(exit, signal)),
        Disposition::Blocked => {
            let handled = before
                .iter()
                .any(|sent| sent.signal == signal && matches!(sent.disposition, Some(Disposition::Handled)));
            if target.is_some() && !pending {
                return Some(format!("the target blocked {signal} when it was sent, and has taken it since"));
            }
            let text = format!("every thread of the target blocks {signal}, and none waits for it");
            Some(if handled && has_handler {
                text + ": a handler blocks its own signal as long as it runs, and that for the one before may not have \
                        come back"
            } else {
                text
            })
        }
        _ => None,
    }
}

/// That the target has taken a signal and waits for a child all the same, which has not got it.
fn waits_for_a_child(exit: &Exit, last: Sent<'_>) -> Option<String> {
    let caught = [Some(Disposition::Handled), Some(Disposition::Blocked)].contains(&last.disposition);
    if !caught || last.delivery.is_to_group() || is_pending(exit, last.signal) {
        return None;
    }
    // The target is the first of them; none is there without a deadline.
    let [target, _, ..] = exit.stuck.as_slice() else { return None };
    let is_target = |what: &What| matches!(what, What::Started { pid } if *pid == target.pid);
    let call = target.threads.first()?.call.as_deref()?;
    let waits = call.starts_with("wait4 ") || call.starts_with("waitid ");
    (waits && exit.timeline.iter().any(|event| is_target(&event.what))).then(|| {
        format!(
            "the target waits for a child, to which {} was not sent. A shell acts on a signal that it catches \
             when the command in its foreground has ended, not before: send the signal to the group \
             (`group_signal_after`), or start the program with `exec`, or in the background, followed by `wait`",
            last.signal
        )
    })
}

/// Whether a signal that was sent was still pending at the deadline.
fn is_pending(exit: &Exit, signal: Signal) -> bool {
    exit.timeline.iter().any(|event| event.what == What::StillPending { signal })
}

/// As it is written in a test.
fn name_of(signal: Signal) -> String {
    signal.name().unwrap_or_else(|| signal.number().to_string())
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
    if signal == SIGPIPE {
        return format!(
            "the target ignores {signal}, as Rust's runtime arranges it for every program, Python's too, and exeunt for \
             a function"
        );
    }
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
fn killed_by_what_was_sent(exit: &Exit, signal: Signal, sent: &[Sent<'_>]) -> Option<String> {
    let index = sent.iter().rposition(|sent| sent.signal == signal)?;
    let (last, before) = (sent[index], &sent[..index]);
    let name = name_of(signal);
    let mut text = match last.disposition? {
        Disposition::Default if signal == SIGKILL => return None,
        Disposition::Default if before.iter().any(|sent| sent.signal == signal && was_ready(sent)) => {
            format!(
                "{signal} had its default action, though the target was ready for the one before: a handler for one time \
             (SA_RESETHAND), or one that gave the default action back"
            )
        }
        Disposition::Default if was_waited_for(exit, signal) => format!(
            "{signal} had its default action: the target was ready for it when the gate opened, and not any more when \
             it was sent"
        ),
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
    if exit.leftover_count > 0 && !last.delivery.is_to_group() {
        text.push_str(
            ". It went to the process that was started and not to those that it started, which outlived \
             it: a shell passes no signal on (start the program with `exec`)",
        );
    }
    Some(text)
}

fn was_ready(sent: &Sent<'_>) -> bool {
    sent.disposition.is_some_and(Disposition::is_ready)
}

/// Whether the gate of readiness had to see that the target is ready for this signal.
fn was_waited_for(exit: &Exit, signal: Signal) -> bool {
    let part = format!("the target is ready to take {signal}");
    exit.timeline.iter().any(|event| match &event.what {
        What::Ready { gate } => gate.contains(&part) && !gate.contains(" or "),
        _ => false,
    })
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
        101 if exit.how.is_none() && !speaks_of_a_panic(exit) => {
            Some("101 is also the code of a panic in a Rust program, but this one printed none".to_owned())
        }
        101 if matches!(exit.how, Some(How::Returned | How::Exited | How::ExitedImmediately)) => {
            let panicked = exit.noted_panic.is_some();
            (!panicked).then(|| "101 is also the code of a panic, but the function did not panic".to_owned())
        }
        126 => Some("126 is what a shell returns for a command that it could not execute".to_owned()),
        127 => Some("127 is what a shell returns for a command that it did not find".to_owned()),
        129..=192 => {
            let signal = Signal::try_from(code - 128).ok()?;
            let also = match signal {
                SIGKILL => "as the kernel does for want of memory",
                _ => "and some programs that it made them leave",
            };
            Some(format!(
                "{code} is 128 + {}: so a shell says that {signal} killed its child, {also}. The process that was \
                 started was not killed, it left with a code",
                signal.number()
            ))
        }
        _ => None,
    }
}

/// Whether the target printed what a panic does, or may have, not all of its output being kept.
fn speaks_of_a_panic(exit: &Exit) -> bool {
    let output = match exit.outputs {
        Outputs::Apart => &exit.stderr,
        Outputs::Terminal => &exit.stdout,
    };
    let has_it = |part: &[u8]| memchr::memmem::find(part, b"panicked at").is_some();
    output.left_out() > 0 || output.parts().iter().any(|(_, part)| has_it(part))
}
