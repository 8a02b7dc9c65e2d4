//! Exit hooks of the test process: those of a function's process are its own.

use std::path::PathBuf;
use std::sync::OnceLock;

use exeunt::prelude::*;

use crate::support::fails_with;

static PLACE: OnceLock<PathBuf> = OnceLock::new();

/// Says that it ran, in a file.
extern "C" fn hook() {
    if let Some(place) = PLACE.get() {
        // At the end of the test process the directory is gone.
        let _ = std::fs::write(place, "the hook ran");
    }
}

isolated! {
    #[test]
    fn the_exit_hooks_of_the_test_process_do_not_run_in_the_functions_process() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("ran");
        PLACE.set(place.clone()).unwrap();
        // SAFETY: the hook is a function of this program.
        unsafe { libc::atexit(hook) };

        assert_exit(|| std::process::exit(0)).success().hooks_ran();
        assert_exit(|| ()).returned().hooks_ran();
        program("true").success();
        assert!(!place.exists(), "the hook of this process ran in another");

        // A forked copy does have them: so the hook can be seen to run.
        assert_exit_forked(|| std::process::exit(0)).success().hooks_ran();
        assert!(place.exists());
        fails_with(
            || {
                assert_exit(|| {
                    // SAFETY: it is the end without hooks that is wanted.
                    unsafe { libc::_exit(0) }
                })
                .hooks_ran()
            },
            &["expected: the exit hooks run", "they were skipped"],
        );
    }
}
