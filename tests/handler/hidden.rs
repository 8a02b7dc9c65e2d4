//! A process that lets nobody without privileges see what it waits for (`PR_SET_DUMPABLE`): it is not known whether
//! it is ready, and nothing is said of it that may be false.

use std::thread;

use exeunt::prelude::*;

use crate::programs::c_program;
use crate::support::report_of;
use crate::{LEFT, WORDS};

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Capabilities {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up, for this thread, the privilege to see into every process.
fn see_no_more_than_others() {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_SYS_PTRACE: u32 = 19;
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Capabilities::default(); 2];
    // SAFETY: both are as the version says.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    assert_eq!(got, 0);
    sets[0].effective &= !(1 << CAP_SYS_PTRACE);
    // SAFETY: both are as the version says.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
    assert_eq!(set, 0);
}

fn without_privileges<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let body = || {
            see_no_more_than_others();
            body()
        };
        scope.spawn(body).join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// A program that hides, waiting for SIGTERM.
fn hidden() -> ExitTest {
    c_program("sigwait.c").expect("it was compiled").arg("hidden")
}

#[test]
fn a_gate_on_it_says_that_it_cannot_be_told() {
    let Some(_) = c_program("sigwait.c") else { return };
    let report = without_privileges(|| {
        let plan = hidden().ready_when(Ready::handler(SIGTERM)).signal_after(SIGTERM, ms(0));
        report_of(|| plan.timeout(secs(1)).code(LEFT))
    });
    let told = "gate: the target is ready to take SIGTERM (15): it cannot be told, for the target lets nobody see what \
                it waits for\n";
    assert!(report.contains(told), "{report}");
}

#[test]
fn a_signal_that_it_waits_for_is_delivered_and_not_told_to_have_had_its_default_action() {
    let Some(_) = c_program("sigwait.c") else { return };
    let exit = without_privileges(|| {
        let plan = hidden().ready_when(Ready::stdout("arranged"));
        plan.signal_after(SIGTERM, ms(100)).cleanup_ran(WORDS).code(LEFT)
    });
    let report = report_of(|| exit.success());
    assert!(report.contains(" ms  SIGTERM (15) sent\n"), "{report}");
}
