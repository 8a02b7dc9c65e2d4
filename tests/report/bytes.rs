//! Output that is not fit to print: control characters and bytes that are not UTF-8 are escaped wherever
//! they come from, and of very long output the head and the tail are shown, and how much was left out.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use exeunt::prelude::*;

use crate::process::executable;
use crate::support::report_of;

/// Asserts that nothing in the report could do anything to a terminal.
#[track_caller]
fn is_safe_to_print(report: &str) {
    let unsafe_ones: Vec<char> =
        report.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect();
    assert!(unsafe_ones.is_empty(), "{unsafe_ones:?} in {report:?}");
}

#[test]
fn control_characters_and_bytes_that_are_not_utf_8_are_escaped_in_output() {
    let report = report_of(|| {
        let plan = assert_exit(|| {
            let _ = std::io::stdout()
                .write_all(b"red \x1b[31m, bell \x07, back \x08\r, nul \0, \xff\xfe, tab\t.\n");
            let _ = std::io::stderr().write_all("c1 \u{9b}31m, \u{e4}".as_bytes());
        });
        plan.failure()
    });
    is_safe_to_print(&report);
    let out = r"red \u{1b}[31m, bell \u{7}, back \u{8}\r, nul \u{0}, \xff\xfe, tab	.";
    let err = "c1 \\u{9b}31m, \u{e4}";
    for shown in [
        &format!(" ms  stdout: {out}\n"),
        &format!("  stdout (45 bytes):\n    {out}\n"),
        &format!(" ms  stderr: {err}\n"),
        &format!("  stderr (12 bytes):\n    {err} (no newline)"),
    ] {
        assert!(report.contains(shown.as_str()), "the report lacks {shown:?}:\n{report}");
    }
}

#[test]
fn labels_messages_arguments_and_contexts_are_escaped_too() {
    let esc = "\u{1b}[2J";
    let report = report_of(|| {
        let plan = assert_exit_with(esc.to_owned(), |esc| {
            probe::mark(&esc);
            probe::mark([0xff]);
            drop(probe::on_drop(esc.clone()));
            panic!("{esc} on purpose")
        });
        plan.arg(esc).env("RUST_BACKTRACE", "0").append_context(esc, esc).code(0)
    });
    is_safe_to_print(&report);
    for shown in [
        r#"with arguments "\u{1b}[2J""#,
        "mark: \\u{1b}[2J\n",
        "mark: \\xff\n",
        "guard dropped: \\u{1b}[2J\n",
        "\\u{1b}[2J on purpose\n",
        "  \\u{1b}[2J: \\u{1b}[2J\n",
    ] {
        assert!(report.contains(shown), "the report lacks {shown:?}:\n{report}");
    }
    let report = report_of(|| assert_exit(|| ()).cleanup_ran(format!("{esc} label")));
    is_safe_to_print(&report);
    let report = report_of(|| assert_exit(|| ()).stdout(esc));
    is_safe_to_print(&report);
    let report = report_of(|| assert_exit(|| ()).ready_when(Ready::stdout(esc)).success());
    is_safe_to_print(&report);
    let report = report_of(|| assert_exit(|| ()).ready_when(Ready::seen(esc, |_| false)).success());
    is_safe_to_print(&report);
    let report = report_of(|| assert_exit(|| ()).ready_when(Ready::file(esc)).success());
    is_safe_to_print(&report);
    let report = report_of(|| assert_exit(|| ()).current_dir(esc).success());
    is_safe_to_print(&report);
}

