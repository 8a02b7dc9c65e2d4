//! The roles in which this executable starts itself again: for what can only be measured in a fresh
//! process, and for keeping the processors busy.

use std::env;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::contenders;
use exeunt::prelude::*;

const VARIABLE: &str = "EXEUNT_BENCH_ROLE";
/// How many bytes the role `output-memory` has written.
const BYTES_VARIABLE: &str = "EXEUNT_BENCH_BYTES";

/// Plays the role that the environment names, or a peer's child, and ends; returns in an ordinary
/// process. To be called first in `main`.
pub(crate) fn take_up() {
    contenders::be_a_peers_child();
    let Ok(role) = env::var(VARIABLE) else { return };
    match role.as_str() {
        "leave" => {}
        "spin" => spin(),
        "first-use" => first_use(),
        "output-memory" => output_memory(),
        role => panic!("an unknown role: {role}"),
    }
    std::process::exit(0);
}

fn again(role: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.env(VARIABLE, role).stdin(Stdio::null());
    command
}

/// The numbers that this executable, in the role that `command` gives it, prints.
fn numbers(command: &mut Command) -> Vec<u64> {
    let output = command.stderr(Stdio::inherit()).output().expect("this executable starts");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("digits");
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

/// How long the first run of a fresh process took, its second, and starting the executable again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstUse {
    pub(crate) first: Duration,
    pub(crate) second: Duration,
    pub(crate) self_exec: Duration,
}

impl FirstUse {
    pub(crate) fn measure() -> Self {
        let [first, second, self_exec] = numbers(&mut again("first-use"))[..]
            .try_into()
            .expect("three numbers in the order of the fields");
        let [first, second, self_exec] = [first, second, self_exec].map(Duration::from_nanos);
        Self { first, second, self_exec }
    }
}

#[expect(clippy::print_stdout, reason = "it is how the numbers travel")]
fn first_use() {
    let self_exec = || {
        let status = again("leave").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("this executable starts").success());
    };
    // The first of anything pays for what std and the kernel set up once.
    self_exec();
    let timed = |work: &dyn Fn()| {
        let begin = Instant::now();
        work();
        begin.elapsed().as_nanos()
    };
    let exec = timed(&self_exec);
    let first = timed(&contenders::exeunt_function);
    let second = timed(&contenders::exeunt_function);
    println!("{first} {second} {exec}");
}

/// The most memory that a fresh process had resident before and after it captured a long output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputMemory {
    pub(crate) before_kib: u64,
    pub(crate) after_kib: u64,
}

impl OutputMemory {
    pub(crate) fn measure(bytes: u64) -> Self {
        let mut command = again("output-memory");
        command.env(BYTES_VARIABLE, bytes.to_string());
        let [before_kib, after_kib] = numbers(&mut command)[..].try_into().expect("two numbers");
        Self { before_kib, after_kib }
    }
}

#[expect(clippy::print_stdout, reason = "it is how the numbers travel")]
fn output_memory() {
    let bytes = env::var(BYTES_VARIABLE).expect("how many bytes");
    program(contenders::WRITER).arg("0").success();
    let before = peak_kib();
    let exit = program(contenders::WRITER).arg(bytes).run().expect("a run");
    let after = peak_kib();
    assert_eq!(exit.ending(), &Ending::Code(0));
    println!("{before} {after}");
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a VmHWM line");
    line.trim().trim_end_matches("kB").trim_end().parse().expect("a number of KiB")
}

fn spin() {
    // SAFETY: numbers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    loop {
        std::hint::spin_loop();
    }
}

/// Keeps as many processors busy as it has children; they end with it.
#[derive(Debug)]
pub(crate) struct Busy(Vec<Child>);

impl Busy {
    pub(crate) fn everywhere() -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        Self((0..count).map(|_| again("spin").spawn().expect("this executable starts")).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
