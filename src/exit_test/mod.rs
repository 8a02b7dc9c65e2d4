//! The plan of a run: what to run, with what, and what to do to it. Nothing happens before the first
//! assertion, or before [`ExitTest::run`].

mod arguments;
mod check;
mod command;
mod evidence;
mod scale;
mod script;
mod start;
mod terminal;

pub use evidence::Question;
pub(crate) use evidence::{WatchedPath, Watching};
pub(crate) use scale::scaled;
pub use start::{assert_exit, assert_exit_forked, assert_exit_with, cargo_bin, program};

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::exit::Exit;

use scale::{LONGEST_TIMEOUT, check_timeout_scale};
use terminal::Window;

#[cfg(target_os = "linux")]
use crate::launch::Job;
use crate::launch::{self, EnvironmentChanges, Input, Subject};
#[cfg(target_os = "linux")]
use crate::observe::{self, Lookout, Orders};
use crate::report;
#[cfg(target_os = "linux")]
use crate::script::Action;
use crate::script::{Ready, Step, When};
#[cfg(target_os = "linux")]
use crate::sys::clock::Moment;
use crate::sys::function::Trampoline;

/// The time a run may take where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of each stream is kept where nothing else is said: 16 MiB.
const DEFAULT_CAPTURE: usize = 16 * 1024 * 1024;

/// A label and the question whether its clean-up was done.
pub(crate) type CleanupCheck = (String, Box<dyn Fn() -> bool>);

/// The plan of a run: a function or a program, its surroundings, and what is done to it.
///
/// It is carried out by the first assertion (see [`ExitAssert`](crate::ExitAssert)), or by
/// [`run`](Self::run).
///
/// ```
/// use exeunt::prelude::*;
///
/// program("sh").args(["-c", "echo hello; exit 3"]).code(3).stdout("hello\n");
/// ```
#[must_use = "an exit test that is not asserted does not run"]
pub struct ExitTest {
    subject: Result<Subject, Error>,
    name: String,
    arguments: Vec<OsString>,
    environment: EnvironmentChanges,
    directory: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    terminal: bool,
    window: Option<Window>,
    timeout: Duration,
    step_timeout: Option<Duration>,
    backtraces: bool,
    capture_limit: usize,
    core_dumps: bool,
    traced: bool,
    ready: Option<Ready>,
    steps: Vec<Step>,
    allow_early_end: bool,
    checks: Vec<CleanupCheck>,
    watching: Watching,
    context: Vec<(String, String)>,
    /// The first mistake in the plan, told when it is to be carried out.
    mistake: Option<Error>,
}

