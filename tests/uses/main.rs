//! The two uses that the crate exists for: a function that exits, and a server that is told to leave.
//!
//! Each case stands beside its negative control, in which the same assertion fails and says why.

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use exeunt::prelude::*;
use support::{fails_with, fixture, needs};

/// An application as people write them: nothing in it knows that it is tested.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints, as applications do")]
mod app {
    use std::process;

    pub(crate) fn main() {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            [] => {
                eprintln!("usage: app NAME...");
                process::exit(1);
            }
            ["--version"] => {
                println!("app 1.0");
                process::exit(0);
            }
            [option, ..] if option.starts_with("--") => {
                eprintln!("app: unknown option {option}");
                process::exit(2);
            }
            names => println!("hello, {}", names.join(" and ")),
        }
    }
}

mod a_function_that_exits {
    use super::{ExitAssert as _, app, assert_exit, fails_with, predicate};

    #[test]
    #[expect(clippy::redundant_closure, reason = "this is how people write it")]
    fn assert_exit_of_a_main_function() {
        assert_exit(|| app::main()).code(1);
    }

    #[test]
    fn a_path_to_a_function_will_do_as_well_as_a_closure() {
        assert_exit(app::main).code(1).stderr("usage: app NAME...\n").stdout("");
    }

    #[test]
    fn its_arguments_are_those_given_here() {
        assert_exit(app::main).arg("--version").code(0).stdout("app 1.0\n").stderr("");
        assert_exit(app::main).arg("--verbose").code(2).stderr("app: unknown option --verbose\n");
        assert_exit(app::main)
            .args(["Ann", "two words", "ü"])
            .success()
            .returned()
            .stdout("hello, Ann and two words and ü\n");
    }

    #[test]
    fn exit_and_return_are_told_apart_where_the_code_is_the_same() {
        fails_with(
            || assert_exit(app::main).arg("--version").success().returned(),
            &["expected: the function returns", "happened: exit code 0", "the function called `exit`"],
        );
        assert_exit(app::main).arg("--version").success().hooks_ran();
    }

    #[test]
    fn another_code_fails_and_the_report_shows_what_was_printed() {
        fails_with(
            || assert_exit(app::main).code(2),
            &[
                "function `uses::app::main`: not the expected exit",
                "expected: exit code 2",
                "happened: exit code 1",
                "usage: app NAME...",
            ],
        );
        fails_with(
            || assert_exit(app::main).arg("--version").code(predicate::in_iter([1, 2])),
            &["expected: exit code 1 or 2", "happened: exit code 0", "with arguments --version", "app 1.0"],
        );
    }

    #[test]
    fn other_output_fails_and_the_report_shows_the_difference() {
        fails_with(
            || assert_exit(app::main).arg("--version").stdout("app 2.0\n"),
            &["expected: of stdout:", "app 2.0", "happened: exit code 0"],
        );
    }
}

/// A directory for the lock of one server.
struct Place {
    _directory: tempfile::TempDir,
    lock: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { lock: directory.path().join("lock"), _directory: directory }
    }

    fn lock(&self) -> &Path {
        &self.lock
    }
}

mod a_server_that_makes_marks {
    use super::{ExitAssert as _, ExitTest, Place, Ready, SIGKILL, SIGTERM, cargo_bin, fails_with, ms, secs};

    fn server(place: &Place) -> ExitTest {
        cargo_bin!("lock-server").arg(place.lock()).arg("--probe").ready_when(Ready::stdout("listening"))
    }

    #[test]
    fn releases_its_lock_on_sigterm() {
        let place = Place::new();
        let lock = place.lock();
        cargo_bin!("lock-server")
            .arg(lock)
            .arg("--probe")
            .ready_when(Ready::stdout("listening"))
            .signal_after(SIGTERM, ms(100))
            .cleanup_ran("lock released")
            .code(0);
        assert!(!lock.exists());
    }

