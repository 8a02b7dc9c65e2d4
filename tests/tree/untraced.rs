//! What the harness sees without following anybody: what comes back to it.

use std::os::unix::net::UnixStream;

use exeunt::prelude::*;
use exeunt::{Fate, Sender};

use crate::support::fails_with;
use crate::{is_code, shell};

#[test]
fn a_target_without_children_has_no_tree() {
    let exit = shell(":").success();
    assert!(exit.tree().members().is_empty() && !exit.tree().is_complete());
}

/// Makes a child whose child outlives it, ends with 6, and is gone for good before the target ends.
fn makes_an_orphan() {
    use std::io::Read;
    let (mut reader, writer) = UnixStream::pair().unwrap();
    // SAFETY: a single-threaded process; the child makes but one more and leaves.
    let between = unsafe { libc::fork() };
    if between == 0 {
        let parent = i32::try_from(std::process::id()).unwrap();
        // SAFETY: as above.
        if unsafe { libc::fork() } == 0 {
            // The orphan holds the pipe until it has another parent.
            // SAFETY: as above.
            while unsafe { libc::getppid() } == parent {}
            write_own_id(&writer);
            // SAFETY: as above.
            unsafe { libc::_exit(6) };
        }
        // SAFETY: as above.
        unsafe { libc::_exit(0) };
    }
    drop(writer);
    // SAFETY: the child made above, once; its status is not asked for.
    unsafe { libc::waitpid(between, std::ptr::null_mut(), 0) };
    let mut id = String::new();
    reader.read_to_string(&mut id).unwrap();
    while is_there(id.parse().unwrap()) {}
}

fn is_there(pid: i32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn write_own_id(mut pipe: &UnixStream) {
    use std::io::Write;
    write!(pipe, "{}", std::process::id()).unwrap();
}

#[test]
fn an_orphan_that_ended_before_the_target_is_in_the_tree_with_its_end() {
    let exit = assert_exit(makes_an_orphan).success();
    let [orphan] = exit.tree().members() else { panic!("{:#?}", exit.tree()) };
    assert!(is_code(orphan.fate(), 6) && orphan.parent().is_none(), "{orphan:#?}");
    assert!(orphan.died().is_some_and(|at| at <= exit.duration()));
    exit.no_zombies();
}

#[test]
fn what_is_left_behind_is_in_the_tree_and_has_an_age() {
    let exit = shell("sleep 1000 & exit 3").code(3);
    let [member] = exit.tree().members() else { panic!("{:#?}", exit.tree()) };
    assert_eq!(*member.fate(), Fate::LeftBehind);
    let [leftover] = exit.leftovers() else { panic!("{:?}", exit.leftovers()) };
    assert!(leftover.age.expect("an age") < secs(600), "{leftover:?}");
    fails_with(|| exit.code(0), &["(parent ", " old): "]);
}

#[test]
fn a_child_that_nobody_waited_for_is_a_zombie() {
    let exit = assert_exit(|| crate::leaves_a_zombie(7)).success();
    let zombies: Vec<_> = exit.tree().zombies().collect();
    let [zombie] = zombies[..] else { panic!("{:#?}", exit.tree()) };
    assert_eq!(*zombie.fate(), Fate::NeverWaitedFor(Ending::Code(7)));
    assert_eq!(zombie.parent(), None, "an orphan that ended just before the target looks the same");
    assert!(exit.leftovers().is_empty());
    fails_with(
        || exit.clone().code(1),
        &["processes that came from it:", "exit code 7, and nobody waited for it"],
    );
    fails_with(|| exit.no_zombies(), &["expected: every child is waited for", "because: 1 process", "[sh]"]);
}

#[test]
fn an_orphan_that_ends_just_before_the_target_is_no_zombie() {
    // It holds the pipe until it ends, and the target goes on when the pipe is closed.
    let plan = || shell("(sh -c : &) | cat");
    for _ in 0..30 {
        plan().no_zombies();
    }
    fails_with(
        || assert_exit(|| crate::leaves_a_zombie(7)).no_zombies(),
        &["exit code 7, and nobody waited for it"],
    );
}

#[test]
fn where_not_all_is_told_nothing_is_said_of_zombies() {
    let plan = |count| shell(&format!("i=0; while [ $i -lt {count} ]; do (exit 0); i=$((i+1)); done"));
    plan(10).no_zombies();
    fails_with(|| plan(270).no_zombies(), &["14 processes more came from it than are kept"]);
}

#[test]
fn a_child_that_was_waited_for_is_no_zombie() {
    let plan = || {
        assert_exit(|| {
            std::process::Command::new("sh").args(["-c", "exit 7"]).status().unwrap();
        })
    };
    // Asked of the plan, it is followed.
    let exit = plan().no_zombies();
    let [child] = exit.tree().members() else { panic!("{:#?}", exit.tree()) };
    assert!(is_code(child.fate(), 7));
    assert!(plan().success().no_zombies().tree().members().is_empty());
}

#[test]
fn who_sent_a_signal_is_not_known_without_following() {
    let exit = shell("kill -TERM $$").killed_by(SIGTERM);
    let told = exit.timeline().iter().any(|event| matches!(event.what, exeunt::What::Received(_)));
    assert!(!told, "{:?}", exit.timeline());
    assert_ne!(Sender::Itself, Sender::Kernel);
}