impl fmt::Debug for ExitTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitTest")
            .field("subject", &self.name)
            .field("arguments", &self.arguments)
            .field("environment", &self.environment)
            .field("directory", &self.directory)
            .field("timeout", &self.timeout)
            .field("ready", &self.ready)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl ExitTest {
    fn new(subject: Result<Subject, Error>, name: String) -> Self {
        Self {
            subject,
            name,
            arguments: Vec::new(),
            environment: EnvironmentChanges::default(),
            directory: None,
            stdin: None,
            terminal: false,
            window: None,
            timeout: DEFAULT_TIMEOUT,
            step_timeout: None,
            backtraces: false,
            capture_limit: DEFAULT_CAPTURE,
            core_dumps: false,
            traced: false,
            ready: None,
            steps: Vec::new(),
            allow_early_end: false,
            checks: Vec::new(),
            watching: Watching::default(),
            context: Vec::new(),
            mistake: None,
        }
    }

    fn of_function(name: String, trampoline: Trampoline, input: Vec<u8>) -> Self {
        let subject = launch::function_by_address(trampoline)
            .map(|address| Subject::Function { address, input: Input(input) });
        Self::new(subject, name)
    }

    /// For [`cargo_bin!`](crate::cargo_bin!).
    pub(crate) fn cargo_bin_at(name: String, known_path: Option<PathBuf>) -> Self {
        let subject = Subject::CargoBin { name, known_path };
        let described = launch::describe(&subject);
        Self::new(Ok(subject), described)
    }

    fn mistake(&mut self, text: impl Into<String>) {
        if self.mistake.is_none() {
            self.mistake = Some(Error::bad_input(text));
        }
    }

    /// Adds an argument. A function sees them in `std::env::args()`.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.arguments.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.arguments.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable for the target, which otherwise has those of the test process.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.variables.insert(name.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self
    }

    /// Takes an environment variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.variables.insert(name.as_ref().to_owned(), None);
        self
    }

    /// Takes all environment variables away, also those set before this call. Only `EXEUNT_PROBE`
    /// remains, which names the mark file.
    pub fn env_clear(mut self) -> Self {
        self.environment = EnvironmentChanges { clear: true, ..EnvironmentChanges::default() };
        self
    }

    /// Runs the target in this directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Gives the target these bytes on its stdin, then the end of input. Without this its stdin is
    /// empty from the beginning.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// How long the run may take in all; 30 s if nothing is said. Then the target and all it started
    /// are killed, and the ending is [`Ending::TimedOut`](crate::Ending::TimedOut).
    ///
    /// Multiplied by the environment variable `EXEUNT_TIMEOUT_SCALE`. Zero is refused; more than a
    /// year counts as a year.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if timeout.is_zero() {
            self.mistake("a timeout of zero gives the target no time at all");
        }
        self.timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// At a deadline, asks gdb for a backtrace of every thread of what is still running, the target first, four
    /// processes at the most ([`Stuck::backtrace`](crate::Stuck::backtrace)). It takes seconds, ten at the most.
    ///
    /// Where gdb is not installed, or may not look into the process (`/proc/sys/kernel/yama/ptrace_scope`; a
    /// target that is [`traced`](Self::traced)), the report says so instead.
    pub const fn backtraces(mut self, wanted: bool) -> Self {
        self.backtraces = wanted;
        self
    }

    /// How many bytes of each output stream are kept; 16 MiB if nothing is said. Of a longer stream
    /// the first and the last half of that are kept, and what was left out is counted.
    pub const fn capture_limit(mut self, bytes: usize) -> Self {
        self.capture_limit = bytes;
        self
    }

    /// Lets the target leave a core dump, as far as the system's hard limit allows. Otherwise it
    /// leaves none.
    pub const fn core_dumps(mut self, allowed: bool) -> Self {
        self.core_dumps = allowed;
        self
    }

    /// Follows every process that comes from the target, by `ptrace`, from its making to its end. Then
    /// [`Exit::tree`](crate::Exit::tree) is complete, and the timeline tells who sent each signal.
    ///
    /// What it runs can see that it is traced, and cannot be traced by itself (`strace`, `gdb`); each fork and
    /// each signal takes a few microseconds longer.
    pub const fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Accepts a target that ends before the whole script was carried out, which otherwise fails.
    pub const fn allow_early_end(mut self) -> Self {
        self.allow_early_end = true;
        self
    }

    /// Adds a line of the test's own to the reports of failing assertions, as assert_cmd's
    /// `append_context` does.
    pub fn append_context(mut self, name: impl Into<String>, context: impl fmt::Display) -> Self {
        self.context.push((name.into(), context.to_string()));
        self
    }

    /// Adds a piece of evidence for programs that cannot be changed: `check` is called once, after
    /// the end, and `cleanup_ran(label)` holds if it said true.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let lock = directory.path().join("lock");
    /// # let path = lock.clone();
    /// program("sh")
    ///     .args(["-c", "trap 'rm \"$0\"' EXIT; : > \"$0\""])
    ///     .arg(&lock)
    ///     .cleanup_check("lock removed", move || !path.exists())
    ///     .cleanup_ran("lock removed")
    ///     .success();
    /// ```
    pub fn cleanup_check(mut self, label: impl Into<String>, check: impl Fn() -> bool + 'static) -> Self {
        self.checks.push((label.into(), Box::new(check)));
        self
    }

    /// Carries the plan out and returns the facts. The assertions do the same and panic with an error.
    ///
    /// # Errors
    ///
    /// Fails where the target could not be started, where the script was not carried out, and where
    /// the harness itself was in trouble; never because of how the target ended.
    pub fn run(self) -> Result<Exit, Error> {
        self.run_observed(None)
    }

    /// Carries the plan out; with a time, ends the target this long after its script.
    pub(crate) fn run_observed(mut self, observe_for: Option<Duration>) -> Result<Exit, Error> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        self.check_script()?;
        check_timeout_scale()?;
        let subject = std::mem::replace(&mut self.subject, Err(Error::bad_input("taken")))?;
        let gates =
            self.ready.iter_mut().chain(self.steps.iter_mut().filter_map(|step| match &mut step.when {
                When::Gate(gate) => Some(gate),
                When::After(_) => None,
            }));
        for gate in gates {
            gate.prepare()?;
        }
        self.carry_out(subject, observe_for)
    }

    #[cfg(not(target_os = "linux"))]
    fn carry_out(self, _: Subject, _: Option<Duration>) -> Result<Exit, Error> {
        launch::run()
    }

    #[cfg(target_os = "linux")]
    fn carry_out(mut self, subject: Subject, observe_for: Option<Duration>) -> Result<Exit, Error> {
        for step in &mut self.steps {
            if let Action::Escalate { grace, .. } = &mut step.action {
                *grace = scaled(*grace);
            }
        }
        let timeout = scaled(self.timeout);
        let deadline = Moment::now().plus(timeout);
        let scripted_stdin = self.scripts_stdin();
        let name = report::subject(&self.name, &self.arguments);
        // Before the start, for what comes and goes right after it.
        let lookout = Lookout::new(std::mem::take(&mut self.watching))?;
        let live = launch::start(&Job {
            subject: &subject,
            arguments: &self.arguments,
            environment: &self.environment,
            directory: self.directory.as_deref(),
            temp_dir: lookout.temp_dir(),
            streams: self.streams(),
            core_dumps: self.core_dumps,
            follow: self.traced,
            announce: self.ready.is_some() || !self.steps.is_empty() || observe_for.is_some(),
            deadline,
        })?;
        observe::observe(
            live,
            Orders {
                subject: &subject,
                name,
                stdin: self.stdin.as_deref(),
                scripted_stdin,
                step_timeout: self.step_timeout.map(scaled),
                backtraces: self.backtraces,
                ready: self.ready,
                steps: self.steps,
                allow_early_end: self.allow_early_end,
                capture_limit: self.capture_limit,
                timeout,
                deadline,
                observe_for,
                checks: &self.checks,
                lookout,
                context: self.context,
            },
        )
    }
}
