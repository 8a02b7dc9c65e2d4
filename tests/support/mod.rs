//! What the test files share: catching a failing assertion's report, and skipping visibly.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it, and none exports it")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use exeunt::{Exit, ExitAssert, ExitTest};

/// A report without the colours that it has when the tests run at a terminal.
fn without_colour(report: &str) -> String {
    let mut parts = report.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

/// Runs `assertion`, which must fail, and gives its report back.
#[track_caller]
pub fn report_of<T>(assertion: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(assertion)) {
        Ok(_) => panic!("the assertion holds, where it must fail"),
        Err(payload) => payload
            .downcast::<String>()
            .map(|text| without_colour(&text))
            .or_else(|payload| payload.downcast::<&str>().map(|text| (*text).to_owned()))
            .expect("a panic with a text"),
    }
}

/// Asserts that `assertion` fails and that its report contains every one of `texts`.
#[track_caller]
pub fn fails_with<T>(assertion: impl FnOnce() -> T, texts: &[&str]) {
    let report = report_of(assertion);
    for text in texts {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
}

/// Deadlines that are to strike when the target has come to what the test is about: the first is enough, and only
/// where the machine was so busy that it was not is the run repeated with the next.
const DEADLINES: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_secs(3), Duration::from_secs(15)];

/// The first of what `run` gives for a deadline that shows that the target had come to it; else of the longest.
fn at_a_deadline<T>(run: impl Fn(Duration) -> T, has_come_to_it: impl Fn(&T) -> bool) -> T {
    let [short, longer, longest] = DEADLINES;
    [short, longer].into_iter().map(&run).find(has_come_to_it).unwrap_or_else(|| run(longest))
}

/// Runs into a deadline, when the facts show that the target had come to what the test is about.
#[track_caller]
pub fn times_out(plan: impl Fn() -> ExitTest, has_come_to_it: impl Fn(&Exit) -> bool) -> Exit {
    let run = |deadline| plan().timeout(deadline).run();
    at_a_deadline(run, |ran| ran.as_ref().is_ok_and(&has_come_to_it)).expect("it has come to it").timed_out()
}

/// The report of an assertion that fails at a deadline, when it shows `there` that the target had come to what the
/// test is about.
#[track_caller]
pub fn report_at_a_deadline<T>(assertion: impl Fn(Duration) -> T, there: &str) -> String {
    let report = at_a_deadline(|deadline| report_of(|| assertion(deadline)), |report| report.contains(there));
    assert!(report.contains(there), "it did not come to {there:?}:\n{report}");
    report
}

/// Like [`fails_with`], at a deadline by which the target had come to what the report shows `there`.
#[track_caller]
pub fn fails_at_a_deadline<T>(assertion: impl Fn(Duration) -> T, there: &str, texts: &[&str]) {
    let report = report_at_a_deadline(assertion, there);
    for text in texts {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
}

/// The path of a program that is not Rust's, or `None` after saying on the real stderr (which no
/// runner captures) that the test is skipped. Where `EXEUNT_NO_SKIP` is set, as in CI, a missing
/// program is a failure.
#[track_caller]
pub fn needs(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|place| place.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skipped(&format!("there is no `{program}` on this machine"));
    }
    found
}

/// The same of a file, with a word on how it is made.
#[track_caller]
pub fn needs_file(path: &std::path::Path, how: &str) -> Option<()> {
    if path.is_file() {
        return Some(());
    }
    skipped(&format!("there is no `{}` ({how})", path.display()));
    None
}

/// Says on the real stderr that this test is skipped, or panics where nothing may be.
#[track_caller]
pub fn skipped(why: &str) {
    assert!(std::env::var_os("EXEUNT_NO_SKIP").is_none(), "{why}, and nothing may be skipped");
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {why}");
}

/// The path of a file in `fixtures/`.
pub fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// This test binary once more, with other arguments for its runner and nothing in its environment
/// from the runner of this one.
pub fn again<const N: usize>(arguments: [&str; N]) -> ExitTest {
    let own = std::env::current_exe().expect("this process has an executable");
    let of_a_runner = |name: &str| name.starts_with("NEXTEST") || name.starts_with("RUST_TEST_");
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| of_a_runner(name))
        .fold(exeunt::program(own).args(arguments), ExitTest::env_remove)
        .env("RUST_BACKTRACE", "0")
}
