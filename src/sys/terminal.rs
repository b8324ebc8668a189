//! How wide the terminal is that somebody looks at.

use std::io::IsTerminal;
use std::os::fd::AsRawFd;

use super::checked;

/// Of one that does not say, as serial lines do.
const USUAL: usize = 80;

/// Columns of the terminal that this is; none if it is none.
pub fn columns(output: &(impl AsRawFd + IsTerminal)) -> Option<usize> {
    if !output.is_terminal() {
        return None;
    }
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the kernel writes one winsize to the pointer, which lives until the call returns.
    let asked = checked(unsafe { libc::ioctl(output.as_raw_fd(), libc::TIOCGWINSZ, &mut size) });
    let told = asked.ok().map(|_| usize::from(size.ws_col));
    Some(told.filter(|told| *told > 0).unwrap_or(USUAL))
}
