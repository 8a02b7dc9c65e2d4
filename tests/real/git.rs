//! `git commit`, ended in the middle: while its hook runs, and while its editor does. What it holds is
//! `index.lock`, which a later command takes for another git at work.

use std::path::{Path, PathBuf};

use exeunt::prelude::*;
use tempfile::TempDir;

use crate::process::executable;
use crate::support::{fails_with, needs};

/// A repository with a change in its working tree, and a hook or an editor that waits.
struct Repository {
    git: PathBuf,
    directory: TempDir,
}

const WAITS: &str = "#!/bin/sh\necho waiting >>\"$EXEUNT_PROBE\"\nexec sleep 1000\n";

/// As an editor: git ignores SIGINT and SIGQUIT for it only after it has started it.
const EDITS: &str = "#!/bin/sh
until grep -q '^SigIgn:.*6$' /proc/$PPID/status; do :; done
echo waiting >>\"$EXEUNT_PROBE\"
exec sleep 1000
";

impl Repository {
    #[track_caller]
    fn new() -> Option<Self> {
        let repository = Self { git: needs("git")?, directory: tempfile::tempdir().expect("a directory") };
        let file = repository.path().join("file");
        repository.git(&["init", "--quiet", "."]).success();
        std::fs::write(&file, "as it was\n").expect("a file");
        repository.git(&["add", "file"]).success();
        repository.git(&["commit", "--quiet", "--message=first"]).success();
        std::fs::write(&file, "as it is\n").expect("a file");
        Some(repository)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn lock(&self) -> PathBuf {
        self.path().join(".git/index.lock")
    }

    /// Git with nothing of the user's settings, nor of a git that runs the tests from a hook.
    fn git(&self, arguments: &[&str]) -> ExitTest {
        let plan = program(&self.git).args(arguments).current_dir(self.path());
        let removed = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];
        let plan = removed.into_iter().fold(plan, ExitTest::env_remove);
        let plan = plan.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        ["AUTHOR", "COMMITTER"].into_iter().fold(plan, |plan, who| {
            plan.env(format!("GIT_{who}_NAME"), "A. Tester")
                .env(format!("GIT_{who}_EMAIL"), "tester@example.org")
        })
    }

    /// A commit that holds the lock while its hook waits.
    fn commit_with_a_hook(&self) -> ExitTest {
        let hooks = self.path().join(".git/hooks");
        std::fs::create_dir_all(&hooks).expect("a directory");
        executable(&hooks.join("pre-commit"), WAITS);
        self.git(&["commit", "--all", "--message=second"])
    }

    /// A commit that holds the lock while its editor waits.
    fn commit_with_an_editor(&self) -> ExitTest {
        let editor = self.path().join("editor");
        executable(&editor, EDITS);
        self.git(&["commit", "--all"]).env("GIT_EDITOR", editor)
    }

    /// How many commits there are.
    #[track_caller]
    fn commits(&self) -> String {
        self.git(&["rev-list", "--count", "HEAD"]).success().stdout_text()
    }
}

/// A gate that is open when git waits, and asserts that it holds the lock then.
fn waits_with(lock: PathBuf) -> Ready {
    Ready::seen("git waits and holds its lock", move |seen| {
        let waits = seen.marks().iter().any(|mark| mark == "waiting");
        assert!(!waits || lock.exists(), "it does not hold {}", lock.display());
        waits
    })
}

#[test]
fn a_commit_that_is_told_to_leave_removes_its_lock_and_dies_of_the_signal() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let Some(repository) = Repository::new() else { return };
        let lock = repository.lock();
        let exit = repository
            .commit_with_a_hook()
            .signal_when(signal, waits_with(lock.clone()))
            .cleanup_check("the lock is gone", move || !lock.exists())
            .cleanup_ran("the lock is gone")
            .killed_by(signal);
        // The hook is not told, and is left behind.
        assert_eq!(exit.leftovers().len(), 1, "{:?}", exit.leftovers());
        assert_eq!(repository.commits(), "1\n");
        fails_with(
            || exit.code(1),
            &[&format!("happened: killed by {signal}"), "left behind and killed: 1 process"],
        );
    }
}

#[test]
fn a_commit_that_is_killed_leaves_its_lock_and_the_next_refuses() {
    let Some(repository) = Repository::new() else { return };
    let lock = repository.lock();
    let exit = repository
        .commit_with_a_hook()
        .signal_when(SIGKILL, waits_with(lock.clone()))
        .cleanup_check("the lock is gone", move || !lock.exists())
        .killed_by(SIGKILL);
    fails_with(
        || exit.cleanup_ran("the lock is gone"),
        &["there is no evidence that it did", "the `cleanup_check` of this label did not hold"],
    );

    let next = || repository.git(&["commit", "--all", "--no-verify", "--message=second"]);
    next().code(128).stderr(predicate::str::contains("index.lock': File exists"));
    assert_eq!(repository.commits(), "1\n");
    std::fs::remove_file(repository.lock()).expect("the lock is there");
    next().success();
    assert_eq!(repository.commits(), "2\n");
}

#[test]
fn an_interrupt_is_the_editors_while_it_runs_and_git_ignores_it() {
    let Some(repository) = Repository::new() else { return };
    let gate = waits_with(repository.lock());
    let exit = repository.commit_with_an_editor().signal_when(SIGINT, gate).still_running_after(ms(200));
    fails_with(|| exit.killed_by(SIGINT), &["SIGINT (2) sent, which the target ignored"]);

    let Some(repository) = Repository::new() else { return };
    let lock = repository.lock();
    repository
        .commit_with_an_editor()
        .signal_when(SIGTERM, waits_with(lock.clone()))
        .cleanup_check("the lock is gone", move || !lock.exists())
        .cleanup_ran("the lock is gone")
        .killed_by(SIGTERM);
}