    #[test]
    fn has_no_time_for_that_on_sigkill() {
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGKILL, ms(100)).cleanup_ran("lock released"),
            &[
                "expected: the clean-up \"lock released\" runs",
                "happened: killed by SIGKILL (9)",
                "because: there is no evidence that it did",
                "looked at 0 marks",
            ],
        );
        assert!(place.lock().exists());
    }

    #[test]
    fn leaves_the_same_facts_to_the_opposite_assertion() {
        let place = Place::new();
        server(&place)
            .signal_after(SIGKILL, ms(100))
            .cleanup_skipped("lock released")
            .killed_by(SIGKILL)
            .within(secs(10));
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGTERM, ms(100)).cleanup_skipped("lock released"),
            &["expected: the clean-up \"lock released\" is skipped", "it ran: a mark was made at "],
        );
    }

    #[test]
    fn is_not_found_to_have_cleaned_up_under_a_mistyped_label() {
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGTERM, ms(100)).cleanup_ran("lock relaesed"),
            &["happened: exit code 0", "there is a mark with a similar label: \"lock released\""],
        );
    }

    #[test]
    fn leaves_with_zero_and_with_nothing_else() {
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGTERM, ms(100)).cleanup_ran("lock released").code(1),
            &["expected: exit code 1", "happened: exit code 0", "SIGTERM (15) sent", "mark: lock released"],
        );
    }

    #[test]
    fn fails_the_script_where_it_ends_before_it_listens() {
        let place = Place::new();
        std::fs::write(place.lock(), "another server's").expect("a lock file");
        fails_with(
            || server(&place).signal_after(SIGTERM, ms(100)).cleanup_ran("lock released"),
            &[
                "the script was not carried out",
                "not reached: readiness (stdout contains \"listening\")",
                "the target had ended",
                "exit code 1",
                "File exists",
            ],
        );
    }
}

mod a_server_that_only_prints {
    use super::{ExitAssert as _, ExitTest, Place, Ready, SIGKILL, SIGTERM, cargo_bin, fails_with, ms};

    fn server(place: &Place) -> ExitTest {
        cargo_bin!("lock-server").arg(place.lock()).ready_when(Ready::stdout("listening"))
    }

    #[test]
    fn releases_its_lock_on_sigterm() {
        let place = Place::new();
        let lock = place.lock();
        let exit = cargo_bin!("lock-server")
            .arg(lock)
            .ready_when(Ready::stdout("listening"))
            .signal_after(SIGTERM, ms(100))
            .cleanup_ran("lock released")
            .code(0);
        assert!(!lock.exists());
        assert!(exit.marks().is_empty(), "the evidence is the printed line alone");
    }

    #[test]
    fn has_no_time_for_that_on_sigkill() {
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGKILL, ms(100)).cleanup_ran("lock released"),
            &[
                "happened: killed by SIGKILL (9)",
                "because: there is no evidence that it did",
                "1 line of stdout",
            ],
        );
        assert!(place.lock().exists());
    }

    #[test]
    fn proves_nothing_by_what_it_printed_before_the_signal() {
        let place = Place::new();
        fails_with(
            || server(&place).signal_after(SIGTERM, ms(100)).cleanup_ran("listening"),
            &["stdout said \"listening on ", "but before SIGTERM (15) was sent"],
        );
    }
}

mod a_server_in_python_that_knows_nothing_of_exeunt {
    use super::{
        ExitAssert as _, ExitTest, Place, Ready, SIGKILL, SIGTERM, fails_with, fixture, ms, needs, program,
    };

    fn server(place: &Place) -> Option<ExitTest> {
        let python3 = needs("python3")?;
        let script = fixture("python/lock_server.py");
        Some(program(python3).arg(script).arg(place.lock()).ready_when(Ready::stdout("listening")))
    }

    #[test]
    fn releases_its_lock_on_sigterm() {
        let place = Place::new();
        let Some(server) = server(&place) else { return };
        let lock = place.lock().to_owned();
        server
            .signal_after(SIGTERM, ms(100))
            .cleanup_check("the lock file is gone", move || !lock.exists())
            .cleanup_ran("lock released")
            .cleanup_ran("the lock file is gone")
            .code(0);
    }

    #[test]
    fn has_no_time_for_that_on_sigkill() {
        let place = Place::new();
        let Some(server) = server(&place) else { return };
        let lock = place.lock().to_owned();
        let exit = server
            .signal_after(SIGKILL, ms(100))
            .cleanup_check("the lock file is gone", move || !lock.exists())
            .run()
            .expect("the script is carried out");
        for label in ["lock released", "the lock file is gone"] {
            fails_with(
                || exit.clone().cleanup_ran(label),
                &["killed by SIGKILL (9)", "there is no evidence"],
            );
        }
        fails_with(
            || exit.clone().cleanup_ran("the lock file is gone"),
            &["the `cleanup_check` of this label did not hold"],
        );
        fails_with(|| exit.code(0), &["expected: exit code 0", "happened: killed by SIGKILL (9)"]);
    }

    #[test]
    fn fails_the_script_where_the_lock_is_taken() {
        let place = Place::new();
        std::fs::write(place.lock(), "another server's").expect("a lock file");
        let Some(server) = server(&place) else { return };
        fails_with(
            || server.signal_after(SIGTERM, ms(100)).code(0),
            &["the script was not carried out", "exit code 1", "the lock is taken"],
        );
    }
}
