//! What of a plan cannot be carried out whatever the target does.

use crate::delivery::StandardStream;
use crate::error::Error;
use crate::launch::Streams;
use crate::script::{Action, Needs, Ready, StreamName, When};

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
        if self.window.is_some_and(|window| window.rows == 0 || window.columns == 0) {
            return wrong("`window_size`: a window has at least one row and one column".to_owned());
        }
        let mut gone = Gone::default();
        for step in &self.steps {
            let action = &step.action;
            let unread = match &step.when {
                When::Gate(gate) => gone.makes_vain(gate),
                When::After(_) => false,
            };
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
            } else if unread {
                "the gate never opens: a step before has seen to it that what it waits for is not read"
            } else if let Some(why) = gone.forbids(action) {
                why
            } else if matches!(action, Action::Escalate { grace, .. } if *grace > self.timeout) {
                "the grace is longer than the run may take in all (`timeout`)"
            } else if matches!(action, Action::Resize { rows: 0, .. } | Action::Resize { columns: 0, .. }) {
                "a window has at least one row and one column"
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
    stdout: Reader,
    stderr: Reader,
    done: bool,
}

/// What became of who reads a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    Reads,
    Pauses,
    Gone,
}

impl Gone {
    fn reader(&mut self, stream: StandardStream) -> Option<&mut Reader> {
        match stream {
            StandardStream::Stdin => None,
            StandardStream::Stdout => Some(&mut self.stdout),
            StandardStream::Stderr => Some(&mut self.stderr),
        }
    }

    /// Whether a gate waits for what nobody reads.
    fn makes_vain(&self, gate: &Ready) -> bool {
        let stdout = self.terminal || self.stdout != Reader::Reads;
        let stderr = self.stderr != Reader::Reads;
        gate.waits_for(|stream| match stream {
            StreamName::Stdout => stdout,
            StreamName::Stderr => stderr,
        })
    }

    /// Why an action on a stream's reader contradicts those before.
    fn forbids(&mut self, action: &Action) -> Option<&'static str> {
        let (Action::Close(stream) | Action::Pause(stream) | Action::Resume(stream)) = action else {
            return None;
        };
        match (*self.reader(*stream)?, action) {
            (Reader::Gone, _) => Some("a step before has closed that stream"),
            (Reader::Pauses, Action::Pause(_)) => Some("a step before has paused it already"),
            (Reader::Reads, Action::Resume(_)) => Some("no step before has paused it"),
            _ => None,
        }
    }

    fn note(&mut self, action: &Action) {
        match action {
            Action::HangUp => self.terminal = true,
            Action::Close(StandardStream::Stdin) => self.stdin = true,
            Action::Escalate { .. } => self.done = true,
            Action::Close(stream) => self.becomes(*stream, Reader::Gone),
            Action::Pause(stream) => self.becomes(*stream, Reader::Pauses),
            Action::Resume(stream) => self.becomes(*stream, Reader::Reads),
            _ => {}
        }
    }

    fn becomes(&mut self, stream: StandardStream, reader: Reader) {
        if let Some(place) = self.reader(stream) {
            *place = reader;
        }
    }
}
