//! `isolated!`: a whole test in a process of its own, by rusty-fork.
//!
//! rusty-fork starts the test binary again for the one test and passes its output on. What it cannot
//! tell, a test that ends its process with `exit(0)` from one that returned, is told here by a file
//! that only a test that came to its end writes.

use std::hash::Hash;
use std::io::Read;
use std::process::{ExitCode, Termination};
use std::sync::atomic::Ordering;

use crate::launch::ISOLATED;

/// The variable that names the file by which a test says that it came to its end.
pub(crate) const VARIABLE: &str = "EXEUNT_ISOLATED";

const DONE: &str = "returned";

/// Gives tests a process of their own.
///
/// In it a test may change what belongs to the whole process (environment, working directory, signal
/// dispositions), and [`assert_exit_forked`](crate::assert_exit_forked) is at home. Attributes stay
/// where they are; a test may return what `main` may.
///
/// ```no_run
/// exeunt::isolated! {
///     #[test]
///     fn sees_its_own_environment() {
///         assert!(std::env::var_os("HOME").is_some() || true);
///     }
/// }
/// # fn main() {}
/// ```
///
/// # Panics
///
/// The test fails where it fails in its process, where that ends before the test returned, and where
/// the runner was given a flag that rusty-fork does not know (`--no-capture`; `--nocapture` it does).
#[macro_export]
macro_rules! isolated {
    ($($(#[$attribute:meta])* $visibility:vis fn $name:ident() $(-> $returned:ty)? $body:block)*) => {$(
        $(#[$attribute])*
        $visibility fn $name() {
            fn body() $(-> $returned)? $body
            $crate::__private::isolated(
                ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
                $crate::__private::rusty_fork_id!(),
                body,
            );
        }
    )*};
}

/// Runs `body` in a process of its own; called there, runs it.
///
/// # Panics
///
/// Panics where the test fails, and where its process cannot be made.
#[track_caller]
pub fn isolated<T: Termination>(path: &str, id: impl Hash, body: fn() -> T) {
    // libtest names tests without the crate.
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    let done = tempfile::NamedTempFile::new().expect("a temporary file is needed to run an isolated test");
    let done_path = done.path().to_owned();
    let result = rusty_fork::fork(
        name,
        id,
        |command| {
            command.env(VARIABLE, &done_path);
        },
        |child, _| child.wait(),
        || in_child(body),
    );
    let status = match result {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => panic!("could not wait for the process of the isolated test `{name}`: {error}"),
        Err(error) => {
            panic!("could not start the process of the isolated test `{name}`: {}", explain(&error))
        }
    };
    let mut said = String::new();
    let _ = done.as_file().read_to_string(&mut said);
    if said != DONE {
        panic!("the isolated test `{name}` did not return: its process ended with {status:?}");
    }
    assert!(status.success(), "the isolated test `{name}` failed: its process ended with {status:?}");
}

fn in_child<T: Termination>(body: fn() -> T) {
    #[cfg(target_os = "linux")]
    crate::sys::fork::die_with_parent();
    ISOLATED.store(true, Ordering::Relaxed);
    let done = std::env::var_os(VARIABLE);
    let code = body().report();
    if let Some(done) = done {
        let _ = std::fs::write(done, DONE);
    }
    assert!(code == ExitCode::SUCCESS, "the test returned an error");
}

fn explain(error: &rusty_fork::Error) -> String {
    match error {
        rusty_fork::Error::UnknownFlag(flag) => format!(
            "rusty-fork, which starts it, does not know the test runner's flag `{flag}`{}",
            if flag == "--no-capture" { "; use `--nocapture`" } else { "" }
        ),
        other => other.to_string(),
    }
}
