//! Clean-up and drops compared with what is expected of them: `None` where it holds.

use crate::evidence;
use crate::exit::Exit;
use crate::report::{self, Mismatch};

/// It ran, and ran once.
pub(super) fn ran_once(exit: &Exit, label: &str) -> Option<Mismatch> {
    let findings = evidence::of_cleanup(exit, label);
    let once = findings.occurrences().iter().all(|occurrences| occurrences.len() <= 1);
    if once && !findings.valid.is_empty() && findings.not_looked_at == 0 && !label.is_empty() {
        return None;
    }
    let mismatch = Mismatch::new(format!("the clean-up {label:?} runs once"));
    Some(if findings.valid.is_empty() || label.is_empty() {
        mismatch
            .and("there is no evidence that it did")
            .and_all(report::where_it_looked(exit, label, &findings))
    } else {
        mismatch
            .and_all(report::ran_oftener(&findings))
            .and_if(findings.not_looked_at > 0, || report::not_kept(findings.not_looked_at))
    })
}

/// All of these ran, in this order.
pub(super) fn in_order(exit: &Exit, labels: &[String]) -> Option<Mismatch> {
    let mismatch = || Mismatch::new(report::order_expectation(labels));
    if labels.is_empty() {
        return Some(mismatch().and("an order of nothing proves nothing"));
    }
    if labels.iter().any(String::is_empty) {
        return Some(mismatch().and("an empty label is everywhere and proves nothing"));
    }
    let (expected, orders) = evidence::of_order(exit, labels);
    if orders.iter().any(|order| order.is(&expected)) {
        return None;
    }
    Some(mismatch().and_all(report::order_seen(exit, labels, &expected, &orders)))
}

/// Every guard of this label was dropped, and one was armed.
pub(super) fn dropped(exit: &Exit, label: &str) -> Option<Mismatch> {
    let guards = evidence::of_guards(exit, label);
    let holds = guards.armed > 0 && guards.dropped >= guards.armed;
    (!holds).then(|| {
        Mismatch::new(format!("the guard {label:?} is dropped")).and_all(report::guards(exit, label, guards))
    })
}

/// No guard of this label was dropped, and one was armed.
pub(super) fn not_dropped(exit: &Exit, label: &str) -> Option<Mismatch> {
    let guards = evidence::of_guards(exit, label);
    let holds = guards.armed > 0 && guards.dropped == 0;
    (!holds).then(|| {
        Mismatch::new(format!("the guard {label:?} is not dropped"))
            .and_all(report::guards(exit, label, guards))
    })
}

/// Every guard that was armed was dropped, and one was armed.
pub(super) fn all_dropped(exit: &Exit) -> Option<Mismatch> {
    let (armed, open) = evidence::of_all_guards(exit);
    let holds = armed > 0 && open.is_empty();
    (!holds).then(|| {
        Mismatch::new("every guard that was armed is dropped").and_all(report::undropped(armed, &open))
    })
}

/// So many processes outlived the target.
pub(super) fn left(exit: &Exit, expected: usize) -> Option<Mismatch> {
    (exit.leftover_count != expected)
        .then(|| Mismatch::new(report::leftovers_expectation(expected)).and(report::leftovers_found(exit)))
}

/// Every child was waited for, as far as that can be known.
pub(super) fn zombies(exit: &Exit) -> Option<Mismatch> {
    let (zombies, left_out) = (report::members(exit.tree().zombies()), exit.tree().left_out());
    (!zombies.is_empty() || left_out > 0).then(|| {
        Mismatch::new("every child is waited for").and_all(report::not_waited_for(&zombies, left_out))
    })
}
