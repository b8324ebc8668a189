//! Writes the log to every console, to /dev/kmsg, and to a ring kept for `log.collect_system_logs`.
//!
//! On a host that is not ours it goes to standard error alone.

mod consoles;
pub mod progress_bar;
pub mod status;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::clock::Clock;
use crate::logger::consoles::{Consoles, append};
use crate::sys::kernel;
use crate::system_root::SystemRoot;

/// Bytes of log the ring keeps; whole lines, the oldest go first.
const RING: usize = 256 << 10;
/// Lines that wait for whoever follows the log: a few hundred KiB at the most.
const WAITING: usize = 512;
/// Characters of one line; what is beyond came from outside and helps nobody.
const LINE: usize = 4096;

static LOGGER: OnceLock<Logger> = OnceLock::new();

struct Logger {
    ring: Mutex<Ring>,
    kmsg: Option<File>,
    /// None on a host: lines go to standard error.
    consoles: Option<Consoles>,
    debug: bool,
    /// Who follows the log, if anybody does.
    follower: OnceLock<SyncSender<String>>,
    /// Lines there was no room for.
    lost: AtomicU64,
    /// Lines that the follower has and is not done with.
    waiting: AtomicU64,
}

/// Starts the log of this process; a second call changes nothing.
pub fn start(host: &SystemRoot, debug: bool) {
    let ours = host.is_ramdisk();
    let logger = Logger {
        ring: Mutex::default(),
        kmsg: ours.then(|| append(&host.dev("kmsg"))).flatten(),
        consoles: ours.then(|| Consoles::start(host.clone())).flatten(),
        debug,
        follower: OnceLock::new(),
        lost: AtomicU64::new(0),
        waiting: AtomicU64::new(0),
    };
    if log::set_logger(LOGGER.get_or_init(|| logger)).is_ok() {
        // A panic's words go where all the others go, and are written before the process ends.
        panic::set_hook(Box::new(|panic| {
            log::error!(target: "ironlet", "{panic}");
            log::logger().flush();
        }));
        log::set_max_level(if debug {
            LevelFilter::Debug
        } else {
            LevelFilter::Info
        });
    }
}

/// What this process logged, oldest line first.
pub fn ring() -> Vec<u8> {
    LOGGER.get().map_or_else(Vec::new, |logger| {
        let ring = logger.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.lines.iter().copied().collect()
    })
}

/// The last lines of what this process logged, `most` at the most, oldest first.
pub fn last_lines(most: usize) -> Vec<u8> {
    LOGGER.get().map_or_else(Vec::new, |logger| {
        let ring = logger.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last(most)
    })
}

/// Every line from now on, and before them those that the ring still holds, as far as there is room. Never holds up who
/// logs: what does not fit is counted by [`lost_to_follower`]. There is one follower; a second one gets nothing.
pub fn follow() -> Receiver<String> {
    let (tell, told) = sync_channel(WAITING);
    if let Some(logger) = LOGGER.get() {
        let ring = logger.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let past: Vec<u8> = ring.lines.iter().copied().collect();
        let past = String::from_utf8_lossy(&past);
        let surplus = past.lines().count().saturating_sub(WAITING / 2);
        for line in past.lines().skip(surplus) {
            // There is room: nobody else has the other end yet.
            let _ = tell.try_send(line.to_owned());
            logger.waiting.fetch_add(1, Ordering::AcqRel);
        }
        let _ = logger.follower.set(tell);
    }
    told
}

/// The follower is done with a line: see [`Log::flush`] of this logger.
pub fn followed() {
    if let Some(logger) = LOGGER.get() {
        let one_less = |waiting: u64| Some(waiting.saturating_sub(1));
        let _ = logger
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }
}

/// How many lines the follower did not get since this was asked last.
pub fn lost_to_follower() -> u64 {
    LOGGER
        .get()
        .map_or(0, |logger| logger.lost.swap(0, Ordering::Relaxed))
}

/// A line of somebody else's, for the follower alone: consoles and archive have it by another way.
pub fn pass_on(level: Level, room: &str, text: &str) {
    if let Some(logger) = LOGGER.get() {
        logger.tell_follower(line(kernel::uptime(), level, room, text));
    }
}

impl Logger {
    fn tell_follower(&self, line: String) {
        if let Some(follower) = self.follower.get() {
            self.waiting.fetch_add(1, Ordering::AcqRel);
            if follower.try_send(line).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
                followed();
            }
        }
    }
}

