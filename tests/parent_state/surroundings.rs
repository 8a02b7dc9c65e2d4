//! The environment and the working directory are those of the test process at the call.

use exeunt::prelude::*;

use crate::support::fails_with;

fn show_directory_and_variable() {
    let directory = std::env::current_dir().expect("a directory");
    let variable = std::env::var("EXEUNT_TESTS_SEEN").unwrap_or_else(|_| "unset".to_owned());
    let text = format!("{} {variable}", directory.display());
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}

fn set(value: Option<&str>) {
    const NAME: &str = "EXEUNT_TESTS_SEEN";
    match value {
        // SAFETY: the process is the test's own, and its other thread waits for the test.
        Some(value) => unsafe { std::env::set_var(NAME, value) },
        // SAFETY: as above.
        None => unsafe { std::env::remove_var(NAME) },
    }
}

isolated! {
    #[test]
    fn a_change_in_the_test_process_is_seen_by_the_next_run() {
        let shell = || program("sh").args(["-c", "printf '%s %s' \"$(pwd)\" \"${EXEUNT_TESTS_SEEN-unset}\""]);
        let directory = tempfile::tempdir().unwrap();
        let first = directory.path().canonicalize().unwrap();
        let second = first.join("second");
        std::fs::create_dir(&second).unwrap();
        for (place, value) in [(&first, Some("one")), (&second, Some("two")), (&first, None)] {
            std::env::set_current_dir(place).unwrap();
            set(value);
            let expected = format!("{} {}", place.display(), value.unwrap_or("unset"));
            assert_exit(show_directory_and_variable).stdout(expected.clone());
            assert_exit(show_directory_and_variable).arg("by exec").stdout(expected.clone());
            assert_exit_forked(show_directory_and_variable).stdout(expected.clone());
            let exit = shell().stdout(expected);
            fails_with(|| exit.stdout("elsewhere"), &["expected: of stdout"]);
        }
    }
}

isolated! {
    #[test]
    fn what_a_target_changes_is_its_own() {
        let before = std::env::current_dir().unwrap();
        set(Some("mine"));
        let exit = assert_exit(|| {
            std::env::set_current_dir("/").expect("it is there");
            set(Some("its own"));
            show_directory_and_variable();
        });
        exit.stdout("/ its own");
        assert_eq!(std::env::current_dir().unwrap(), before);
        assert_eq!(std::env::var("EXEUNT_TESTS_SEEN").unwrap(), "mine");
    }
}

fn show_umask() {
    let status = std::fs::read_to_string("/proc/self/status").expect("its status");
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:\t")).expect("Linux 4.7 or later");
    let _ = std::io::Write::write_all(&mut std::io::stdout(), mask.as_bytes());
}

isolated! {
    #[test]
    fn the_umask_is_that_of_the_test_process() {
        // SAFETY: a number only.
        unsafe { libc::umask(0o027) };
        assert_exit(show_umask).stdout("0027");
        assert_exit_forked(show_umask).stdout("0027");
        let exit = program("sh").args(["-c", "umask"]).stdout("0027\n");
        fails_with(|| exit.stdout("0022\n"), &["expected: of stdout"]);
    }
}
