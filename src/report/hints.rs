//! Causes that people run into, where the facts show one.

use crate::exit::{Disposition, Ending, Exit, How, What};
use crate::signal::{SIGKILL, SIGPIPE, Signal};

/// What is known of causes that people run into.
pub(super) fn hints(exit: &Exit) -> Vec<String> {
    let mut hints = Vec::new();
    let sent = exit.timeline.iter().rev().find_map(|event| match event.what {
        What::Sent { signal, disposition } => Some((signal, disposition)),
        _ => None,
    });
    match (&exit.ending, sent) {
        (Ending::Signal { signal, .. }, Some((last, Some(Disposition::Default)))) if *signal == last => {
            let mut text = format!(
                "{signal} had its default action: the target had installed no handler when it was sent. If it \
                 installs one later, wait for that with `.ready_when(Ready::handler({}))`",
                signal.name().unwrap_or_else(|| signal.number().to_string())
            );
            if exit.leftover_count > 0 {
                text.push_str(
                    ". It went to the process that was started and not to those that it started, which outlived \
                     it: a shell passes no signal on (start the program with `exec`)",
                );
            }
            hints.push(text);
        }
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Ignored)))) => hints.push(format!(
            "the target ignores {signal}. exeunt starts it with every signal at its default action, so it, or \
             a wrapper such as nohup, has chosen that"
        )),
        (Ending::TimedOut { .. }, Some((signal, Some(Disposition::Blocked)))) => {
            hints.push(format!("every thread of the target blocks {signal}, and none waits for it"));
        }
        (Ending::Signal { signal, .. }, sent) if *signal == SIGKILL && sent.is_none_or(|(last, _)| last != SIGKILL) => {
            hints.push(format!(
                "{SIGKILL} was not sent by the script or the harness: the target itself, another process, or the \
                 kernel for want of memory"
            ));
        }
        (Ending::Signal { signal, .. }, _) if *signal == SIGPIPE => hints.push(
            "the target wrote to a pipe that nobody reads, such as one of its own".to_owned(),
        ),
        (Ending::Code(code), _) => hints.extend(code_hint(exit, *code)),
        _ => {}
    }
    hints
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
