//! The page `docs/PYTHON.md`, made of what the tests saw.
//!
//! A row is the work of one test: it says what is claimed and how that turned out, and notes the facts of
//! its runs. The row that comes of it must be the page's. So the page cannot go stale without a failing
//! test, and nothing is run for the page alone. What Rust does is told by the names of the tests of `tests/rust`
//! that carry the same id.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use exeunt::{Delivery, Ending, Exit, What};

use crate::{left_behind, marks, support};

const PAGE: &str = "docs/PYTHON.md";

/// What became of a claim.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    Holds,
    InPart,
    DoesNotHold,
    /// It was a question.
    Answered,
}

/// What was seen of a claim.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Notes the facts of one run, which the page then tells.
    pub(crate) fn saw(&mut self, case: &str, exit: &Exit) {
        self.0.push(format!("*{case}*: {}", facts(exit)));
    }
}

/// Carries out the test of a claim and compares its row of the page. A test that lacks a program gives
/// `None`: it is skipped, and says so itself.
#[track_caller]
pub(crate) fn settle(
    id: &str,
    claim: &str,
    verdict: Verdict,
    test: impl FnOnce(&mut Findings) -> Option<()>,
) {
    let mut findings = Findings::default();
    if test(&mut findings).is_none() {
        return;
    }
    assert!(!findings.0.is_empty(), "{id}: nothing was seen");
    let row = row(id, claim, verdict, &findings);
    let _one_at_a_time = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    let page = read(PAGE);
    let shown = compared(&page, id, &row);
    if std::env::var_os("EXEUNT_UPDATE_PYTHON").is_some() {
        let told = version_of(&page).expect("the page names a version");
        let page = page.replacen(told, &version(), 1).replace(shown.err().unwrap_or(&row), &row);
        std::fs::write(place_of(PAGE), page).expect("the page is written");
    } else if let Err(shown) = shown {
        differs(&page, shown, &row);
    }
}

/// Tests of one process write their rows one after another.
static WRITER: Mutex<()> = Mutex::new(());

/// Whether the page shows this row; if not, what it shows in its place.
#[track_caller]
fn compared<'a>(page: &'a str, id: &str, row: &str) -> Result<(), &'a str> {
    let begin = format!("| [{id}]");
    let shown = page.lines().find(|line| line.starts_with(&begin));
    let shown = shown.unwrap_or_else(|| panic!("{PAGE} has no row that begins with {begin:?}"));
    if shown == row { Ok(()) } else { Err(shown) }
}

/// Fails for a row that is not the page's. Another Python may see other things than the one that the
/// page tells of: with that, the comparison is skipped.
#[track_caller]
fn differs(page: &str, shown: &str, row: &str) {
    let version = version();
    if version_of(page) != Some(&version) {
        return support::skipped(&format!("{PAGE} tells of another Python than {version}"));
    }
    panic!(
        "a row of {PAGE} is not what was seen now (EXEUNT_UPDATE_PYTHON=1 writes it)\n  page: {shown}\n   now: {row}"
    );
}

/// The interpreter's, as `3.11`.
fn version() -> String {
    let code = "import sys; print('%d.%d' % sys.version_info[:2], end='')";
    let interpreter = crate::interpreter().expect("a program was run by it");
    exeunt::program(interpreter).args(["-I", "-S", "-c", code]).run().expect("Python runs").stdout_text()
}

/// The version that the page tells of.
fn version_of(page: &str) -> Option<&str> {
    page.split_once("CPython ")?.1.split_once(' ').map(|(version, _)| version)
}

