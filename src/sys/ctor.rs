//! The constructor: code of this crate that runs before `main` in every process that links it.
//!
//! It is what makes the test binary its own launcher. In an ordinary process it looks for two
//! environment variables and returns. It comes right after std's own (which keeps the arguments)
//! and before those of other crates, so that the launcher runs none of these; a function's own
//! process runs them just before the function, as `main` would find them.

use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};

type Constructor = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array.00100"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static CONSTRUCTOR: Constructor = constructor;

static RAN: AtomicBool = AtomicBool::new(false);

extern "C" fn constructor(_: c_int, _: *const *const c_char, _: *const *const c_char) {
    RAN.store(true, Ordering::Relaxed);
    crate::launch::constructed();
}

/// Whether the constructor ran in this process, that is, whether it will in another of the same
/// executable.
pub(crate) fn ran() -> bool {
    std::hint::black_box(&raw const CONSTRUCTOR);
    RAN.load(Ordering::Relaxed)
}

/// Whether this crate is part of the executable itself and not of a shared library.
pub(crate) fn in_main_executable() -> bool {
    super::function::object_of((&raw const CONSTRUCTOR).addr()) == executable_base()
}

/// Where the executable was loaded: the address of its ELF header.
fn executable_base() -> Option<usize> {
    let headers = program_headers()?;
    let slide = headers.slide;
    let first =
        headers.list.iter().filter(|header| header.p_type == libc::PT_LOAD).map(|h| h.p_vaddr).min()?;
    Some(slide + usize::try_from(first).ok()? / 4096 * 4096)
}

struct ProgramHeaders {
    list: &'static [libc::Elf64_Phdr],
    slide: usize,
}

fn program_headers() -> Option<ProgramHeaders> {
    // SAFETY: getauxval takes a number.
    let place = unsafe { libc::getauxval(libc::AT_PHDR) };
    // SAFETY: getauxval takes a number.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) };
    let place = usize::try_from(place).ok().filter(|place| *place != 0)?;
    // SAFETY: the kernel gave address and number of this executable's program headers, which stay
    // mapped.
    let list =
        unsafe { std::slice::from_raw_parts(place as *const libc::Elf64_Phdr, usize::try_from(count).ok()?) };
    let linked = list.iter().find(|header| header.p_type == libc::PT_PHDR)?.p_vaddr;
    Some(ProgramHeaders { list, slide: place.checked_sub(usize::try_from(linked).ok()?)? })
}

/// Runs the executable's constructors that come after this crate's, as the C library would have
/// done had this one returned. Only in a function's own process, before the function.
pub(crate) fn run_the_rest() {
    let Some(constructors) = executable_constructors() else { return };
    // The static is one of the array's entries; a copy of the function may have another address.
    let own = (&raw const CONSTRUCTOR).addr();
    let Some(at) = constructors.iter().position(|entry| std::ptr::from_ref(entry).addr() == own) else {
        return;
    };
    for entry in &constructors[at + 1..] {
        // The C library skips both values (gABI, "Initialization and Termination Functions").
        if *entry == 0 || *entry == usize::MAX {
            continue;
        }
        // SAFETY: the entries of DT_INIT_ARRAY are functions of this type.
        let entry = unsafe { std::mem::transmute::<usize, Constructor>(*entry) };
        entry(0, [std::ptr::null()].as_ptr(), super::env::current());
    }
}

/// `DT_INIT_ARRAY` of the executable, relocated.
fn executable_constructors() -> Option<&'static [usize]> {
    const DT_INIT_ARRAY: u64 = 25;
    const DT_INIT_ARRAYSZ: u64 = 27;
    let headers = program_headers()?;
    let dynamic = headers.list.iter().find(|header| header.p_type == libc::PT_DYNAMIC)?;
    let start = headers.slide + usize::try_from(dynamic.p_vaddr).ok()?;
    let count = usize::try_from(dynamic.p_memsz).ok()? / 16;
    // SAFETY: PT_DYNAMIC describes a mapped table of (tag, value) pairs of 64 bits each.
    let table = unsafe { std::slice::from_raw_parts(start as *const [u64; 2], count) };
    let value = |tag: u64| table.iter().find(|entry| entry[0] == tag).map(|entry| entry[1]);
    let place = headers.slide + usize::try_from(value(DT_INIT_ARRAY)?).ok()?;
    let len = usize::try_from(value(DT_INIT_ARRAYSZ)?).ok()? / size_of::<usize>();
    // SAFETY: the two entries describe the array of addresses, relocated before any constructor ran.
    Some(unsafe { std::slice::from_raw_parts(place as *const usize, len) })
}
