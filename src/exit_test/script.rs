//! The steps of a script, as a test writes them down: signals, streams, the end by force. Those at a terminal
//! are in `terminal`.

use std::time::Duration;

use crate::delivery::{Recipient, StandardStream};
use crate::script::{Action, Ready, Step, When};
use crate::signal::Signal;

use super::ExitTest;

/// Steps of the script: signals.
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
        self.step(When::After(delay), Action::Signal { signal, to: Recipient::Target, value: None })
    }

    /// Sends a signal to the target when a gate opens, which looks at what comes after the gate
    /// before.
    pub fn signal_when(self, signal: Signal, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Signal { signal, to: Recipient::Target, value: None })
    }

    /// Sends a signal to the target's whole process group, as a terminal's Ctrl-C or `kill -- -PID` would.
    ///
    /// The target leads a group of its own, in which all are that it starts, unless they leave it (`setpgid`,
    /// `setsid`, the jobs of an interactive shell).
    pub fn group_signal_after(self, signal: Signal, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Signal { signal, to: Recipient::Group, value: None })
    }

    /// Like [`group_signal_after`](Self::group_signal_after), when a gate opens.
    pub fn group_signal_when(self, signal: Signal, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Signal { signal, to: Recipient::Group, value: None })
    }

    /// Queues a signal with a value for the target, as `sigqueue` does. A handler of `SA_SIGINFO` and
    /// `sigwaitinfo` find it in `si_value`. Of a signal that is pending already, only real-time signals come
    /// once more.
    pub fn queue_after(self, signal: Signal, value: i32, delay: Duration) -> Self {
        let to = Recipient::Target;
        self.step(When::After(delay), Action::Signal { signal, to, value: Some(value) })
    }

    /// Like [`queue_after`](Self::queue_after), when a gate opens.
    pub fn queue_when(self, signal: Signal, value: i32, gate: Ready) -> Self {
        let to = Recipient::Target;
        self.step(When::Gate(gate), Action::Signal { signal, to, value: Some(value) })
    }

    /// Stops the target with SIGSTOP, and waits until it has stopped, which is no ending.
    pub fn stop_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Stop)
    }

    /// Like [`stop_after`](Self::stop_after), when a gate opens.
    pub fn stop_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Stop)
    }

    /// Lets the target go on with SIGCONT. A signal that came while it was stopped takes effect now.
    pub fn continue_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Continue)
    }

    /// Asks the target to leave, right after the step before, and forces it if it has not after the grace:
    /// `signal` first, SIGKILL then. It is the last step.
    ///
    /// A target that leaves in time has not been forced ([`Exit::forced`](crate::Exit::forced)). After one that
    /// was, its code is nobody's but SIGKILL's, and `within` fails however soon that worked. The grace is
    /// multiplied by `EXEUNT_TIMEOUT_SCALE`; it must fit into [`timeout`](Self::timeout).
    ///
    /// So an orchestrator stops a container: a wait before (here by the gate of
    /// [`escalate_when`](Self::escalate_when)), SIGTERM to its first process, a grace, SIGKILL.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// let service = |on_term: &str| {
    ///     let script = format!("trap '{on_term}' TERM; echo ready; while :; do sleep 0.01; done");
    ///     program("sh").args(["-c", &script]).ready_when(Ready::stdout("ready"))
    /// };
    /// service("exit 0").escalate(SIGTERM, secs(20)).success();
    ///
    /// let exit = service("").escalate(SIGTERM, ms(100)).killed_by(SIGKILL);
    /// assert!(exit.forced().is_some_and(|grace| grace >= ms(100)));
    /// ```
    pub fn escalate(self, signal: Signal, grace: Duration) -> Self {
        self.escalate_when(signal, grace, Ready::delay(Duration::ZERO))
    }

    /// Like [`escalate`](Self::escalate), when a gate opens.
    pub fn escalate_when(self, signal: Signal, grace: Duration, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Escalate { signal, grace, kill: Recipient::Target })
    }

    /// Like [`escalate`](Self::escalate), with a SIGKILL to the whole process group: so a service manager ends
    /// a service whose `KillMode` is `mixed`.
    pub fn escalate_to_group(self, signal: Signal, grace: Duration) -> Self {
        let gate = Ready::delay(Duration::ZERO);
        self.step(When::Gate(gate), Action::Escalate { signal, grace, kill: Recipient::Group })
    }

    /// How long each gate, that of [`ready_when`](Self::ready_when) included, may take to open after the step
    /// before; and how long what is written and typed may take, from when it is due, until it is taken. Otherwise
    /// only the deadline of the run ends the wait. Multiplied by `EXEUNT_TIMEOUT_SCALE`.
    pub fn step_timeout(mut self, time: Duration) -> Self {
        if time.is_zero() {
            self.mistake("a step timeout of zero gives the target no time at all");
        }
        self.step_timeout = Some(time);
        self
    }
}

