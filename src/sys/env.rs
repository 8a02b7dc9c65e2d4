//! This process's environment as C sees it: for targets before their own code runs.

use std::ffi::{CStr, c_char};

unsafe extern "C" {
    static mut environ: *const *const c_char;
}

/// Replaces the whole environment by a block of `NAME=value`, each ended by a NUL. Only in a process
/// with one thread; the block is kept for the life of the process.
pub(crate) fn replace(block: &[u8]) {
    let list = pointers(block.to_vec().leak(), None).leak();
    // SAFETY: one thread, so that nobody reads the list meanwhile; list and strings are leaked.
    unsafe { environ = list.as_ptr() };
}

/// Does what [`replace`] does, and undoes it.
pub(crate) fn rehearse(block: &[u8]) {
    let block = block.to_vec();
    let list = pointers(&block, None);
    let now = current();
    // SAFETY: one thread; the list stays what it is.
    unsafe { environ = std::hint::black_box(now) };
    drop(std::hint::black_box(list));
}

/// The variables of a block as C takes them, and one more; the list ends with a null pointer and lives
/// no longer than they do.
pub(crate) fn pointers(block: &[u8], more: Option<&CStr>) -> Vec<*const c_char> {
    let mut list: Vec<*const c_char> = Vec::with_capacity(128);
    list.extend(
        block
            .split_inclusive(|byte| *byte == 0)
            .filter_map(|variable| CStr::from_bytes_with_nul(variable).ok())
            .filter(|variable| !variable.is_empty())
            .map(CStr::as_ptr),
    );
    list.extend(more.map(CStr::as_ptr));
    list.push(std::ptr::null());
    list
}

/// Takes a variable out of the environment, and its text out of what `/proc/PID/environ` shows.
/// Only in a process with one thread, before `main` or just after a fork.
pub(crate) fn take(name: &CStr) -> Option<String> {
    // SAFETY: the name is NUL-terminated, and nobody changes the environment meanwhile.
    let found = unsafe { libc::getenv(name.as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: getenv returned a NUL-terminated string.
    let text = unsafe { CStr::from_ptr(found) };
    let len = text.to_bytes().len();
    let text = text.to_string_lossy().into_owned();
    // SAFETY: the name is NUL-terminated; one thread.
    unsafe { libc::unsetenv(name.as_ptr()) };
    let whole = name.to_bytes().len() + 1 + len;
    // SAFETY: `getenv` points behind the `NAME=` of a text that the kernel or `setenv` put into
    // writable memory of this process; nothing refers to it any more.
    let start = unsafe { found.sub(name.to_bytes().len() + 1) };
    // SAFETY: see above.
    unsafe { std::ptr::write_bytes(start, 0, whole) };
    Some(text)
}

/// The list of variables as C code gets it.
pub(crate) fn current() -> *const *const c_char {
    // SAFETY: reads one pointer; one thread.
    unsafe { environ }
}
