//! Facts in other forms: JSON and back, a summary for a person, the types of std and of assert_cmd.

#[path = "../support/mod.rs"]
mod support;

use exeunt::prelude::*;
use serde_json::{Value, json};

use support::fails_with;

/// Goes to JSON and back, and is what it was.
#[track_caller]
fn survives(exit: &Exit) -> Value {
    let kept = exit.to_json();
    assert_eq!(&Exit::from_json(&kept).unwrap(), exit, "{kept}");
    serde_json::from_str(&kept).unwrap()
}

#[test]
fn facts_of_every_kind_survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let ways: [Exit; 7] = [
        program("true").success(),
        program("sh").args(["-c", "printf '\\377\\000'; printf text >&2; exit 3"]).code(3),
        program("sleep").arg("1000").signal_after(SIGTERM, ms(1)).killed_by(SIGTERM),
        program("sleep").arg("1000").timeout(ms(50)).timed_out(),
        assert_exit(|| {
            probe::mark(b"no \xff text");
            let _guard = probe::on_drop("guard");
            panic!("no reason");
        })
        .panicked(),
        program("sh")
            .args(["-c", "sleep 1000 & echo x > \"$0\"; mktemp"])
            .arg(&path)
            .watch(&path)
            .watch_ports()
            .own_temp_dir()
            .cleanup_check("check", || true)
            .append_context("note", "of the test")
            .leftovers_are(1),
        program("sh").args(["-c", "(exit 3) & wait"]).traced().success(),
    ];
    for exit in ways {
        survives(&exit);
    }
}

#[test]
fn facts_of_every_kind_of_step_survive() {
    let stays = "while :; do sleep 0.01; done";
    let at_pipes = format!("trap 'exit 3' TERM; echo up; cat; echo read; {stays}");
    let at_pipes = program("sh")
        .args(["-c", &at_pipes])
        .stdin("given ")
        .ready_when(Ready::stdout("up"))
        .write_stdin_after("written\n", ms(0))
        .close_stdin_after(ms(0))
        .pause_stderr_when(Ready::stdout("read"))
        .resume_stderr_after(ms(0))
        .close_stderr_after(ms(0))
        .stop_after(ms(0))
        .queue_after(SIGURG, -5, ms(0))
        .continue_after(ms(0))
        .group_signal_after(SIGWINCH, ms(0))
        .escalate(SIGTERM, secs(10))
        .code(3);
    let at_a_terminal = format!("trap : INT QUIT TSTP; trap 'exit 3' HUP; echo up; {stays}");
    let at_a_terminal = program("sh")
        .args(["-c", &at_a_terminal])
        .pty()
        .resize_when(3, 4, Ready::stdout("up"))
        .type_after(b"\xff\n", ms(0))
        .interrupt_after(ms(0))
        .quit_after(ms(0))
        .suspend_after(ms(0))
        .end_of_input_after(ms(0))
        .hang_up_after(ms(0))
        .code(3);
    let forced = format!("trap '' TERM; echo up; {stays}");
    let forced = program("sh").args(["-c", &forced]).ready_when(Ready::stdout("up"));
    let forced = forced.escalate(SIGTERM, ms(20)).killed_by(SIGKILL);
    let steps = [(at_pipes, 10), (at_a_terminal, 7), (forced, 2)];
    for (exit, number) in steps {
        let delivered = |event: &&exeunt::Event| matches!(event.what, exeunt::What::Delivered { .. });
        assert_eq!(exit.timeline().iter().filter(delivered).count(), number, "{exit}");
        survives(&exit);
    }
}

#[test]
fn facts_survive_where_a_name_is_no_text_and_where_others_sent_signals() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(std::ffi::OsStr::from_bytes(b"no \xff text\n"));
    let exit = program("sh").args(["-c", ": > \"$0\"; kill -TERM $$"]).arg(&path).watch(&path).traced();
    let exit = exit.killed_by(SIGTERM).left(&path);
    survives(&exit);
    let kept = Exit::from_json(&exit.to_json()).unwrap().left(&path).lock_free(&path);
    let received = |event: &exeunt::Event| matches!(event.what, exeunt::What::Received(_));
    assert!(kept.timeline().iter().any(received), "{kept}");
    fails_with(|| kept.removed(&path), &["is removed", "a file of 0 bytes is there"]);
}

#[test]
fn json_begins_with_the_number_of_its_format_and_another_is_refused() {
    let kept = program("true").success().to_json();
    assert!(kept.starts_with("{\"format\":1,"), "{kept}");
    let other = kept.replacen("{\"format\":1,", "{\"format\":2,", 1);
    let error = Exit::from_json(&other).unwrap_err().to_string();
    assert!(error.contains("facts in format 2, where this version of exeunt reads format 1"), "{error}");
    assert!(Exit::from_json("{}").is_err());
    assert!(Exit::from_json("no JSON").is_err());
}

#[test]
fn json_can_be_read_by_others() {
    let exit =
        program("sh").args(["-c", r#"echo hello; printf '\377'; echo done >> "$EXEUNT_PROBE"; exit 3"#]);
    let value = survives(&exit.code(3));
    assert_eq!(value["ending"], json!({ "Code": 3 }));
    assert_eq!(value["marks"][0]["label"], json!("done"));
    // It is no text as a whole.
    assert_eq!(value["stdout"]["head"], json!([104, 101, 108, 108, 111, 10, 255]));
    assert_eq!(value["stderr"]["head"], json!(""));
    assert!(value["duration"]["nanos"].is_u64(), "{value}");
    let value = survives(&program("echo").arg("hello").success());
    assert_eq!(value["stdout"]["head"], json!("hello\n"));
}

#[test]
fn assertions_hold_of_kept_facts_as_of_fresh_ones() {
    let kept = assert_exit(|| probe::mark("lock released")).returned().to_json();
    let exit = Exit::from_json(&kept).unwrap().cleanup_ran_once("lock released").returned();
    fails_with(|| exit.code(1), &["expected: exit code 1", "mark: lock released"]);
}

#[test]
fn a_summary_tells_of_the_run_without_judging_it() {
    let exit = program("sh").args(["-c", "echo hello; sleep 1000 & exit 3"]).leftovers_are(1);
    let summary = exit.to_string();
    for text in [
        "`sh -c \"echo hello; sleep 1000 & exit 3\"`: exit code 3, ",
        "\n  timeline:\n           0.0 ms  started, process ",
        " ms  ended: exit code 3\n",
        "\n  stdout (6 bytes):\n    hello\n",
        "\n  stderr: empty\n",
        "left behind and killed: 1 process\n",
    ] {
        assert!(summary.contains(text), "the summary lacks {text:?}:\n{summary}");
    }
    assert!(!summary.contains("expected"), "{summary}");
    let panicked = assert_exit(|| panic!("no reason\nat all")).panicked().to_string();
    assert!(panicked.contains("the function panicked at tests/kept/main.rs:"), "{panicked}");
    assert!(panicked.contains(":\n  no reason\n  at all\n  timeline:"), "{panicked}");
}

#[test]
fn facts_become_what_std_and_assert_cmd_know() {
    let exit = program("sh").args(["-c", "echo out; echo err >&2; exit 3"]).code(3);
    let output = std::process::Output::from(exit.clone());
    assert_eq!(
        (output.status.code(), &output.stdout[..], &output.stderr[..]),
        (Some(3), &b"out\n"[..], &b"err\n"[..])
    );
    let assert = assert_cmd::assert::Assert::from(exit);
    let assert = assert.code(3).stdout("out\n").stderr("err\n");
    let failed = assert.try_success();
    assert!(failed.is_err());
}