/// Steps of the script: streams.
impl ExitTest {
    /// Writes a text to the target's stdin.
    ///
    /// What [`stdin`](Self::stdin) gives comes before. The input ends with the last step that writes, or, where
    /// there is one, with [`close_stdin_after`](Self::close_stdin_after).
    pub fn write_stdin_after(self, text: impl Into<Vec<u8>>, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Write(text.into()))
    }

    /// Like [`write_stdin_after`](Self::write_stdin_after), when a gate opens.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("sh")
    ///     .args(["-c", "read a; echo got $a; read b; echo got $b"])
    ///     .write_stdin_after("one\n", ms(0))
    ///     .write_stdin_when("two\n", Ready::stdout("got one"))
    ///     .stdout("got one\ngot two\n");
    /// ```
    pub fn write_stdin_when(self, text: impl Into<Vec<u8>>, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Write(text.into()))
    }

    /// Ends the target's input. Until then its stdin is a pipe to which what was given by
    /// [`stdin`](Self::stdin) and `write_stdin_after` is written.
    pub fn close_stdin_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Close(StandardStream::Stdin))
    }

    /// Like [`close_stdin_after`](Self::close_stdin_after), when a gate opens.
    pub fn close_stdin_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Close(StandardStream::Stdin))
    }

    /// Takes the reader of the target's stdout away, as `| head -1` does: who writes there afterwards gets a
    /// SIGPIPE, or where that is ignored an error (`EPIPE`). What was written before is kept.
    pub fn close_stdout_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Close(StandardStream::Stdout))
    }

    /// Like [`close_stdout_after`](Self::close_stdout_after), when a gate opens.
    pub fn close_stdout_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Close(StandardStream::Stdout))
    }

    /// Like [`close_stdout_after`](Self::close_stdout_after), for stderr.
    pub fn close_stderr_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Close(StandardStream::Stderr))
    }

    /// Like [`close_stderr_after`](Self::close_stderr_after), when a gate opens.
    pub fn close_stderr_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Close(StandardStream::Stderr))
    }

    /// Stops reading the target's stdout: when the pipe is full (64 KiB), whoever writes there waits. It goes
    /// on with [`resume_stdout_after`](Self::resume_stdout_after), at the latest after the target's end.
    pub fn pause_stdout_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Pause(StandardStream::Stdout))
    }

    /// Like [`pause_stdout_after`](Self::pause_stdout_after), when a gate opens.
    pub fn pause_stdout_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Pause(StandardStream::Stdout))
    }

    /// Reads the target's stdout again.
    pub fn resume_stdout_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Resume(StandardStream::Stdout))
    }

    /// Like [`resume_stdout_after`](Self::resume_stdout_after), when a gate opens.
    pub fn resume_stdout_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Resume(StandardStream::Stdout))
    }

    /// Like [`pause_stdout_after`](Self::pause_stdout_after), for stderr.
    pub fn pause_stderr_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Pause(StandardStream::Stderr))
    }

    /// Like [`pause_stderr_after`](Self::pause_stderr_after), when a gate opens.
    pub fn pause_stderr_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Pause(StandardStream::Stderr))
    }

    /// Reads the target's stderr again.
    pub fn resume_stderr_after(self, delay: Duration) -> Self {
        self.step(When::After(delay), Action::Resume(StandardStream::Stderr))
    }

    /// Like [`resume_stderr_after`](Self::resume_stderr_after), when a gate opens.
    pub fn resume_stderr_when(self, gate: Ready) -> Self {
        self.step(When::Gate(gate), Action::Resume(StandardStream::Stderr))
    }

    pub(super) fn step(mut self, when: When, action: Action) -> Self {
        self.steps.push(Step { when, action });
        self
    }
}