#[test]
fn the_name_of_a_program_is_escaped_whether_it_runs_or_not() {
    let directory = tempfile::tempdir().unwrap();
    for name in [&b"\x1b[31mred"[..], b"not\xffutf8"] {
        let path = directory.path().join(OsStr::from_bytes(name));
        let missing = report_of(|| program(&path).success());
        is_safe_to_print(&missing);
        assert!(missing.contains("No such file or directory"), "{missing}");
        is_safe_to_print(&report_of(|| program(path.file_name().unwrap()).success()));
        executable(&path, "#!/bin/sh\nsleep 600 &\nexit 3\n");
        let ran = report_of(|| program(&path).success());
        is_safe_to_print(&ran);
        assert!(ran.contains("happened: exit code 3"), "{ran}");
    }
}

#[test]
fn of_ten_mebibytes_the_head_and_the_tail_are_shown_and_how_much_was_left_out() {
    let plan = || {
        assert_exit(|| {
            let mut lines = b"in between.....\n".repeat(655_360);
            let last = lines.len() - 16;
            lines[..32].copy_from_slice(b"the first line.\nthe second line\n");
            lines[last..].copy_from_slice(b"the last line..\n");
            let _ = std::io::stdout().write_all(&lines);
        })
    };
    let exit = plan().success();
    assert_eq!(exit.stdout_bytes().len(), 10 * 1024 * 1024, "all of it was kept");
    let report = report_of(|| exit.failure());
    assert!(report.len() < 16 * 1024, "{} bytes", report.len());
    for shown in [
        "  stdout (10485760 bytes):\n    the first line.\n    the second line\n    in between",
        "    … 10481664 bytes not shown …\n",
        "    in between.....\n    the last line..\n  stderr: empty",
        " ms  stdout: the first line.\n",
        " ms  stdout: the last line..\n",
        "              … 655322 more …\n",
    ] {
        assert!(report.contains(shown), "the report lacks {shown:?}:\n{report}");
    }
    // Where not even the harness kept all of it, what was left out is counted the same.
    let report = report_of(|| plan().capture_limit(4096).failure());
    assert!(report.contains("  stdout (10485760 bytes):\n    the first line.\n"), "{report}");
    assert!(report.contains("    … 10481664 bytes not shown …\n"), "{report}");
    assert!(report.contains("    the last line..\n  stderr: empty"), "{report}");
}

#[test]
fn head_and_tail_are_shown_apart_however_little_was_kept() {
    let plan = || program("printf").arg(r"first line\nsecond line\nthird line\nlast line");
    let report = report_of(|| plan().capture_limit(26).failure());
    let shown = "  stdout (43 bytes):\n    first line\n    se…\n    … 17 bytes not shown …\n    ine\n    last line (no \
                 newline)\n";
    assert!(report.contains(shown), "the report lacks {shown:?}:\n{report}");
    // All of it is shown as it is.
    let report = report_of(|| plan().failure());
    let shown = "    first line\n    second line\n    third line\n    last line (no newline)\n";
    assert!(report.contains(shown), "the report lacks {shown:?}:\n{report}");
    let report = report_of(|| plan().capture_limit(1).failure());
    assert!(report.contains("    f…\n    … 42 bytes not shown …\n  stderr"), "{report}");
}

#[test]
fn one_line_of_ten_mebibytes_is_cut_wherever_it_is_shown() {
    let plan = assert_exit(|| {
        let _ = std::io::stdout().write_all(&vec![b'x'; 10 * 1024 * 1024]);
        let _ = std::io::stderr().write_all(&vec![0xff; 10 * 1024 * 1024]);
    });
    let exit = plan.success();
    let report = report_of(|| exit.clone().failure());
    assert!(report.len() < 64 * 1024, "{} bytes", report.len());
    assert!(report.contains(&format!("stdout: {}… (10485640 bytes more)\n", "x".repeat(120))), "{report}");
    assert!(
        report.contains(&format!("stderr: {}… (10485640 bytes more)\n", "\\xff".repeat(120))),
        "{report}"
    );
    // The same holds for what was expected of it, and for the difference.
    let report = report_of(|| exit.stdout("y".repeat(10 * 1024 * 1024)));
    assert!(report.len() < 128 * 1024, "{} bytes", report.len());
}
