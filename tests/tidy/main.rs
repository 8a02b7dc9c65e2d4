//! The repository itself, kept tidy: what a reader relies on and no compiler checks.
//!
//! Each rule is a function from text to complaints, so that it can be seen to complain.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository, by its path from the root.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that belongs to the repository.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir().expect("a directory").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            // In a linked worktree `.git` is a file.
            if name == ".git" || name == "target" {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root()).expect("below the root").display().to_string();
                files.push(File { path, text });
            }
        }
    }
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the repository was found");
    files
}

fn sources() -> Vec<File> {
    let sources: Vec<File> = files().into_iter().filter(|file| file.path.ends_with(".rs")).collect();
    assert!(sources.len() > 20, "the sources were found");
    sources
}

#[track_caller]
fn check(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Files that are longer than the rest may be, each with the reason.
const LONG: &[(&str, usize, &str)] =
    &[("src/assert/mod.rs", 600, "a trait is one block; what its methods compare is in the files beside it")];

const MOST_LINES: usize = 450;

fn too_long(path: &str, lines: usize) -> Option<String> {
    let most = LONG.iter().find(|(long, ..)| *long == path).map_or(MOST_LINES, |(_, most, _)| *most);
    (lines > most).then(|| format!("{path}: {lines} lines, where {most} are the most"))
}

#[test]
fn source_files_are_short_enough_to_be_read_in_one_go() {
    let sources = sources();
    let own = sources.iter().filter(|file| file.path.starts_with("src/"));
    check(&own.filter_map(|file| too_long(&file.path, file.text.lines().count())).collect::<Vec<_>>());
    for (path, ..) in LONG {
        let file = sources.iter().find(|file| file.path == *path);
        let lines = file.map_or(0, |file| file.text.lines().count());
        assert!(lines > MOST_LINES, "{path} is no exception any more: it has {lines} lines");
    }
    assert_eq!(too_long("src/a.rs", 450), None);
    assert!(too_long("src/a.rs", 451).is_some());
}

/// Lines of code, without comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn unsafe_code(file: &File) -> Vec<String> {
    code(&file.text)
        .filter(|(_, line)| words(line).any(|word| word == "unsafe"))
        .map(|(number, _)| format!("{}:{number}: `unsafe` belongs into src/sys/", file.path))
        .collect()
}

#[test]
fn unsafe_code_is_in_sys_only() {
    let sources = sources();
    let own = sources.iter().filter(|file| file.path.starts_with("src/"));
    let (sys, rest): (Vec<_>, Vec<_>) = own.partition(|file| file.path.starts_with("src/sys/"));
    check(&rest.into_iter().flat_map(unsafe_code).collect::<Vec<_>>());
    assert!(sys.into_iter().any(|file| !unsafe_code(file).is_empty()), "the rule sees `unsafe`");
    let lib = sources.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    assert!(lib.text.contains("#![deny(unsafe_code)]"));
}

/// What is left in a file while it is worked on. Put together here, so that this file has none.
fn unfinished(file: &File) -> Vec<String> {
    let left: [String; 5] = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["db", "g!("].concat(),
        ["todo", "!("].concat(),
    ];
    let complaint = |(number, line): (usize, &str)| {
        let found = left.iter().find(|left| line.contains(left.as_str()))?;
        Some(format!("{}:{}: {found}", file.path, number + 1))
    };
    file.text.lines().enumerate().filter_map(complaint).collect()
}

#[test]
fn nothing_is_left_to_be_done() {
    let files = files();
    check(&files.iter().filter(|file| file.path != "Cargo.lock").flat_map(unfinished).collect::<Vec<_>>());
    let sloppy = File { path: "a.rs".to_owned(), text: ["let a = db", "g!(1);\n// TO", "DO\n"].concat() };
    assert_eq!(unfinished(&sloppy).len(), 2);
}

/// Paths that only the machine has on which a line was written.
fn machine_paths(file: &File) -> Vec<String> {
    let homes = ["home", "Users", "root", "work", "workspace", "mnt"].map(|home| format!("/{home}/"));
    let complaint = |(number, line): (usize, &str)| {
        let found = homes.iter().find(|home| {
            line.match_indices(home.as_str()).any(|(at, _)| {
                // The slash begins the path: no name stands before it.
                !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_-.~*}/".contains(c))
            })
        })?;
        Some(format!("{}:{}: a path of one machine: {found}", file.path, number + 1))
    };
    file.text.lines().enumerate().filter_map(complaint).collect()
}

#[test]
fn no_path_of_one_machine_is_in_a_file() {
    check(&files().iter().flat_map(machine_paths).collect::<Vec<_>>());
    let sloppy = |text: String| machine_paths(&File { path: "a".to_owned(), text }).len();
    assert_eq!(sloppy(["see /ho", "me/someone/notes"].concat()), 1);
    assert_eq!(sloppy(["in \"/ro", "ot/.cache\""].concat()), 1);
    assert_eq!(sloppy("src/home/of.rs".to_owned()), 0);
}

fn names_in(directory: &str) -> Vec<String> {
    let Ok(entries) = root().join(directory).read_dir() else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_example_says_how_it_is_run_and_ci_runs_it() {
    let examples = names_in("examples");
    assert!(!examples.is_empty());
    for example in examples {
        let name = example.strip_suffix(".rs").expect("an example is one file");
        let text = fs::read_to_string(root().join("examples").join(&example)).unwrap();
        let command = format!("cargo run --example {name}");
        assert!(text.contains(&command), "examples/{example} does not say {command:?}");
        let told =
            ["README.md", "ARCHITECTURE.md"].map(|file| fs::read_to_string(root().join(file)).unwrap());
        assert!(told.iter().any(|text| text.contains(name)), "neither README nor ARCHITECTURE names {name}");
    }
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.contains("for example in examples/*.rs"), ".ci/run runs every example");
}

#[test]
fn every_module_begins_with_what_it_is_for() {
    let sources = sources();
    let missing = sources
        .iter()
        .filter(|file| !file.path.starts_with("tests/support/") && !file.text.starts_with("//! "))
        .map(|file| format!("{}: it begins without `//!`", file.path));
    check(&missing.collect::<Vec<_>>());
}

#[test]
fn every_fixture_is_used() {
    let sources = sources();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for language in names_in("fixtures") {
        for fixture in names_in(&Path::new("fixtures").join(&language).display().to_string()) {
            let path = format!("{language}/{fixture}");
            let used = sources.iter().any(|file| {
                file.path.starts_with("tests/") && (file.text.contains(&path) || file.text.contains(&fixture))
            });
            assert!(used || manifest.contains(&path), "nothing uses fixtures/{path}");
        }
    }
}

/// GOTCHAS.md names the test of each entry, and the tests are there.
#[test]
fn every_gotcha_names_its_test() {
    let gotchas = fs::read_to_string(root().join("GOTCHAS.md")).unwrap();
    let sources = sources();
    let tested = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().any(|file| file.text.contains(&function))
    };
    assert!(!tested("a_name_that_no_test_has_but_this_one_mentions"));
    let mut entries = 0;
    for entry in gotchas.split("\n## ").skip(1) {
        let title = entry.lines().next().unwrap_or_default();
        let at = entry.rfind("\nTest").unwrap_or(entry.len());
        let names: Vec<&str> = entry[at..].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "GOTCHAS.md, {title:?}: no test");
        for name in names {
            assert!(tested(name), "GOTCHAS.md, {title:?}: there is no test `{name}`");
        }
        entries += 1;
    }
    assert!(entries >= 10, "the entries were found");
}
