//! Marks, made by the probe or by a line that a program appends to `$EXEUNT_PROBE`.

use exeunt::prelude::*;
use exeunt::{MarkKind, What};

use crate::support::fails_with;

const NO_EVIDENCE: &str = "there is no evidence that it did";

#[test]
fn a_mark_of_the_probe_is_evidence_for_its_label() {
    let exit = assert_exit(|| probe::mark("lock released")).cleanup_ran("lock released").returned();
    fails_with(
        || exit.clone().cleanup_skipped("lock released"),
        &["the clean-up \"lock released\" is skipped", "it ran: a mark was made at "],
    );
    fails_with(
        || exit.cleanup_ran("cache flushed"),
        &["the clean-up \"cache flushed\" runs", NO_EVIDENCE, "looked at 1 mark, 0 lines of stdout"],
    );
}

#[test]
fn a_line_that_a_shell_appends_is_a_mark() {
    let shell = |script: &str| program("sh").args(["-c", script]).success();
    let exit = shell(r#"echo "lock released" >> "$EXEUNT_PROBE""#).cleanup_ran("lock released");
    let [mark] = exit.marks() else { panic!("{:?}", exit.marks()) };
    assert_eq!((mark.label().as_ref(), mark.kind(), mark.pid()), ("lock released", MarkKind::Mark, None));

    let exit = shell(":").cleanup_skipped("lock released");
    assert!(exit.marks().is_empty());
    fails_with(|| exit.cleanup_ran("lock released"), &[NO_EVIDENCE, "looked at 0 marks"]);
    // The last line needs no end, and a carriage return before it is none of the label.
    shell(r#"printf 'one\r\ntwo' >> "$EXEUNT_PROBE""#).cleanup_ran("one").cleanup_ran("two");
}

#[test]
fn a_mark_is_evidence_for_exactly_its_label() {
    let exit = assert_exit(|| probe::mark("lock released")).returned();
    for other in ["lock", "lock released ", "Lock released", "released", "lock released\n"] {
        let exit = exit.clone().cleanup_skipped(other);
        fails_with(|| exit.cleanup_ran(other), &[NO_EVIDENCE]);
    }
    exit.cleanup_ran("lock released");
}

#[test]
fn a_label_that_is_near_is_named() {
    let exit = assert_exit(|| probe::mark("lock released")).returned();
    fails_with(
        || exit.clone().cleanup_ran("lock relesaed"),
        &[NO_EVIDENCE, "there is a mark with a similar label: \"lock released\""],
    );
    let report = crate::support::report_of(|| exit.cleanup_ran("database closed"));
    assert!(!report.contains("similar"), "{report}");
}

#[test]
fn no_label_is_evidence_for_nothing() {
    let exit = assert_exit(|| {
        probe::mark("");
        println!("text");
    });
    let exit = exit.returned();
    assert_eq!(exit.marks()[0].label(), "");
    fails_with(|| exit.clone().cleanup_ran(""), &["an empty label is everywhere and proves nothing"]);
    fails_with(|| exit.cleanup_skipped(""), &["the clean-up \"\" is skipped"]);
}

#[test]
fn a_mark_tells_when_where_and_by_whom_it_was_made() {
    let exit = assert_exit(|| {
        probe::mark("main");
        std::thread::spawn(|| probe::mark("other thread")).join().unwrap();
        // SAFETY: the process has one thread.
        let child = unsafe { libc::fork() };
        if child == 0 {
            probe::mark("other process");
            crate::exit_now(0);
        }
        // SAFETY: a child of this process; no status is asked for.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    });
    let exit = exit.returned();
    let [main, thread, process] = exit.marks() else { panic!("{:?}", exit.marks()) };
    let started = exit.timeline().iter().find_map(|event| match event.what {
        What::Started { pid } => Some(pid),
        _ => None,
    });
    assert_eq!((main.pid(), main.thread()), (started, started));
    assert_eq!(thread.pid(), started);
    assert!(thread.thread() != started && process.pid() != started);
    assert_eq!(process.pid(), process.thread());
    let times: Vec<_> = exit.marks().iter().map(|mark| mark.at().unwrap()).collect();
    assert!(times.is_sorted() && times[2] <= exit.duration(), "{times:?} {:?}", exit.duration());
}

#[test]
fn marks_made_before_any_way_to_end_are_kept() {
    let exits = [
        assert_exit(|| {
            probe::mark("made");
            std::process::exit(3)
        })
        .code(3),
        assert_exit(|| {
            probe::mark("made");
            crate::exit_now(3)
        })
        .code(3),
        assert_exit(|| {
            probe::mark("made");
            std::process::abort()
        })
        .aborted(),
        assert_exit(|| {
            probe::mark("made");
            crate::kill_oneself()
        })
        .killed_by(SIGKILL),
    ];
    for exit in exits {
        let exit = exit.cleanup_ran("made");
        fails_with(|| exit.cleanup_ran("not made"), &[NO_EVIDENCE]);
    }
}
