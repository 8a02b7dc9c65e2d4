//! Whether a process is in the C library's `exit`, seen on its stacks.
//!
//! `exit` runs the exit hooks, flushes, and never comes back. So where the address after its one call lies on
//! the stack of a thread, that thread has called it, by a return from `main` too. The stack pointer of a thread
//! that waits is in `/proc/PID/task/TID/syscall`; of one that runs nothing is known. Where `exit` begins is
//! taken from this process, and holds for those that have the same file of the C library in their memory.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::threads;

/// The call is so near to the beginning of `exit`, which hands over three constants and does nothing else.
const CALL_WITHIN: u64 = 0x20;

/// How much of a stack is looked at. What an exit hook has put there lies between its top and `exit`.
const MOST_OF_A_STACK: u64 = 1024 * 1024;

/// One line of `/proc/PID/maps`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    /// The device and the inode, as they are written there; of memory without a file, zeros.
    file: (String, u64),
}

impl Mapping {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let offset = number(fields.nth(1)?)?;
        let file = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
        Some(Self { start: number(start)?, end: number(end)?, offset, file })
    }

    const fn holds(&self, address: u64) -> bool {
        self.start <= address && address < self.end
    }
}

fn mappings(process: &str) -> Vec<Mapping> {
    let maps = fs::read(format!("/proc/{process}/maps")).unwrap_or_default();
    String::from_utf8_lossy(&maps).lines().filter_map(Mapping::parse).collect()
}

/// Where the beginning of this file is in memory.
fn base(mappings: &[Mapping], file: &(String, u64)) -> Option<u64> {
    mappings.iter().find(|mapping| mapping.offset == 0 && mapping.file == *file).map(|mapping| mapping.start)
}

/// Where `exit` begins in the process whose memory this is.
fn exit_in(mappings: &[Mapping]) -> Option<u64> {
    let own = self::mappings("self");
    let address = libc::exit as *const () as u64;
    let file = &own.iter().find(|mapping| mapping.holds(address) && mapping.file.1 != 0)?.file;
    Some(address - base(&own, file)? + base(mappings, file)?)
}

/// Whether a thread of the process `pid` is in `exit`; `false` also where that cannot be known.
pub(crate) fn has_called_exit(pid: i32) -> bool {
    let mappings = mappings(&pid.to_string());
    let Some(exit) = exit_in(&mappings) else { return false };
    let Ok(memory) = File::open(format!("/proc/{pid}/mem")) else { return false };
    threads::tasks(pid).iter().any(|task| {
        let call = fs::read_to_string(task.path.join("syscall")).unwrap_or_default();
        let Some(top) = stack_pointer(&call) else { return false };
        let behind = mappings.partition_point(|mapping| mapping.end <= top);
        let Some(stack) = mappings.get(behind).filter(|mapping| mapping.holds(top)) else { return false };
        let length = (stack.end - top).min(MOST_OF_A_STACK);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        memory.read_exact_at(&mut bytes, top).is_ok() && holds_a_return_to(&bytes, exit)
    })
}

/// The last but one of the numbers that a thread in a call shows.
fn stack_pointer(call: &str) -> Option<u64> {
    let number = call.split_ascii_whitespace().nth(7)?;
    u64::from_str_radix(number.strip_prefix("0x")?, 16).ok()
}

/// Whether one of the words is an address just behind the beginning of `exit`.
fn holds_a_return_to(stack: &[u8], exit: u64) -> bool {
    let words = stack.chunks_exact(8).filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?)));
    words.into_iter().any(|word| word > exit && word <= exit + CALL_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::{Mapping, holds_a_return_to, stack_pointer};

    #[test]
    fn a_line_of_the_memorys_map_is_read() {
        let line = "7f0000001000-7f0000003000 r-xp 00026000 fe:00 326279                     /lib/libc.so.6";
        let mapping = Mapping::parse(line).unwrap();
        assert_eq!((mapping.start, mapping.offset), (0x7f00_0000_1000, 0x26000));
        assert_eq!(mapping.file, ("fe:00".to_owned(), 326_279));
        assert!(mapping.holds(0x7f00_0000_2fff) && !mapping.holds(0x7f00_0000_3000));
        assert_eq!(Mapping::parse("7ffc-7ffd rw-p 00000000 00:00 0  [stack]").unwrap().file.1, 0);
    }

    #[test]
    fn only_a_word_just_behind_the_beginning_is_a_return() {
        let stack = |word: u64| [0_u64, word, 1].map(u64::to_ne_bytes).concat();
        assert!(holds_a_return_to(&stack(0x101a), 0x1000));
        assert!(holds_a_return_to(&stack(0x1020), 0x1000));
        // The address of `exit` itself is a pointer to it, as a table of functions has.
        assert!(!holds_a_return_to(&stack(0x1000), 0x1000));
        assert!(!holds_a_return_to(&stack(0x1021), 0x1000));
    }

    #[test]
    fn the_stack_pointer_is_the_last_but_one() {
        let line = "34 0x0 0x1 0x2 0x3 0x4 0x5 0x7ffc1000 0x7f2000\n";
        assert_eq!(stack_pointer(line), Some(0x7ffc_1000));
        assert_eq!(stack_pointer("running\n"), None);
    }
}
