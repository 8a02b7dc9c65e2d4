//! `docs/EVIDENCE.md` is kept true: its helpers make marks, its table names assertions that there are, its
//! JSON is what is written.

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use exeunt::prelude::*;
use serde_json::{Map, Value};

use support::{fails_with, needs};

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EVIDENCE.md")).unwrap()
}

/// The code on the page in this language.
fn code(language: &str) -> String {
    let page = page();
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("code in this language");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// A mark whose label holds a space, from a target that is killed right after it.
#[track_caller]
fn makes_marks(plan: ExitTest) {
    let exit = plan.cleanup_ran_once("lock released").cleanup_ran_once("second").code(0);
    assert_eq!(exit.marks().len(), 2);
    fails_with(|| exit.cleanup_ran("third"), &["there is no evidence that it did"]);
}

#[test]
fn the_helper_for_shells_makes_marks() {
    let script =
        format!("set -eu\n{}\nmark 'lock released'\nmark second\nunset EXEUNT_PROBE\nmark third", code("sh"));
    for shell in ["sh", "bash"] {
        if needs(shell).is_some() {
            makes_marks(program(shell).args(["-c", &script]));
        }
    }
}

#[test]
fn the_helper_for_python_makes_marks() {
    let script = format!(
        "{}\nmark('lock released')\nmark('second')\ndel os.environ['EXEUNT_PROBE']\nmark('third')",
        code("python")
    );
    if needs("python3").is_some() {
        makes_marks(program("python3").args(["-c", &script]));
    }
}

#[test]
fn the_helper_for_c_makes_marks_from_a_signal_handler_too() {
    if needs("cc").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program_path) = (directory.path().join("marks.c"), directory.path().join("marks"));
    let main = "
        #include <signal.h>
        static void handler(int signal) { (void)signal; mark(\"lock released\"); }
        int main(void) {
            signal(SIGTERM, handler);
            raise(SIGTERM);
            mark(\"second\");
            unsetenv(\"EXEUNT_PROBE\");
            mark(\"third\");
            return 0;
        }";
    std::fs::write(&source, code("c") + main).unwrap();
    let compiled = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program_path, &source])
        .output();
    let compiled = compiled.unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    makes_marks(program(&program_path));
}

#[test]
fn every_assertion_of_the_table_is_there_and_each_of_the_themes_is_in_it() {
    let page = page();
    let table = page.lines().filter(|line| line.starts_with("| `"));
    let first = table.filter_map(|line| line.split('|').nth(1));
    let names: Vec<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let names: Vec<&str> = names.iter().filter_map(|name| name.split('(').next()).collect();
    let source: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/assert/mod.rs");
    let source = std::fs::read_to_string(source).unwrap();
    for name in &names {
        let there = [format!("fn {name}(self"), format!("fn {name}<")];
        assert!(there.iter().any(|there| source.contains(there)), "there is no assertion `{name}`");
    }
    for name in ["cleanup_ran_once", "all_dropped", "removed", "lock_free", "port_free", "no_leftovers"] {
        assert!(names.contains(&name), "the table lacks `{name}`: {names:?}");
    }
}

/// Whether all that `shown` has is in `written`, with the same values but for lists and numbers of time.
fn is_part_of(shown: &Map<String, Value>, written: &Map<String, Value>) -> bool {
    shown.iter().all(|(name, value)| match (value, written.get(name)) {
        (Value::Object(shown), Some(Value::Object(written))) => is_part_of(shown, written),
        (Value::Array(shown), Some(Value::Array(written))) => {
            shown.iter().zip(written).all(|(shown, written)| match (shown, written) {
                (Value::Object(shown), Value::Object(written)) => is_part_of(shown, written),
                _ => shown == written,
            }) && shown.len() <= written.len()
        }
        (value, written) => written == Some(value),
    })
}

#[test]
fn the_json_of_the_page_is_what_is_written() {
    let shown: Value = serde_json::from_str(&code("json")).unwrap();
    let written = |word: &str| -> Value {
        serde_json::from_str(&program("echo").arg(word).success().to_json()).unwrap()
    };
    let holds = |written: &Value| is_part_of(shown.as_object().unwrap(), written.as_object().unwrap());
    assert!(holds(&written("hello")), "{}", written("hello"));
    assert!(!holds(&written("other")));
}
