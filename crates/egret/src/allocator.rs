//! The allocator: how long it keeps memory that is free, and in pages of which size it takes it.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3: after how many milliseconds free memory goes back to the system. The bindings
/// have no names for such options.
const PURGE_DELAY: mi_option_t = 15;

/// Chunks come and go many times a second, and what went back to the system comes again as cleared pages: with the
/// allocator's own delay of one second, that was up to a fifth of the CPU time of collecting (see bench/README.md).
/// A process that does nothing for so long gives everything back.
const KEEP_MILLISECONDS: c_long = 10_000;

/// Keeps free memory for the next chunk, unless the environment says otherwise (`MIMALLOC_PURGE_DELAY`). To be called
/// before there are other threads.
pub(crate) fn keep_free_memory() {
    #[expect(unsafe_code, reason = "the allocator has no other way to be told")]
    // SAFETY: no other thread is there yet that could read options.
    unsafe {
        mi_option_set_default(PURGE_DELAY, KEEP_MILLISECONDS);
    }
}

/// Takes memory in pages of 4 KiB. The allocator asks for huge ones, which Linux clears as a whole when a byte of them is
/// touched: a quarter of all memory was cleared and never used, and where memory is not at hand, as in a virtual machine,
/// that was up to a fifth of the time of a scan. Processes that this one starts inherit it.
pub(crate) fn take_small_pages() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the system has no other way to be told")]
    // SAFETY: sets a flag of the process, of which nothing depends but how fast memory is. An old kernel says no.
    unsafe {
        let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        libc::prctl(libc::PR_SET_THP_DISABLE, yes, unused, unused, unused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_option_is_still_that_of_the_delay() {
        #[expect(unsafe_code, reason = "the allocator has no other way to be asked")]
        // SAFETY: reads a number.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1_000, "mimalloc's default");
        keep_free_memory();
    }
}
