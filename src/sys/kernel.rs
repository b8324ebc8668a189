//! The kernel as a whole: mounts, modules, processes, signals, power, time, its log and random bytes.

use std::ffi::CStr;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::checked;

/// Fills `bytes` from the kernel's random source.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    for chunk in bytes.chunks_mut(256) {
        // getrandom(2): requests of up to 256 bytes are never cut short once the source is seeded.
        // SAFETY: the kernel writes at most `chunk.len()` bytes to the chunk.
        checked(unsafe { libc::getrandom(chunk.as_mut_ptr().cast(), chunk.len(), 0) })?;
    }
    Ok(())
}

/// Bytes in a page of memory.
pub fn page_size() -> usize {
    // SAFETY: takes no pointer.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096) // POSIX: it has no way to fail
}

/// Mounts a file system of the type `kind` that needs no device; nothing on it can be run.
pub fn mount(kind: &str, target: &Path, options: &str) -> io::Result<()> {
    let (kind, options) = (CString::new(kind)?, CString::new(options)?);
    let target = CString::new(target.as_os_str().as_bytes())?;
    let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
    // SAFETY: the four strings end in NUL and live until the call returns.
    checked(unsafe {
        let (kind, options) = (kind.as_ptr(), options.as_ptr());
        libc::mount(kind, target.as_ptr(), kind, flags, options.cast())
    })
    .map(drop)
}

/// Makes `file` standard input, output and error.
pub fn take_as_stdio(file: &File) -> io::Result<()> {
    for standard in 0..=2 {
        // SAFETY: both are descriptors; what 0 to 2 were before is nobody's any more.
        checked(unsafe { libc::dup2(file.as_raw_fd(), standard) })?;
    }
    Ok(())
}

/// Bytes the file system at `path` may hold, and bytes that are free.
pub fn space(path: &Path) -> io::Result<(u64, u64)> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros is a valid statvfs; it holds only numbers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a string that ends in NUL, and a struct that the kernel fills; both live until the call returns.
    checked(unsafe { libc::statvfs(path.as_ptr(), &mut found) })?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((bytes(found.f_blocks), bytes(found.f_bavail)))
}

/// Loads a kernel module; `compressed` has the kernel unpack it (5.17 and later).
/// False when the kernel has it already, or it finds nothing to drive and does not stay.
pub fn load_module(file: &File, compressed: bool, parameters: &CStr) -> io::Result<bool> {
    // linux/module.h: MODULE_INIT_COMPRESSED_FILE
    let flags: libc::c_int = if compressed { 4 } else { 0 };
    let (module, parameters) = (file.as_raw_fd(), parameters.as_ptr());
    // SAFETY: an open file, a string that ends in NUL, and flags.
    match checked(unsafe { libc::syscall(libc::SYS_finit_module, module, parameters, flags) }) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EEXIST | libc::ENODEV) => Ok(false),
            _ => Err(error),
        },
    }
}

/// The running kernel's release, as in /lib/modules/<release>.
pub fn release() -> io::Result<String> {
    // SAFETY: all zeros is a valid utsname; it holds only bytes.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills the struct, which lives until the call returns.
    checked(unsafe { libc::uname(&mut names) })?;
    let bytes = names.release.iter().map(|byte| *byte as u8);
    let bytes: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An error if it is longer than 64 bytes, or this is not root.
pub fn set_hostname(name: &str) -> io::Result<()> {
    // SAFETY: the kernel reads `name.len()` bytes, no NUL needed.
    checked(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Time since the kernel started: what its own log lines begin with.
pub fn uptime() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel fills the struct, which lives until the call returns. It cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Sets the system clock to this time since 1970.
pub fn set_clock(unix: Duration) -> io::Result<()> {
    let time = libc::timespec {
        tv_sec: unix.as_secs() as _,
        tv_nsec: unix.subsec_nanos() as libc::c_long,
    };
    // SAFETY: the kernel reads the struct, which lives until the call returns.
    checked(unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &time) }).map(drop)
}

/// Sets a hardware clock (an open /dev/rtc0), in UTC.
pub fn set_hardware_clock(rtc: &File, unix: Duration) -> io::Result<()> {
    // linux/rtc.h: RTC_SET_TIME _IOW('p', 0x0a, struct rtc_time); struct rtc_time is nine ints,
    // in the order of struct tm.
    const RTC_SET_TIME: libc::Ioctl = 0x4024_700a;
    let seconds = unix.as_secs() as _;
    // SAFETY: all zeros is a valid tm.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers live until the call returns.
    if unsafe { libc::gmtime_r(&seconds, &mut tm) }.is_null() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (day, year) = ([tm.tm_mday, tm.tm_mon], [tm.tm_year, tm.tm_wday]);
    let rtc_time: [libc::c_int; 9] = [
        tm.tm_sec, tm.tm_min, tm.tm_hour, day[0], day[1], year[0], year[1], tm.tm_yday, 0,
    ];
    // SAFETY: the kernel reads nine ints, which live until the call returns.
    checked(unsafe { libc::ioctl(rtc.as_raw_fd(), RTC_SET_TIME, rtc_time.as_ptr()) }).map(drop)
}

/// Writes what every file system holds back to its disk.
pub fn sync() {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::sync() }
}

