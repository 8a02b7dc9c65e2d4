//! Stack overflow of a function's main thread, shown as Rust programs show it.
//!
//! std installs its handler between the start of the process and `main`, where a function's own
//! process never comes. This one does the same: a fault just below the main thread's stack prints
//! that the stack overflowed and aborts; any other fault has the default action.

use std::sync::atomic::{AtomicUsize, Ordering};

static GUARD_START: AtomicUsize = AtomicUsize::new(0);
static GUARD_END: AtomicUsize = AtomicUsize::new(0);

const ALTERNATE_STACK: usize = 64 * 1024;

/// Installs the handler. Only in a function's own process, on its main thread, before the function.
pub(crate) fn install() {
    let Some((start, page)) = main_stack_start() else { return };
    // The main thread's stack grows down to its limit and stops short of it by the kernel's guard
    // gap; a frame larger than a page may jump over some of it.
    GUARD_START.store(start.saturating_sub(256 * page), Ordering::Relaxed);
    GUARD_END.store(start + page, Ordering::Relaxed);
    let stack = vec![0_u8; ALTERNATE_STACK].leak();
    let stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: ALTERNATE_STACK };
    // SAFETY: the memory is leaked, hence valid for as long as the thread.
    unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) };
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: an all-zero sigaction is valid: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `action` is live and its handler has the signature that SA_SIGINFO asks for.
        unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    }
}

/// The lowest address of the main thread's stack, and the size of a page.
fn main_stack_start() -> Option<(usize, usize)> {
    // SAFETY: an all-zero attribute object is a place to be filled.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    // SAFETY: no preconditions.
    let this = unsafe { libc::pthread_self() };
    // SAFETY: this thread and a live place for its attributes.
    if unsafe { libc::pthread_getattr_np(this, &raw mut attributes) } != 0 {
        return None;
    }
    let mut start = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes were filled above; the places are live.
    let found = unsafe { libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size) };
    // SAFETY: the attributes were filled above and are not used again.
    unsafe { libc::pthread_attr_destroy(&raw mut attributes) };
    // SAFETY: a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    (found == 0).then_some((start as usize, usize::try_from(page).ok()?))
}

extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
    let info = unsafe { &*info };
    // SAFETY: for these signals it has an address.
    let fault = unsafe { info.si_addr() } as usize;
    if (GUARD_START.load(Ordering::Relaxed)..GUARD_END.load(Ordering::Relaxed)).contains(&fault) {
        let mut text = Text { buffer: [0; 256], len: 0 };
        text.push(b"\nthread 'main' (");
        text.push_number(super::raw::thread_id().unsigned_abs());
        text.push(b") has overflowed its stack\nfatal runtime error: stack overflow, aborting\n");
        // SAFETY: the buffer is live and as long as stated.
        unsafe { libc::write(2, text.buffer.as_ptr().cast(), text.len) };
        // SAFETY: abort has no preconditions.
        unsafe { libc::abort() };
    }
    // Not an overflow: the default action, taken when the faulting instruction runs again.
    // SAFETY: SIG_DFL runs no code.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// A text put together without allocating.
struct Text {
    buffer: [u8; 256],
    len: usize,
}

impl Text {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.len < self.buffer.len() {
                self.buffer[self.len] = *byte;
                self.len += 1;
            }
        }
    }

    fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b"0123456789"[(number % 10) as usize]]);
    }
}
