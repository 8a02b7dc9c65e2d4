//! The process tree: who came from the target, who made whom, how each ended; who sent a signal; which
//! threads still ran.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod hard;
mod threads;
mod traced;
mod untraced;

use exeunt::prelude::*;
use exeunt::{Fate, Member};

/// The one member with this text in its command line.
#[track_caller]
fn member<'a>(exit: &'a Exit, text: &str) -> &'a Member {
    let found: Vec<_> =
        exit.tree().members().iter().filter(|member| member.command().contains(text)).collect();
    let [member] = found[..] else { panic!("one process with {text:?}, in {:#?}", exit.tree()) };
    member
}

/// The process id of the target.
fn target_of(exit: &Exit) -> i32 {
    let started = exit.timeline().iter().find_map(|event| match event.what {
        exeunt::What::Started { pid } => Some(pid),
        _ => None,
    });
    started.expect("a start on the timeline")
}

fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", script])
}

fn is_code(fate: &Fate, code: i32) -> bool {
    *fate == Fate::Ended(Ending::Code(code))
}

#[expect(clippy::zombie_processes, reason = "that is what it is about")]
/// Makes a child that ends with this code, and waits until it has ended, but does not wait for it.
fn leaves_a_zombie(code: i32) {
    let child = std::process::Command::new("sh").args(["-c", &format!("exit {code}")]).spawn().unwrap();
    let pid = libc::id_t::from(child.id());
    // SAFETY: an all-zero siginfo_t is a valid value to be overwritten.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is live and writable. What has ended is left as it is.
    let seen = unsafe { libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED | libc::WNOWAIT) };
    assert_eq!(seen, 0);
}
