//! Output that is not fit to print: control characters and bytes that are not UTF-8 are escaped wherever
//! they come from, and of very long output the head and the tail are shown, and how much was left out.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
        is_safe_to_print(&report_of(|| program(Path::new(".").join(path.file_name().unwrap())).success()));
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

#[test]
fn where_a_part_was_not_kept_the_report_does_not_join_what_was_before_and_after_it() {
    let plan = || program("seq").arg("2000");
    let report = report_of(|| plan().capture_limit(3000).failure());
    // The first 1500 bytes, and the last.
    assert!(report.contains("    401\n    402\n    … 5893 bytes not shown …\n    1701\n"), "{report}");
    assert!(report.contains("    2000\n  stderr: empty"), "{report}");
    let report = report_of(|| plan().failure());
    assert!(report.contains(" bytes not shown …\n"), "{report}");
}

#[test]
fn where_only_the_report_cuts_a_line_it_does_not_say_that_it_has_no_newline() {
    let report = report_of(|| program("printf").arg(["x".repeat(5000).as_str(), "\\n"].concat()).failure());
    let (head, tail) = ("x".repeat(2048), "x".repeat(2047));
    let shown = format!("  stdout (5001 bytes):\n    {head}…\n    … 905 bytes not shown …\n    {tail}\n");
    assert!(report.contains(&shown), "{report}");
    let report = report_of(|| program("printf").arg("x".repeat(5000)).failure());
    assert!(report.contains(&format!("    {head}…\n")), "{report}");
    assert!(report.contains("x (no newline)\n"), "{report}");
}

#[test]
fn no_character_is_cut_in_two() {
    let report = report_of(|| program("printf").arg("x\u{e4}\u{20ac}\u{1f600}".repeat(1000)).failure());
    assert!(!report.contains("\\x"), "{report}");
    assert!(report.contains("  stdout (10000 bytes):\n"), "{report}");
}

#[test]
fn characters_that_turn_the_direction_of_writing_or_end_a_line_are_escaped() {
    let report = report_of(|| program("printf").arg("a\u{202e}b\u{2066}c\u{2028}d").failure());
    assert!(report.contains("stdout: a\\u{202e}b\\u{2066}c\\u{2028}d\n"), "{report}");
}

#[test]
fn the_name_of_a_gate_stays_in_its_line_of_the_timeline() {
    let report = report_of(|| {
        let gate = Ready::seen("an end\n  hint: \u{1b}[31m", |_| true);
        program("sleep").arg("600").ready_when(gate).signal_after(SIGTERM, ms(0)).success()
    });
    is_safe_to_print(&report);
    assert!(report.contains(" ms  ready: an end\\n  hint: \\u{1b}[31m\n"), "{report}");
    let report = report_of(|| {
        let gate = Ready::stdout("up").or(Ready::stdout("y".repeat(1_000_000)));
        let plan = program("sh").args(["-c", "echo up; exec sleep 600"]).ready_when(gate);
        plan.signal_after(SIGTERM, ms(0)).success()
    });
    assert!(report.len() < 4096, "{} bytes", report.len());
}

#[test]
fn of_a_line_that_comes_a_hundred_thousand_times_a_report_shows_some() {
    let ticks = "yes tick | head -n 100000";
    let plan = || {
        let plan = program("sh").args(["-c", &format!("{ticks}; echo up; exec sleep 600")]);
        plan.ready_when(Ready::stdout("up")).signal_after(SIGTERM, ms(0))
    };
    let early = report_of(|| plan().cleanup_ran("tick"));
    assert!(early.contains(", but before SIGTERM (15) was sent"), "{early}");
    assert!(early.contains("  because: … 99980 more …\n"), "{early}");
    let ran = report_of(|| program("sh").args(["-c", ticks]).cleanup_skipped("tick"));
    assert!(ran.contains("  because: it ran: stdout said \"tick\" at "), "{ran}");
    assert!(ran.contains("  because: … 99980 more …\n"), "{ran}");
    assert!(ran.contains("              … 99962 more …\n"), "{ran}");
    for report in [early, ran] {
        assert!(report.len() < 16 * 1024, "{} bytes", report.len());
    }
}

#[test]
fn output_of_many_equal_lines_is_compared_in_no_time() {
    // All of their differences took minutes.
    let wanted = "tick\n".repeat(50_000);
    let report = report_of(|| program("sh").args(["-c", "yes tick | head -n 50001"]).stdout(wanted));
    let told = "  expected: of stdout:\n            it differs first in line 50001 (- expected, + found):\n            \
                - (its end)\n            +tick\n";
    assert!(report.contains(told), "{report}");
}

#[test]
fn a_newline_that_is_lacking_is_shown_where_all_else_is_as_expected() {
    let report = report_of(|| program("echo").arg("hi").stdout("hi"));
    let told = "            -hi (no newline)\n            +hi\n";
    assert!(report.contains(told), "{report}");
    let report = report_of(|| program("echo").arg("ho").stdout("hi\n"));
    assert!(report.contains("            -hi\n            +ho\n"), "{report}");
}