impl Log for Logger {
    /// Other people's crates may log what we would not (request paths, headers): only their warnings. tiny_http has one, at the end of
    /// its listener, which is no fault where that was shut: `api::tiny_http_backend` knows, and says what there is to say.
    fn enabled(&self, metadata: &Metadata) -> bool {
        match metadata.target().starts_with("ironlet") {
            true => self.debug || metadata.level() <= Level::Info,
            false => metadata.level() <= Level::Warn && metadata.target() != "tiny_http",
        }
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let text = line(
            kernel::uptime(),
            record.level(),
            room(record.target()),
            &text,
        );
        if let Some(mut kmsg) = self.kmsg.as_ref() {
            // Documentation/ABI/testing/dev-kmsg: facility 1 (user) × 8 + severity 7 (debug), which the
            // kernel's own console output leaves out: we write to the consoles ourselves.
            let text = text.split_once("] ").map_or(&*text, |(_, text)| text);
            let _ = kmsg.write_all(format!("<15>ironlet: {text}").as_bytes());
        }
        match &self.consoles {
            Some(consoles) => consoles.line(text.clone()),
            None => progress_bar::above(&text),
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.push(text.as_bytes());
        self.tell_follower(text);
    }

    /// Waits until the consoles have what was logged so far, or for two seconds; and the follower, or for half a second.
    fn flush(&self) {
        if let Some(consoles) = &self.consoles {
            consoles.flush();
        }
        let clock = Clock::real();
        for _ in 0..50 {
            if self.waiting.load(Ordering::Acquire) == 0 {
                break;
            }
            clock.sleep(Duration::from_millis(10));
        }
    }
}

/// The part of the house a line comes from: `ironlet::image::sink` is `image`, a foreign crate its name.
fn room(target: &str) -> &str {
    let target = target.strip_prefix("ironlet::").unwrap_or(target);
    target.split("::").next().unwrap_or(target)
}

/// One line of log; control characters are escaped, for text from outside passes through here.
fn line(time: Duration, level: Level, room: &str, text: &str) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn ",
        Level::Info => "info ",
        Level::Debug | Level::Trace => "debug",
    };
    let mut line = format!("[{:9.3}] {level} {room}: ", time.as_secs_f64());
    line += &harmless(text, LINE);
    line.push('\n');
    line
}

/// At most `most` characters of a text that may be anybody's, without those that steer a terminal.
pub fn harmless(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for character in text.chars().take(most) {
        match character.is_control() {
            true => {
                let _ = write!(shown, "{}", character.escape_default());
            }
            false => shown.push(character),
        }
    }
    shown
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<u8>,
}

impl Ring {
    fn last(&self, most: usize) -> Vec<u8> {
        let lines = &self.lines;
        let ends = lines.iter().enumerate().rev();
        let mut ends = ends.filter(|(_, byte)| **byte == b'\n');
        let from = ends.nth(most).map_or(0, |(end, _)| end + 1);
        lines.range(from..).copied().collect()
    }

    fn push(&mut self, line: &[u8]) {
        self.lines.extend(line);
        while self.lines.len() > RING {
            let end = self.lines.iter().position(|byte| *byte == b'\n');
            self.lines.drain(..=end.unwrap_or(self.lines.len() - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_how_bad_and_where_from() {
        let time = Duration::from_millis(12_345);
        assert_eq!(
            line(time, Level::Info, room("ironlet::image::sink"), "writing"),
            "[   12.345] info  image: writing\n"
        );
        assert_eq!(room("ironlet"), "ironlet");
        assert_eq!(room("rustls::conn"), "rustls");
    }

    #[test]
    fn text_from_outside_cannot_steer_a_terminal_or_forge_a_line() {
        let shown = line(Duration::ZERO, Level::Warn, "net", "a\u{1b}[2J\nb\u{9b}é");
        assert!(
            shown.ends_with("net: a\\u{1b}[2J\\nb\\u{9b}é\n"),
            "{shown:?}"
        );
        let long = line(Duration::ZERO, Level::Warn, "net", &"x".repeat(LINE * 2));
        assert!(long.len() < LINE + 64);
    }

    #[test]
    fn the_ring_drops_its_oldest_lines_whole() {
        let mut ring = Ring::default();
        for number in 0..RING / 8 {
            ring.push(format!("line {number}\n").as_bytes());
        }
        let last = ring.last(2);
        assert!(last.ends_with(b"\n") && last.iter().filter(|byte| **byte == b'\n').count() == 2);
        let text: Vec<u8> = ring.lines.into_iter().collect();
        assert!(text.len() <= RING && text.len() > RING - 32);
        let first = text.split(|byte| *byte == b'\n').next().expect("a line");
        assert!(first.starts_with(b"line "), "{first:?}");
        assert!(text.ends_with(b"\n"));
    }
}