/// What is to become of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Off, by ACPI or whatever the machine has.
    Off,
    /// From the firmware on.
    Reboot,
    /// Into the kernel that was taken in (sys/kexec.rs).
    Kexec,
}

/// reboot(2): comes back only when it failed.
pub fn reboot(how: How) -> io::Error {
    let command = match how {
        How::Off => libc::RB_POWER_OFF,
        How::Reboot => libc::RB_AUTOBOOT,
        How::Kexec => libc::RB_KEXEC,
    };
    // SAFETY: takes a number.
    unsafe { libc::reboot(command) };
    io::Error::last_os_error()
}

/// Has Ctrl-Alt-Del send SIGINT to pid 1 instead of restarting the machine on the spot.
pub fn catch_ctrl_alt_del() -> io::Result<()> {
    // SAFETY: takes a number.
    checked(unsafe { libc::reboot(libc::RB_DISABLE_CAD) }).map(drop)
}

/// What pid 1 hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A child died.
    Child,
    /// Ctrl-Alt-Del.
    Interrupt,
}

/// The signals of [`Signal`], kept from interrupting anything and fetched by [`Signals::wait`].
pub struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks them in this thread and in every thread it starts from now on.
    pub fn block() -> io::Result<Self> {
        // SAFETY: all zeros is a valid place for a sigset_t, and sigemptyset initialises it.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set lives until each call returns; the numbers are valid signals.
        unsafe {
            checked(libc::sigemptyset(&mut set))?;
            checked(libc::sigaddset(&mut set, libc::SIGCHLD))?;
            checked(libc::sigaddset(&mut set, libc::SIGINT))?;
            match libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) {
                0 => Ok(Signals(set)),
                errno => Err(io::Error::from_raw_os_error(errno)),
            }
        }
    }

    /// The next signal, or none after `timeout` (none: wait for ever) or an interruption.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Signal> {
        let timeout = timeout.map(|time| libc::timespec {
            tv_sec: time.as_secs() as _,
            tv_nsec: time.subsec_nanos() as libc::c_long,
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), |time| time);
        // SAFETY: the set is initialised; no siginfo is asked for; the timeout is null or lives on the stack.
        match unsafe { libc::sigtimedwait(&self.0, std::ptr::null_mut(), timeout) } {
            libc::SIGCHLD => Some(Signal::Child),
            libc::SIGINT => Some(Signal::Interrupt),
            _ => None,
        }
    }
}

/// Ends this process by SIGPIPE, as a program ends that writes to a pipe nobody reads. Rust ignores that signal from
/// the start, so that a connection that breaks is an error and not the end.
pub fn die_of_closed_pipe() -> ! {
    // SAFETY: takes numbers; the default action of SIGPIPE is to end the process.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::raise(libc::SIGPIPE);
    }
    // Only where the signal is blocked; the code a shell would show.
    std::process::exit(128 + libc::SIGPIPE)
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// Collects one dead child, whichever it is; none when no dead one is left.
pub fn reap() -> Option<(u32, Ended)> {
    let mut status = 0;
    // SAFETY: the kernel writes one int, which lives until the call returns.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    let ended = match libc::WIFSIGNALED(status) {
        true => Ended::Signal(libc::WTERMSIG(status)),
        false => Ended::Exit(libc::WEXITSTATUS(status)),
    };
    (pid > 0).then_some((pid as u32, ended))
}

/// The kernel's log as text, oldest line first; what the ring still holds.
pub fn kernel_log() -> io::Result<Vec<u8>> {
    // syslog(2): SYSLOG_ACTION_READ_ALL = 3, SYSLOG_ACTION_SIZE_BUFFER = 10
    const READ_ALL: libc::c_int = 3;
    const SIZE_BUFFER: libc::c_int = 10;
    // SAFETY: this action touches no memory.
    let size = checked(unsafe { libc::klogctl(SIZE_BUFFER, std::ptr::null_mut(), 0) })?;
    let mut text = vec![0; size as usize];
    // SAFETY: the kernel writes at most `size` bytes to the buffer of that size.
    let filled = checked(unsafe { libc::klogctl(READ_ALL, text.as_mut_ptr().cast(), size) })?;
    text.truncate(filled as usize);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_its_release_and_its_age() {
        let named = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a Linux");
        assert_eq!(release().expect("uname"), named.trim());
        assert!(uptime() > Duration::ZERO);
    }

    #[test]
    fn waiting_for_a_signal_ends_with_its_timeout() {
        let signals = Signals::block().expect("signals can be blocked");
        assert_eq!(signals.wait(Some(Duration::ZERO)), None);
    }
}
