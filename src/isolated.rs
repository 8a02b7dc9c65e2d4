//! `isolated!`: a whole test in a process of its own, by rusty-fork.
//!
//! rusty-fork starts the test binary again for the one test and passes its output on. What it cannot
//! tell, a test that was not reached or that ends its process with `exit(0)` from one that returned,
//! is told here by a file in which the test says how far it came.

use std::ffi::OsString;
use std::hash::Hash;
use std::io::Read;
use std::panic::{self, AssertUnwindSafe};
use std::process::{ExitCode, Termination};
use std::sync::atomic::Ordering;

use crate::launch::{ISOLATED, panic_message};

/// The variable that names the file in which a test says how far it came.
pub(crate) const VARIABLE: &str = "EXEUNT_ISOLATED";

/// What a test says of itself: that it was reached, then one of the others.
const REACHED: &str = "reached";
const RETURNED: &str = "returned";
const RETURNED_ERROR: &str = "returned an error";
const PANICKED: &str = "panicked: ";

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
    let words = tempfile::NamedTempFile::new().expect("a temporary file is needed to run an isolated test");
    let words_path = words.path().to_owned();
    let result = rusty_fork::fork(
        name,
        id,
        |command| {
            command.env(VARIABLE, &words_path);
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
    let _ = words.as_file().read_to_string(&mut said);
    if said == RETURNED && status.success() {
        return;
    }
    if let Some(message) = said.strip_prefix(PANICKED) {
        panic!("the isolated test `{name}` panicked: {message}");
    }
    match said.as_str() {
        "" => panic!(
            "the isolated test `{name}` was not reached in its process, which ended with {status}: {}",
            why_not_reached()
        ),
        RETURNED_ERROR => panic!("the isolated test `{name}` returned an error"),
        REACHED => panic!("the isolated test `{name}` did not return: its process ended with {status}"),
        _ => panic!("the isolated test `{name}` returned, but its process ended with {status}"),
    }
}

fn in_child<T: Termination>(body: fn() -> T) {
    #[cfg(target_os = "linux")]
    crate::sys::fork::die_with_parent();
    ISOLATED.store(true, Ordering::Relaxed);
    let words = std::env::var_os(VARIABLE);
    let say = |text: &str| {
        if let Some(words) = &words {
            let _ = std::fs::write(words, text);
        }
    };
    say(REACHED);
    match panic::catch_unwind(AssertUnwindSafe(|| body().report())) {
        Ok(code) => say(if code == ExitCode::SUCCESS { RETURNED } else { RETURNED_ERROR }),
        Err(payload) => {
            say(&format!("{PANICKED}{}", panic_message(payload.as_ref())));
            panic::resume_unwind(payload);
        }
    }
}

/// rusty-fork passes `--ignored` on, but takes it for the value of a `--nocapture` before it.
fn why_not_reached() -> &'static str {
    let ignored = |argument: OsString| argument == "--ignored" || argument == "--include-ignored";
    if std::env::args_os().any(ignored) {
        "rusty-fork, which starts it, loses an `--ignored` that comes after `--nocapture` (as nextest has \
         them); put it first, or take `#[ignore]` away"
    } else {
        "does the test runner know it by this name?"
    }
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
