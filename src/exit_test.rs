//! The plan of a run: what to run, with what, and what to do to it. Nothing happens before the first
//! assertion, or before [`ExitTest::run`].

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Termination};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::exit::Exit;
#[cfg(target_os = "linux")]
use crate::launch::Job;
use crate::launch::{self, EnvironmentChanges, Input, Subject};
#[cfg(target_os = "linux")]
use crate::observe::{self, Orders};
use crate::report;
use crate::script::{Action, Ready, Step, When};
use crate::signal::Signal;
#[cfg(target_os = "linux")]
use crate::sys::clock::Moment;
use crate::sys::function::{self, Trampoline};

/// The time a run may take where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// No run is given longer than this; a longer time could not be added to a clock.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

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
    timeout: Duration,
    capture_limit: usize,
    core_dumps: bool,
    ready: Option<Ready>,
    steps: Vec<Step>,
    allow_early_end: bool,
    checks: Vec<CleanupCheck>,
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

/// Runs a function in a fresh process of its own, where it is to exit.
///
/// The process has nothing of the test process but its environment and its working directory at the
/// time of the run: no threads, no locks, no open files, no changes to statics. `f` must capture
/// nothing; a closure that does is a compile-time error. A panic ends the process with 101, and a
/// returned `Result` or `ExitCode` as it would from `main`.
///
/// ```
/// use exeunt::prelude::*;
///
/// assert_exit(|| std::process::exit(3)).code(3);
/// ```
///
/// A closure that captures does not compile:
///
/// ```compile_fail
/// let code = std::env::args().count() as i32;
/// exeunt::assert_exit(|| std::process::exit(code)).code(1);
/// ```
pub fn assert_exit<F, T>(f: F) -> ExitTest
where
    F: FnOnce() -> T,
    T: Termination,
{
    let name = function_name::<F>();
    ExitTest::of_function(name, function::without_arguments(f), Vec::new())
}

/// Runs a function in a fresh process of its own, with arguments that are serialised there.
///
/// Like [`assert_exit`]; `args` is handed to `f` in the new process. The format keeps every value of
/// a type with derived serde implementations apart: NaN, infinities, nested options. It cannot carry
/// types that describe themselves (`#[serde(flatten)]`, `untagged`) nor a `PathBuf` that is not UTF-8
/// (an `OsString` is carried as it is); such arguments are an error, never a wrong value.
///
/// ```
/// use exeunt::prelude::*;
///
/// let code = 40 + 2;
/// assert_exit_with(code, |code| std::process::exit(code)).code(42);
/// ```
pub fn assert_exit_with<A, F, T>(args: A, f: F) -> ExitTest
where
    A: Serialize + DeserializeOwned,
    F: FnOnce(A) -> T,
    T: Termination,
{
    let name = function_name::<F>();
    let trampoline = function::with_arguments::<A, F, T>(f);
    match serialise(&args) {
        Ok(input) => ExitTest::of_function(name, trampoline, input),
        Err(error) => ExitTest::new(Err(error), name),
    }
}

/// Runs a function in a forked copy of the test process. It may capture anything, by reference too.
///
/// The copy is made at this call; what the test changes afterwards it does not see. What `f` owns
/// lives on in the copy and is not dropped here. The function inherits the test process's open files
/// and its exit hooks, but neither its signal handlers nor its other threads.
///
/// # Errors
///
/// A copy of a process with other threads can inherit a lock that nobody will release. So the run is
/// refused unless the process is dedicated to this test: inside [`isolated!`](crate::isolated), under
/// nextest, or with one test thread.
///
/// ```
/// use exeunt::prelude::*;
///
/// let code = std::env::args().count() as i32 + 6;
/// assert_exit_forked(|| std::process::exit(code)).code(7);
/// ```
pub fn assert_exit_forked<F, T>(f: F) -> ExitTest
where
    F: FnOnce() -> T,
    T: Termination,
{
    let forked = launch::fork_now(|| -> ExitCode { f().report() });
    ExitTest::new(forked.map(Subject::Forked), function_name::<F>())
}

/// A program by its path, or by a name that is looked up in `PATH`.
///
/// A relative path with a slash counts from the working directory of the test process.
///
/// ```
/// use exeunt::prelude::*;
///
/// program("true").success();
/// ```
pub fn program(path_or_name: impl AsRef<OsStr>) -> ExitTest {
    let name = path_or_name.as_ref().to_owned();
    let subject = Subject::Program(name);
    let described = launch::describe(&subject);
    ExitTest::new(Ok(subject), described)
}

/// A program that cargo built in this workspace, by name; [`cargo_bin!`](crate::cargo_bin!) knows its
/// path from cargo itself where it can.
///
/// Also found are examples. A name that nothing has is an error that names those that are near.
pub fn cargo_bin(name: impl Into<String>) -> ExitTest {
    ExitTest::cargo_bin_at(name.into(), None)
}

fn function_name<F>() -> String {
    let name = std::any::type_name::<F>();
    // `app::tests::it_exits::{{closure}}` says more without its last part.
    format!("function `{}`", name.trim_end_matches("::{{closure}}"))
}

