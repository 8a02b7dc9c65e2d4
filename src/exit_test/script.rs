//! The steps of a script, as a test writes them down.

use std::time::Duration;

use crate::delivery::Key;
use crate::error::Error;
use crate::launch::Streams;
use crate::script::{Action, Needs, Ready, Step, When};
use crate::signal::Signal;

use super::ExitTest;

/// The window of a terminal where nothing else is said, as it has been since the VT100.
const USUAL_WINDOW: Window = Window { rows: 24, columns: 80 };

/// The size of a terminal's window, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    rows: u16,
    columns: u16,
}

/// Steps of the script.
impl ExitTest {
    /// Holds the script back until the gate opens. A target that ends before it does fails the run.
    pub fn ready_when(mut self, gate: Ready) -> Self {
        if !self.steps.is_empty() {
            self.mistake("`ready_when` comes before the steps of the script, which count from it");
        }
        if self.ready.is_some() {
            self.mistake("there is one `ready_when`; combine gates with `and` and `or`");
        }
        self.ready = Some(gate);
        self
    }

    /// Sends a signal to the target this long after the step before; the first step counts from
    /// readiness, or without `ready_when` from the start.
    ///
    /// The signal goes to the target alone, through its pidfd. It never reaches another process.
    pub fn signal_after(self, signal: Signal, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Signal(signal))
    }

    /// Sends a signal to the target when a gate opens, which looks at what comes after the gate
    /// before.
    pub fn signal_when(self, signal: Signal, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Signal(signal))
    }

    fn step(mut self, when: When, action: Action) -> Self {
        self.steps.push(Step { when, action });
        self
    }
}

/// Steps at a terminal.
impl ExitTest {
    /// Runs the target at a terminal of its own: a pseudo-terminal is its stdin, stdout and stderr and its
    /// controlling terminal, and the target leads a session and the process group in the foreground.
    ///
    /// What appears at the terminal is what [`stdout`](crate::ExitAssert::stdout) and
    /// [`Ready::stdout`] see: stdout and stderr as one stream, its lines ended by `\r\n`, with the echo of
    /// what is typed (`^C` for Ctrl-C) unless the program turns that off. An assertion on stderr fails.
    /// Nothing is typed but what the script types; [`stdin`](Self::stdin) is refused.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("sh")
    ///     .args(["-c", "trap 'echo leaving; exit 3' INT; echo working; while :; do sleep 0.01; done"])
    ///     .pty()
    ///     .ready_when(Ready::stdout("working"))
    ///     .interrupt_after(ms(10))
    ///     .cleanup_ran("leaving")
    ///     .code(3);
    /// ```
    pub const fn pty(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// The size of the terminal's window, in characters; 24 rows of 80 columns if nothing is said.
    pub const fn window_size(mut self, rows: u16, columns: u16) -> Self {
        self.window = Some(Window { rows, columns });
        self
    }

    /// Types Ctrl-C at the target's terminal: the character that the terminal takes for it at that moment
    /// (`VINTR`), of which the terminal makes a SIGINT to its whole foreground process group, or, where the
    /// program has turned that off (`ISIG`), a character to be read.
    ///
    /// It needs [`pty`](Self::pty), as all steps at a terminal do. The time counts from the step before.
    pub fn interrupt_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Press(Key::Interrupt))
    }

    /// Like [`interrupt_after`](Self::interrupt_after), when a gate opens.
    pub fn interrupt_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Press(Key::Interrupt))
    }

    /// Types Ctrl-\ (`VQUIT`), of which the terminal makes a SIGQUIT.
    pub fn quit_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Press(Key::Quit))
    }

    /// Like [`quit_after`](Self::quit_after), when a gate opens.
    pub fn quit_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Press(Key::Quit))
    }

    /// Types Ctrl-Z (`VSUSP`), of which the terminal makes a SIGTSTP.
    ///
    /// A shell's foreground job stops. The target itself, which leads the session, does not: nobody in its
    /// session could continue it, and the kernel drops a SIGTSTP to such a process unless it has a handler
    /// for it.
    pub fn suspend_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Press(Key::Suspend))
    }

    /// Like [`suspend_after`](Self::suspend_after), when a gate opens.
    pub fn suspend_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Press(Key::Suspend))
    }

    /// Types Ctrl-D (`VEOF`): the end of the input where nothing was typed in the current line, else the end
    /// of that without a newline.
    pub fn end_of_input_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Press(Key::EndOfInput))
    }

    /// Like [`end_of_input_after`](Self::end_of_input_after), when a gate opens.
    pub fn end_of_input_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Press(Key::EndOfInput))
    }

    /// Types a text. A line ends with `\n`; as long as the terminal is read line by line it is read when it
    /// has ended, and a line of more than 4095 bytes is cut by the terminal.
    ///
    /// What is typed before a program turns the echo off is echoed, and a program that asks for a password
    /// may throw it away: wait for the question with [`type_when`](Self::type_when).
    pub fn type_after(self, text: impl Into<Vec<u8>>, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Type(text.into()))
    }

    /// Types a text when a gate opens.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("sh")
    ///     .args(["-c", "printf 'name: '; read name; echo hello $name"])
    ///     .pty()
    ///     .type_when("Ada\n", Ready::stdout("name: "))
    ///     .stdout("name: Ada\r\nhello Ada\r\n")
    ///     .success();
    /// ```
    pub fn type_when(self, text: impl Into<Vec<u8>>, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Type(text.into()))
    }

    /// Takes the terminal away, as where its window is closed or the connection lost: the target is sent
    /// SIGHUP, reads find the end of the input, and writes fail.
    ///
    /// The rest of the foreground process group gets its SIGHUP when the target, which leads the session,
    /// ends; there is little time for it then, for what the target leaves is killed.
    pub fn hang_up_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::HangUp)
    }

    /// Like [`hang_up_after`](Self::hang_up_after), when a gate opens.
    pub fn hang_up_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::HangUp)
    }

    /// Where the standard streams are to lead.
    pub(super) fn streams(&self) -> Streams {
        let Window { rows, columns } = self.window.unwrap_or(USUAL_WINDOW);
        if self.terminal {
            Streams::Terminal { rows, columns }
        } else {
            Streams::Pipes { stdin: self.stdin.is_some() }
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
        let mut hung_up = false;
        for step in &self.steps {
            if step.action.needs_terminal() && !self.terminal {
                return wrong(format!("{step}: that needs a terminal, and the target has none: add `pty()`"));
            }
            if step.action.needs_terminal() && hung_up {
                return wrong(format!("{step}: a step before has hung the terminal up"));
            }
            if step.action == Action::Type(Vec::new()) {
                return wrong(format!("{step}: there is nothing to type"));
            }
            hung_up |= step.action == Action::HangUp;
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
