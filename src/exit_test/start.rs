//! The ways to name what is to run: a function, a program, what cargo built.

use std::ffi::OsStr;
use std::process::{ExitCode, Termination};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::launch::{self, Subject};
use crate::sys::function::{self, NoCaptures};

use super::{ExitTest, arguments};

/// Runs a function in a fresh process of its own, where it is to exit.
///
/// The process has nothing of the test process but its environment and its working directory at the
/// time of the run: no threads, no locks, no open files, no changes to statics. `f` must capture
/// nothing; a closure that does is a compile-time error. A panic ends the process with 101, and a
/// returned `Result` or `ExitCode` as it would from `main`.
///
/// Two things are not as in `main`, for std prepares them where this process never comes: its main
/// thread has no name (panic messages say `main` all the same), and a stack overflow in *another*
/// thread is a plain SIGSEGV, without std's words and its abort.
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
    let no_captures = const { NoCaptures::<F>::prove() };
    let name = function_name::<F>();
    ExitTest::of_function(name, function::without_arguments(no_captures, f), Vec::new())
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
    let no_captures = const { NoCaptures::<F>::prove() };
    let name = function_name::<F>();
    let trampoline = function::with_arguments::<A, F, T>(no_captures, f);
    match arguments::serialise(&args) {
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
