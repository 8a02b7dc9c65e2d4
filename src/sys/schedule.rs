//! Which of two processes that want one core gets it.

/// While it lives, this process preempts no other when it is woken (`SCHED_BATCH`, man 7 sched).
#[derive(Debug)]
pub(crate) struct Modest(());

/// Makes this process modest; `None` where it is not scheduled as others are, which stays as it is.
pub(crate) fn be_modest() -> Option<Modest> {
    // SAFETY: the call takes a number only.
    let now = unsafe { libc::sched_getscheduler(0) };
    (now == libc::SCHED_OTHER && set(libc::SCHED_BATCH)).then_some(Modest(()))
}

impl Drop for Modest {
    fn drop(&mut self) {
        set(libc::SCHED_OTHER);
    }
}

fn set(policy: libc::c_int) -> bool {
    // SAFETY: an all-zero sched_param is valid: these policies have the priority 0.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: `parameters` is live.
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
}