/// Serialises arguments, and makes sure that the other side will see the same.
fn serialise<A: Serialize + DeserializeOwned>(args: &A) -> Result<Vec<u8>, Error> {
    let lost = |why: String| Error::arguments(why);
    let bytes = postcard::to_stdvec(args).map_err(|error| {
        lost(format!(
            "they cannot be serialised: {error} (a path that is not UTF-8 travels as an `OsString`)"
        ))
    })?;
    let back: A = postcard::from_bytes(&bytes)
        .map_err(|error| lost(format!("what is serialised cannot be read back: {error}")))?;
    let again = postcard::to_stdvec(&back).map_err(|error| lost(error.to_string()))?;
    if again != bytes {
        return Err(lost(
            "they change on the way: their `Serialize` and `Deserialize` do not fit each other in a format \
             that does not describe itself (is there a `skip_serializing_if`, `flatten` or `untagged`?)"
                .to_owned(),
        ));
    }
    Ok(bytes)
}

/// A duration times `EXEUNT_TIMEOUT_SCALE`.
pub(crate) fn scaled(duration: Duration) -> Duration {
    timeout_scale().map_or(duration, |scale| {
        Duration::try_from_secs_f64(duration.as_secs_f64() * scale).unwrap_or(LONGEST_TIMEOUT)
    })
}

/// `EXEUNT_TIMEOUT_SCALE`, where it is set to a number above zero.
fn timeout_scale() -> Option<f64> {
    let text = std::env::var("EXEUNT_TIMEOUT_SCALE").ok()?;
    text.trim().parse().ok().filter(|scale: &f64| scale.is_finite() && *scale > 0.0)
}

/// Says what is wrong with `EXEUNT_TIMEOUT_SCALE`, if anything.
fn check_timeout_scale() -> Result<(), Error> {
    match std::env::var_os("EXEUNT_TIMEOUT_SCALE") {
        Some(text) if !text.is_empty() && timeout_scale().is_none() => Err(Error::bad_input(format!(
            "EXEUNT_TIMEOUT_SCALE must be a number above zero, such as 10 or 0.5; it is {text:?}"
        ))),
        _ => Ok(()),
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
            timeout: DEFAULT_TIMEOUT,
            capture_limit: DEFAULT_CAPTURE,
            core_dumps: false,
            ready: None,
            steps: Vec::new(),
            allow_early_end: false,
            checks: Vec::new(),
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

    /// Accepts a target that ends before the whole script was carried out, which otherwise fails.
    pub const fn allow_early_end(mut self) -> Self {
        self.allow_early_end = true;
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
    fn carry_out(self, subject: Subject, observe_for: Option<Duration>) -> Result<Exit, Error> {
        let timeout = scaled(self.timeout);
        let deadline = Moment::now().plus(timeout);
        let name = report::subject(&self.name, &self.arguments);
        let live = launch::start(&Job {
            subject: &subject,
            arguments: &self.arguments,
            environment: &self.environment,
            directory: self.directory.as_deref(),
            stdin: self.stdin.is_some(),
            core_dumps: self.core_dumps,
            announce: self.ready.is_some() || !self.steps.is_empty() || observe_for.is_some(),
            deadline,
        })?;
        observe::observe(
            live,
            Orders {
                subject: &subject,
                name,
                stdin: self.stdin.as_deref(),
                ready: self.ready,
                steps: self.steps,
                allow_early_end: self.allow_early_end,
                capture_limit: self.capture_limit,
                timeout,
                deadline,
                observe_for,
                checks: &self.checks,
            },
        )
    }
}

/// Takes over the program, its arguments, environment and directory.
///
/// What std does not tell of a `Command` (redirected streams, `pre_exec`, user and group, a zeroth
/// argument) is not taken over: the streams are exeunt's.
impl From<Command> for ExitTest {
    fn from(command: Command) -> Self {
        let mut test = program(command.get_program()).args(command.get_args());
        if clears_environment(&command) {
            test = test.env_clear();
        }
        for (name, value) in command.get_envs() {
            test = match value {
                Some(value) => test.env(name, value),
                None => test.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            test = test.current_dir(directory);
        }
        test
    }
}

/// Whether `env_clear` was called. std tells only in what `Debug` prints: a command line for a
/// shell, which then runs `env -i`.
fn clears_environment(command: &Command) -> bool {
    let shown = format!("{command:?}");
    let shown = match command.get_current_dir() {
        Some(directory) => shown.strip_prefix(&format!("cd {directory:?} && ")).unwrap_or(&shown),
        None => &shown,
    };
    shown.starts_with("env -i ")
}

#[cfg(test)]
mod tests {
    use super::clears_environment;
    use std::process::Command;

    #[test]
    fn a_commands_env_clear_is_seen() {
        assert!(!clears_environment(&Command::new("env")));
        assert!(!clears_environment(Command::new("env").args(["-i", "x"])));
        assert!(!clears_environment(Command::new("x").env_remove("HOME")));
        assert!(clears_environment(Command::new("x").env_clear()));
        assert!(clears_environment(Command::new("x").env_clear().env("A", "b").current_dir("/tmp")));
    }
}
