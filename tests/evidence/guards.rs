//! `probe::on_drop`: guards that tell whether they were dropped, for each way to end.

use exeunt::MarkKind;
use exeunt::prelude::*;
use exeunt::probe::OnDrop;

use crate::support::fails_with;

/// The guard was dropped; so the claim that it was not fails.
#[track_caller]
fn was_dropped(exit: Exit) {
    let exit = exit.dropped("guard");
    fails_with(
        || exit.not_dropped("guard"),
        &["the guard \"guard\" is not dropped", "1 guard was armed, 1 dropped"],
    );
}

/// The guard was skipped; so the claim that it was dropped fails.
#[track_caller]
fn was_skipped(exit: Exit) {
    let exit = exit.not_dropped("guard");
    fails_with(|| exit.dropped("guard"), &["the guard \"guard\" is dropped", "1 guard was armed, 0 dropped"]);
}

#[test]
fn a_return_drops() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
    });
    was_dropped(exit.returned());
}

#[test]
fn a_returned_error_drops() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        Err::<(), _>("no reason")
    });
    was_dropped(exit.code(1));
}

#[test]
fn a_panic_drops_while_unwinding() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        panic!("no reason");
    });
    let exit = exit.panicked();
    let kinds: Vec<_> = exit.marks().iter().map(exeunt::Mark::kind).collect();
    assert_eq!(kinds, [MarkKind::Armed, MarkKind::DroppedUnwinding]);
    was_dropped(exit);
}

#[test]
fn an_exit_skips_drops() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        std::process::exit(3);
    });
    was_skipped(exit.code(3));
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        crate::exit_now(3);
    });
    was_skipped(exit.code(3));
}

#[test]
fn an_abort_and_a_signal_skip_drops() {
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        std::process::abort();
    });
    was_skipped(exit.aborted());
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        crate::kill_oneself();
    });
    was_skipped(exit.killed_by(SIGKILL));
    let exit = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        probe::mark("ready");
        crate::wait_for_ever();
    });
    was_skipped(exit.signal_when(SIGTERM, Ready::mark("ready")).killed_by(SIGTERM));
}

#[test]
fn the_deadline_skips_drops() {
    let plan = || {
        assert_exit(|| {
            let _guard = probe::on_drop("guard");
            crate::wait_for_ever();
        })
    };
    was_skipped(crate::support::times_out(plan, |exit| !exit.marks().is_empty()));
}

#[test]
fn a_guard_of_another_thread_is_dropped_only_where_the_thread_comes_to_its_end() {
    let exit = assert_exit(|| {
        let thread = std::thread::spawn(|| drop(probe::on_drop("guard")));
        thread.join().unwrap();
    });
    was_dropped(exit.returned());
    let exit = assert_exit(|| {
        let (ready, armed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _guard = probe::on_drop("guard");
            ready.send(()).unwrap();
            crate::wait_for_ever();
        });
        armed.recv().unwrap();
    });
    was_skipped(exit.returned());
}

#[test]
fn a_guard_that_is_forgotten_is_not_dropped() {
    was_skipped(assert_exit(|| std::mem::forget(probe::on_drop("guard"))).returned());
}

#[test]
fn where_no_guard_was_armed_nothing_is_known() {
    let exit = assert_exit(|| probe::mark("guard")).returned();
    fails_with(|| exit.clone().dropped("guard"), &["no guard of this label was armed"]);
    fails_with(|| exit.clone().not_dropped("guard"), &["no guard of this label was armed"]);
    // It is a mark, and that is another thing.
    exit.cleanup_ran("guard");
}

#[test]
fn of_several_guards_of_one_label_all_must_agree() {
    let exit = assert_exit(|| {
        let _first = probe::on_drop("both");
        let _second = probe::on_drop("both");
        drop(probe::on_drop("one"));
        std::mem::forget(probe::on_drop("one"));
    });
    let exit = exit.returned().dropped("both");
    fails_with(|| exit.clone().not_dropped("both"), &["2 guards were armed, 2 dropped"]);
    fails_with(|| exit.clone().dropped("one"), &["2 guards were armed, 1 dropped"]);
    fails_with(|| exit.not_dropped("one"), &["2 guards were armed, 1 dropped"]);
}

#[test]
fn a_dropped_guard_is_evidence_of_clean_up_and_an_armed_one_is_not() {
    let exit = assert_exit(|| {
        drop(probe::on_drop("dropped"));
        std::mem::forget(probe::on_drop("armed"));
    });
    let exit = exit.returned().cleanup_ran("dropped").cleanup_skipped("armed");
    fails_with(|| exit.clone().cleanup_skipped("dropped"), &["it ran: a mark was made"]);
    fails_with(|| exit.cleanup_ran("armed"), &["there is no evidence that it did"]);
}

#[test]
fn a_label_that_was_put_together_is_as_good_as_a_literal_one() {
    let exit = assert_exit_with(7, |number| drop(probe::on_drop(format!("connection {number}"))));
    let exit = exit.returned().dropped("connection 7");
    fails_with(|| exit.dropped("connection 8"), &["no guard of this label was armed"]);
}

