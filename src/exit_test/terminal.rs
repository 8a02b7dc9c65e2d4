//! The steps of a script at a terminal, as a test writes them down.

use std::time::Duration;

use crate::delivery::Key;
use crate::script::{Action, Ready, When};

use super::ExitTest;

/// The window of a terminal where nothing else is said, as it has been since the VT100.
pub(super) const USUAL_WINDOW: Window = Window { rows: 24, columns: 80 };

/// The size of a terminal's window, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) rows: u16,
    pub(super) columns: u16,
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

    /// The size of the terminal's window at the start, in characters; 24 rows of 80 columns if nothing is said.
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

    /// Gives the terminal's window another size, in characters, as where somebody pulls at it. Where it is another,
    /// the foreground process group is sent SIGWINCH.
    ///
    /// A program that has asked for the size before and has no handler for the signal yet does not learn of it: let
    /// the step wait for a gate ([`resize_when`](Self::resize_when)).
    pub fn resize_after(self, rows: u16, columns: u16, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Resize { rows, columns })
    }

    /// Like [`resize_after`](Self::resize_after), when a gate opens.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("sh")
    ///     .args(["-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"])
    ///     .pty()
    ///     .resize_when(50, 132, Ready::stdout("ready"))
    ///     .stdout("ready\r\n50 132\r\n")
    ///     .success();
    /// ```
    pub fn resize_when(self, rows: u16, columns: u16, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Resize { rows, columns })
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
}
