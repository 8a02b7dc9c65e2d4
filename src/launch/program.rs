//! Finding programs: by path, in `PATH`, or among what cargo built.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

use super::{EnvironmentChanges, Subject};

/// A program that was found, and the name it is started under.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) zeroth: OsString,
}

/// Finds the program of `subject`; `None` for a function.
pub(super) fn find(subject: &Subject, environment: &EnvironmentChanges) -> Result<Option<Program>, Error> {
    match subject {
        Subject::Program(name) if name.is_empty() => Err(Error::bad_input("a program needs a name")),
        Subject::Program(name) if name.as_bytes().contains(&0) => {
            Err(Error::bad_input(format!("a program's name cannot hold a NUL byte: {name:?}")))
        }
        Subject::Program(name) if name.as_bytes().contains(&b'/') => {
            by_path(name).map(|path| Some(Program { path, zeroth: name.clone() }))
        }
        Subject::Program(name) => {
            let path = in_search_path(name, environment)?;
            Ok(Some(Program { path, zeroth: name.clone() }))
        }
        Subject::CargoBin { name, known_path } => {
            let path = match known_path {
                Some(path) if path.exists() => path.clone(),
                _ => built_by_cargo(name)?,
            };
            Ok(Some(Program { zeroth: path.clone().into_os_string(), path }))
        }
        Subject::Function { .. } | Subject::Forked(_) => Ok(None),
    }
}

fn start_error(name: &OsStr, why: impl Into<String>) -> Error {
    Error::new(Kind::Start { subject: format!("`{}`", name.to_string_lossy()), why: why.into() })
}

/// An absolute path, so that a change of directory for the target does not change what it means.
fn by_path(name: &OsStr) -> Result<PathBuf, Error> {
    let path = Path::new(name);
    let path = if path.is_absolute() {
        path.to_owned()
    } else {
        let here = std::env::current_dir()
            .map_err(|error| start_error(name, format!("the current directory is unknown: {error}")))?;
        here.join(path)
    };
    check(name, &path)?;
    Ok(path)
}

/// Refuses what can be seen to be no program; `exec` has the last word on the rest.
fn check(name: &OsStr, path: &Path) -> Result<(), Error> {
    let metadata = path.metadata().map_err(|error| {
        let looked_at =
            if Path::new(name) == path { String::new() } else { format!(", at `{}`", path.display()) };
        start_error(name, format!("{error}{looked_at}"))
    })?;
    if metadata.is_dir() {
        return Err(start_error(name, "it is a directory"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(start_error(name, "it is not executable (no execute permission)"));
    }
    Ok(())
}

/// The first executable file of that name in the `PATH` that the target will have.
fn in_search_path(name: &OsStr, environment: &EnvironmentChanges) -> Result<PathBuf, Error> {
    let search_path = match environment.variables.get(OsStr::new("PATH")) {
        Some(Some(path)) => path.clone(),
        // Without a PATH of its own the target is looked for where the test process looks.
        _ => std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
    };
    let looked: Vec<PathBuf> = std::env::split_paths(&search_path).collect();
    let mut refusal = None;
    for directory in &looked {
        let path = directory.join(name);
        match check(name, &path) {
            Ok(()) => return Ok(std::path::absolute(&path).unwrap_or(path)),
            Err(error) if path.exists() => refusal = Some(error),
            Err(_) => {}
        }
    }
    Err(refusal
        .unwrap_or_else(|| Error::new(Kind::NotFound { name: name.to_owned(), looked, near: Vec::new() })))
}

/// The directories in which cargo leaves executables: beside this one and above its `deps` or
/// `examples`, and `examples` below these.
fn cargo_directories() -> Vec<PathBuf> {
    let Ok(own) = std::env::current_exe() else { return Vec::new() };
    let Some(mut directory) = own.parent() else { return Vec::new() };
    if directory.ends_with("deps") || directory.ends_with("examples") {
        directory = directory.parent().unwrap_or(directory);
    }
    vec![directory.to_owned(), directory.join("examples")]
}

fn built_by_cargo(name: &str) -> Result<PathBuf, Error> {
    // Set by cargo for integration tests, and by nextest.
    let by_variable = std::env::var_os(format!("CARGO_BIN_EXE_{name}")).map(PathBuf::from);
    let looked = cargo_directories();
    let candidates = by_variable.into_iter().chain(looked.iter().map(|directory| directory.join(name)));
    if !name.contains('/') {
        for path in candidates {
            if check(OsStr::new(name), &path).is_ok() {
                return Ok(path);
            }
        }
    }
    let near = near_names(name, &looked);
    Err(Error::new(Kind::NotFound { name: name.into(), looked, near }))
}

/// Up to three executables with a similar name, the most similar first.
fn near_names(name: &str, directories: &[PathBuf]) -> Vec<String> {
    const SIMILAR: f64 = 0.6;
    let mut found: Vec<(f64, String)> = Vec::new();
    for entry in directories.iter().filter_map(|directory| directory.read_dir().ok()).flatten().flatten() {
        let Ok(candidate) = entry.file_name().into_string() else { continue };
        let similarity = strsim::normalized_damerau_levenshtein(name, &candidate);
        // What cargo built of examples is there twice, once with a hash.
        if similarity >= SIMILAR
            && !candidate.contains('.')
            && check(OsStr::new(&candidate), &entry.path()).is_ok()
        {
            found.push((similarity, candidate));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().take(3).map(|(_, name)| name).collect()
}