fn row(id: &str, claim: &str, verdict: Verdict, findings: &Findings) -> String {
    let own = tests_of("tests/python", id);
    let [own] = &own[..] else { panic!("{id} has {} tests", own.len()) };
    let verdict = match verdict {
        Verdict::Holds => "holds",
        Verdict::InPart => "holds in part",
        Verdict::DoesNotHold => "does not hold",
        Verdict::Answered => "answered",
    };
    let columns = [
        format!("[{id}](../{})", own.path),
        claim.to_owned(),
        format!("**{verdict}**: {}", own.in_words()),
        findings.0.join("<br>"),
        counterpart(id),
    ];
    format!("| {} |", columns.map(|column| column.replace('|', "\\|")).join(" | "))
}

/// What Rust does, or why there is nothing to be compared.
fn counterpart(id: &str) -> String {
    let tests = tests_of("tests/rust", id);
    let without = WITHOUT_COUNTERPART.iter().find(|(without, _)| *without == id);
    match (&tests[..], without) {
        ([], Some((_, why))) => (*why).to_owned(),
        ([], None) => panic!("{id}: tests/rust has no counterpart, and nothing says why"),
        (_, Some(_)) => panic!("{id}: tests/rust has a counterpart"),
        (tests, None) => {
            let told = tests.iter().map(|test| format!("[{}](../{})", test.in_words(), test.path));
            told.collect::<Vec<_>>().join("<br>")
        }
    }
}

/// The claims that Rust has nothing to compare with, and why.
const WITHOUT_COUNTERPART: &[(&str, &str)] = &[
    ("B11", "`_exit` takes an `i32`; what is none does not compile"),
    ("H4", "`atexit` of the C library calls a function without arguments"),
    ("T3", "a thread has no method that ends it"),
    ("T9", "std has no pool of processes"),
    ("S1", "`signal-hook` or `ctrlc`: see G2"),
    ("S2", "`signal-hook` or `ctrlc`: see G2"),
    ("S3", "`signal-hook` takes the signals that it is given, and no others"),
    (
        "Q1",
        "`#[should_panic]` sees a panic; `exit` ends the test runner, and `assert_exit` is the way to test it",
    ),
    ("Q2", "`ExitStatus` keeps a code and a signal apart: see T6"),
];

/// A run in a line: how it ended, what it marked, said and left.
fn facts(exit: &Exit) -> String {
    let mut text = String::new();
    for event in exit.timeline() {
        if let What::Delivered { delivery } = &event.what {
            let _ = write!(text, "{}, ", done(delivery));
        }
    }
    match exit.ending() {
        Ending::TimedOut { .. } => text.push_str("**still running**"),
        ending => {
            let _ = write!(text, "**{ending}**");
        }
    }
    let marks: Vec<String> = marks(exit).iter().map(|mark| format!("`{mark}`")).collect();
    if !marks.is_empty() {
        let _ = write!(text, "; marks {}", marks.join(", "));
    }
    for (name, stream) in [("stdout", exit.stdout_text()), ("stderr", exit.stderr_text())] {
        if let Some(line) = telling_line(&stream) {
            let _ = write!(text, "; {name} `{}`", line.replace('`', "'"));
        }
    }
    match left_behind(exit).len() {
        0 => {}
        1 => text.push_str("; leaves a process behind"),
        left => {
            let _ = write!(text, "; leaves {left} processes behind");
        }
    }
    text
}

/// What was done to the target.
fn done(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Signal { signal, .. } => {
            format!("{} sent", signal.name().unwrap_or_else(|| signal.number().to_string()))
        }
        Delivery::Key { key, .. } => format!("{key} typed"),
        Delivery::HangUp { .. } => "terminal hung up".to_owned(),
        other => panic!("the page has no word for {other:?}"),
    }
}

/// The line that says most: the last, as in a traceback, or the interpreter's own on a fatal error, which
/// comes before places in files. Without the time that a test runner took.
fn telling_line(stream: &str) -> Option<&str> {
    let mut lines = stream.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.clone().find(|line| line.starts_with("Fatal Python error")).or(lines.next_back())?;
    let took = |time: &str| time.strip_suffix('s').is_some_and(|time| time.parse::<f64>().is_ok());
    Some(line.rsplit_once(" in ").filter(|(_, time)| took(time)).map_or(line, |(line, _)| line))
}

