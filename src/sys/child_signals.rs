//! The signals of a program to be started: it gets all of them, whatever process 1 keeps for itself.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{io, ptr};

/// Has it begin with no signal blocked: a mask is inherited, and who waits for its children by SIGCHLD would wait for ever.
pub fn unblock(command: &mut Command) {
    // SAFETY: between fork and exec only what a signal handler may call: sigemptyset(3) and sigprocmask(2) on a set of its own.
    unsafe {
        command.pre_exec(|| {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            match libc::pthread_sigmask(libc::SIG_SETMASK, &none, ptr::null_mut()) {
                0 => Ok(()),
                errno => Err(io::Error::from_raw_os_error(errno)),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel::Signals;

    #[test]
    fn a_child_has_the_signals_its_parent_blocks() {
        let _signals = Signals::block().expect("signals can be blocked");
        let mut command = Command::new("grep");
        command.args(["SigBlk", "/proc/self/status"]);
        let blocked = |command: &mut Command| {
            let output = command.output().expect("there is a grep");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        assert!(!blocked(&mut command).ends_with("\t0000000000000000"));
        unblock(&mut command);
        assert!(blocked(&mut command).ends_with("\t0000000000000000"));
    }
}