#[test]
fn all_guards_are_dropped_where_each_of_them_was() {
    let exit = assert_exit(|| {
        let _first = probe::on_drop("first");
        let _second = probe::on_drop("second");
        std::thread::spawn(|| drop(probe::on_drop("of a thread"))).join().unwrap();
    });
    exit.all_dropped().returned();
    let exit = assert_exit(|| {
        let _first = probe::on_drop("first");
        std::mem::forget(probe::on_drop("forgotten"));
        std::mem::forget(probe::on_drop("forgotten"));
    });
    let armed_in =
        format!("\"forgotten\" (2 of this label), armed in tests/evidence/guards.rs:{} at ", line!() - 4);
    let report = crate::support::report_of(|| exit.all_dropped());
    for text in [
        "expected: every guard that was armed is dropped",
        "3 guards were armed, and 2 never dropped:",
        &armed_in,
    ] {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
    assert!(!report.contains("\n            \"first\""), "{report}");
}

#[test]
fn where_no_guard_was_armed_not_all_were_dropped() {
    fails_with(|| assert_exit(|| ()).all_dropped(), &["no guard was armed (`exeunt::probe::on_drop`)"]);
}

#[test]
fn a_guard_that_only_a_fork_dropped_is_among_those_that_were_not() {
    let exit = assert_exit(|| {
        let guard = probe::on_drop("guard");
        let child = crate::fork();
        if child == 0 {
            // Its own guard of this label must not pay for the parent's.
            drop(probe::on_drop("guard"));
            drop(guard);
            crate::exit_now(0);
        }
        crate::wait_for(child);
        std::mem::forget(guard);
    });
    fails_with(
        || exit.returned().all_dropped(),
        &["2 guards were armed, and 1 never dropped", "\"guard\", armed in tests/evidence/guards.rs:"],
    );
}

#[test]
fn a_guard_tells_where_it_was_armed_and_how_it_was_dropped() {
    let exit = assert_exit(|| {
        let _outer = probe::on_drop("outer");
        let _ = std::panic::catch_unwind(|| {
            let _inner = probe::on_drop("in\0ner\n");
            panic!("caught");
        });
    });
    let exit = exit.returned().all_dropped();
    let line = line!() - 7;
    let told: Vec<_> = exit.marks().iter().map(|mark| (mark.kind(), mark.label(), mark.place())).collect();
    let (outer, inner) =
        (format!("tests/evidence/guards.rs:{line}"), format!("tests/evidence/guards.rs:{}", line + 2));
    assert_eq!(
        told,
        [
            (MarkKind::Armed, "outer".into(), Some(outer.as_str())),
            (MarkKind::Armed, "in\0ner\n".into(), Some(inner.as_str())),
            (MarkKind::DroppedUnwinding, "in\0ner\n".into(), None),
            (MarkKind::Dropped, "outer".into(), None),
        ]
    );
    // Drops go backwards.
    let exit = exit.cleanup_order(["in\0ner\n", "outer"]);
    fails_with(|| exit.cleanup_order(["outer", "in\0ner\n"]), &["the marks say otherwise"]);
}

#[test]
fn a_thread_local_guard_is_dropped_with_its_thread_and_a_static_one_never() {
    thread_local!(static LOCAL: OnDrop = probe::on_drop("thread-local"));
    static STATIC: std::sync::OnceLock<OnDrop> = std::sync::OnceLock::new();
    let thread_local = assert_exit(|| {
        std::thread::spawn(|| LOCAL.with(|_| ())).join().unwrap();
    });
    thread_local.all_dropped().dropped("thread-local");
    let both = assert_exit(|| {
        STATIC.get_or_init(|| probe::on_drop("static"));
        std::thread::spawn(|| LOCAL.with(|_| ())).join().unwrap();
    });
    let exit = both.returned().not_dropped("static").dropped("thread-local");
    fails_with(
        || exit.all_dropped(),
        &["2 guards were armed, and 1 never dropped:\n            \"static\", armed in"],
    );
}

#[test]
fn a_guard_of_a_thread_that_the_end_cut_off_is_named() {
    let exit = assert_exit(|| {
        let (ready, armed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _guard = probe::on_drop("of a thread");
            ready.send(()).unwrap();
            crate::wait_for_ever();
        });
        armed.recv().unwrap();
        drop(probe::on_drop("of main"));
    });
    let exit = exit.returned();
    let (pid, thread) = (exit.marks()[0].pid().unwrap(), exit.marks()[0].thread().unwrap());
    assert_ne!(pid, thread);
    fails_with(
        || exit.all_dropped(),
        &["1 never dropped:\n            \"of a thread\"", &format!("by thread {thread} of process {pid}")],
    );
}

#[test]
fn a_guard_that_another_language_arms_has_no_place() {
    let armed = program("sh").args(["-c", r#"printf '\036A 1 2 3 5 guard\n' >> "$EXEUNT_PROBE""#]);
    let exit = armed.success().not_dropped("guard");
    assert_eq!(exit.marks()[0].place(), None);
    fails_with(|| exit.all_dropped(), &["\"guard\" at 0.0 ms by thread 3 of process 2"]);
}

#[test]
fn a_guard_that_a_fork_dropped_in_its_parents_stead_is_not_dropped() {
    // The fork has a guard of this label too, so that it drops two of them.
    let exit = assert_exit(|| {
        let parents = std::mem::ManuallyDrop::new(probe::on_drop("lock"));
        let child = crate::fork();
        if child == 0 {
            drop(probe::on_drop("lock"));
            drop(std::mem::ManuallyDrop::into_inner(parents));
            // SAFETY: no preconditions.
            unsafe { libc::_exit(0) };
        }
        crate::wait_for(child);
    });
    let exit = exit.returned();
    fails_with(
        || exit.clone().dropped("lock"),
        &["the guard \"lock\" is dropped", "2 guards were armed, 1 dropped (and 1 copy dropped by a fork"],
    );
    fails_with(|| exit.clone().not_dropped("lock"), &["the guard \"lock\" is not dropped"]);
    fails_with(|| exit.all_dropped(), &["2 guards were armed, and 1 never dropped"]);
    assert_exit(|| drop([probe::on_drop("lock"), probe::on_drop("lock")])).dropped("lock");
}
