//! What of a plan cannot be carried out whatever the target does.

use crate::delivery::StandardStream;
use crate::error::Error;
use crate::launch::Streams;
use crate::script::{Action, Needs, Ready, When};

use super::ExitTest;
use super::terminal::{USUAL_WINDOW, Window};

impl ExitTest {
    /// Whether the script decides when the input comes and ends.
    pub(super) fn scripts_stdin(&self) -> bool {
        self.steps.iter().any(|step| step.action.is_about_stdin())
    }

    /// Where the standard streams are to lead.
    pub(super) fn streams(&self) -> Streams {
        let Window { rows, columns } = self.window.unwrap_or(USUAL_WINDOW);
        if self.terminal {
            Streams::Terminal { rows, columns }
        } else {
            Streams::Pipes { stdin: self.stdin.is_some() || self.scripts_stdin() }
        }
    }

    /// Looks for steps that cannot be carried out whatever the target does.
    pub(super) fn check_script(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::bad_input(text));
        if self.terminal && self.stdin.is_some() {
            return wrong(
                "`stdin` and `pty` exclude each other: at a terminal input is typed, with `type_when` or \
                 `type_after`, and ended with `end_of_input_after`"
                    .to_owned(),
            );
        }
        if !self.terminal && self.window.is_some() {
            return wrong(
                "`window_size` is that of a terminal, and the target has none: add `pty()`".to_owned(),
            );
        }
        let mut gone = Gone::default();
        for step in &self.steps {
            let action = &step.action;
            let why = if gone.done {
                "an escalation is the last step: it ends the target"
            } else if action.needs_terminal() && !self.terminal {
                "that needs a terminal, and the target has none: add `pty()`"
            } else if action.needs_pipes() && self.terminal {
                "the target has a terminal and no pipes; there is `type_after`, `end_of_input_after` and \
                 `hang_up_after`"
            } else if action.needs_terminal() && gone.terminal {
                "a step before has hung the terminal up"
            } else if action.is_about_stdin() && gone.stdin {
                "a step before has closed stdin"
            } else if matches!(action, Action::Type(text) | Action::Write(text) if text.is_empty()) {
                "there is nothing to write"
            } else {
                gone.note(action);
                continue;
            };
            return wrong(format!("{step}: {why}"));
        }
        let mut needs = Needs::default();
        self.gates().for_each(|gate| gate.needs(&mut needs));
        if self.terminal && needs.stderr {
            return wrong(
                "a gate on stderr never opens at a terminal (`pty`), where stdout and stderr arrive as one stream: \
                 use `Ready::stdout`"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn gates(&self) -> impl Iterator<Item = &Ready> {
        self.ready.iter().chain(self.steps.iter().filter_map(|step| match &step.when {
            When::Gate(gate) => Some(gate),
            When::After(_) => None,
        }))
    }
}

/// What steps before have ended.
#[derive(Debug, Default)]
struct Gone {
    terminal: bool,
    stdin: bool,
    done: bool,
}

impl Gone {
    fn note(&mut self, action: &Action) {
        match action {
            Action::HangUp => self.terminal = true,
            Action::Close(StandardStream::Stdin) => self.stdin = true,
            Action::Escalate { .. } => self.done = true,
            _ => {}
        }
    }
}