/// A test whose name begins with a claim's id.
pub(crate) struct Named {
    pub(crate) path: String,
    pub(crate) name: String,
}

impl Named {
    fn in_words(&self) -> String {
        self.name.split('_').skip(1).collect::<Vec<_>>().join(" ")
    }
}

/// The tests in a folder that carry this id, by file and place.
pub(crate) fn tests_of(folder: &str, id: &str) -> Vec<Named> {
    let (family, number) = id.split_at(1);
    let begin = format!("fn {}{number:0>2}_", family.to_ascii_lowercase());
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        for line in text.lines().filter(|line| line.starts_with(&begin)) {
            let name = line.trim_start_matches("fn ").split('(').next().unwrap_or_default().to_owned();
            found.push(Named { path: path.clone(), name });
        }
    }
    found
}

/// The sources in a folder, by path from the repository's root.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(place_of(folder))
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    paths.sort();
    let named = |path: &PathBuf| {
        let name = path.file_name().expect("a file").to_string_lossy();
        let path = format!("{folder}/{name}");
        let text = read(&path);
        (path, text)
    };
    paths.iter().map(named).collect()
}

fn place_of(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(place_of(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

mod complete {
    use super::{PAGE, compared, read, sources};

    /// The families, and how many claims each has.
    const CLAIMS: [(char, usize); 7] =
        [('B', 16), ('G', 10), ('H', 11), ('T', 9), ('F', 5), ('S', 4), ('Q', 2)];

    fn ids() -> Vec<String> {
        CLAIMS.iter().flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}{n}"))).collect()
    }

    /// What is wrong with the tests in a text, which is to have one for each id that settles that id.
    fn complaints(text: &str, ids: &[String]) -> Vec<String> {
        let mut complaints = Vec::new();
        let bare = |test: &str| test.split_ascii_whitespace().collect::<String>();
        let tests: Vec<String> = text.split("#[test]\nfn ").skip(1).map(bare).collect();
        for id in ids {
            let begin = format!("{}{:0>2}_", id[..1].to_ascii_lowercase(), &id[1..]);
            let own: Vec<&String> = tests.iter().filter(|test| test.starts_with(&begin)).collect();
            match &own[..] {
                [test] if test.contains(&format!("settle(\"{id}\",")) => {}
                [_] => complaints.push(format!("the test of {id} does not settle it")),
                own => complaints.push(format!("{id} has {} tests", own.len())),
            }
        }
        complaints
    }

    #[test]
    fn every_claim_has_one_test_that_settles_it() {
        let ids = ids();
        assert_eq!(ids.len(), 57);
        let sources: Vec<String> = sources("tests/python").into_iter().map(|(_, text)| text).collect();
        let text = sources.join("\n");
        assert_eq!(complaints(&text, &ids), Vec::<String>::new());

        let without = text.replace("fn b03_", "fn b3_").replace("\"T4\"", "\"T5\"");
        assert_eq!(complaints(&without, &ids), ["B3 has 0 tests", "the test of T4 does not settle it"]);
    }

    #[test]
    fn the_page_has_a_row_for_every_claim_in_order() {
        let page = read(PAGE);
        let rows = page.lines().filter_map(|line| line.strip_prefix("| [")?.split(']').next());
        assert_eq!(rows.collect::<Vec<_>>(), ids());
    }

    #[test]
    fn a_row_that_differs_is_found() {
        let page = "| id |\n|---|\n| [B1](x) | seen |\n";
        assert_eq!(compared(page, "B1", "| [B1](x) | seen |"), Ok(()));
        assert_eq!(compared(page, "B1", "| [B1](x) | other |"), Err("| [B1](x) | seen |"));
        crate::support::fails_with(|| compared(page, "B2", "| [B2](x) |"), &["no row that begins"]);
    }
}
