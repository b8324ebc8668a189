//! What Rust's runtime asks of an unwinder for the backtrace of a panic, answered without one.
//!
//! The release has no tables to unwind by (initramfs/unwound.ld), so LLVM's libunwind, a hundredth of the binary, could name no frame
//! beyond its own. A panic still says what and where. The interface is the Itanium C++ ABI's, level I; all of it that the runtime names has to
//! be here, or the linker takes libunwind beside it.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK`
const END_OF_STACK: c_int = 5;

/// There is no frame to tell of.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_each: *const c_void, _told: *mut c_void) -> c_int {
    END_OF_STACK
}

/// A panic ends the process before anything would go on.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
    std::process::abort()
}

/// Asked of a frame, of which there are none.
macro_rules! nothing_of_a_frame {
    ($($name:ident($($more:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name(_frame: *mut c_void $(, $more: $kind)*) $(-> $result)? {
                Default::default()
            }
        )*
    };
}

nothing_of_a_frame! {
    _Unwind_GetIP() -> usize;
    _Unwind_GetIPInfo(_before: *mut c_int) -> usize;
    _Unwind_GetCFA() -> usize;
    _Unwind_GetLanguageSpecificData() -> usize;
    _Unwind_GetRegionStart() -> usize;
    _Unwind_GetTextRelBase() -> usize;
    _Unwind_GetDataRelBase() -> usize;
    _Unwind_FindEnclosingFunction() -> usize;
    _Unwind_SetGR(_register: c_int, _value: usize);
    _Unwind_SetIP(_value: usize);
}
