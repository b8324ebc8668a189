//! The progress bar of whoever runs a command by hand on a terminal: one line below the log's, rewritten in place, with the numbers that
//! the log has elsewhere.

use std::env;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::Clock;
use crate::logger::harmless;
use crate::sys::terminal;
use crate::work_progress::{Reading, WorkProgress};

/// Eyes see no more often.
const EVERY: Duration = Duration::from_millis(200);
/// A bar of fewer cells says nothing; one of more says no more.
const CELLS: std::ops::RangeInclusive<usize> = 10..=40;
/// To the line's start, and all of it gone (ECMA-48, EL).
const WIPE: &str = "\r\x1b[K";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[m";

/// What stands on the terminal's last line.
static SHOWN: Mutex<String> = Mutex::new(String::new());

fn shown() -> MutexGuard<'static, String> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line of the log on standard error, above the bar if there is one.
pub(super) fn above(line: &str) {
    let shown = shown();
    let _ = match shown.is_empty() {
        true => io::stderr().write_all(line.as_bytes()),
        false => io::stderr().write_all(format!("{WIPE}{line}{shown}").as_bytes()),
    };
}

/// Drawn as long as this lives.
pub struct Drawn {
    gauge: WorkProgress,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Draws how far the work is, instead of telling the log; none where standard error is no terminal, or one that only takes lines.
pub fn draw(gauge: &WorkProgress, clock: &Clock) -> Option<Drawn> {
    terminal::columns(&io::stderr())?;
    env::var("TERM")
        .ok()
        .filter(|kind| !kind.is_empty() && kind != "dumb")?;
    // no-color.org
    let has_color = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let over = Arc::new(AtomicBool::new(false));
    let (own, stop, time) = (gauge.clone(), Arc::clone(&over), clock.clone());
    let body = move || {
        while !stop.load(Ordering::Acquire) {
            let width = terminal::columns(&io::stderr()).unwrap_or(0);
            let line = own.read().map(|reading| line(&reading, width, has_color));
            put(line.unwrap_or_default());
            time.sleep(EVERY);
        }
    };
    let thread = thread::Builder::new()
        .name("progress-bar".into())
        .spawn(body);
    let thread = thread.ok()?;
    gauge.watched(true);
    Some(Drawn {
        gauge: gauge.clone(),
        over,
        thread: Some(thread),
    })
}

fn put(line: String) {
    let mut shown = shown();
    if *shown != line {
        let _ = io::stderr().write_all(format!("{WIPE}{line}").as_bytes());
        *shown = line;
    }
}

/// The line is the shell's again.
impl Drop for Drawn {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        put(String::new());
        self.gauge.watched(false);
    }
}

/// In fewer than `width` columns: some terminals begin a new line after the last.
fn line(reading: &Reading, width: usize, has_color: bool) -> String {
    let room = width.saturating_sub(1);
    let text = harmless(&reading.to_string(), 4 * width);
    let used = text.chars().count();
    let total = reading.total.filter(|total| total.0 > 0);
    let cells = room.saturating_sub(used + 3).min(*CELLS.end());
    match total.filter(|_| CELLS.contains(&cells)) {
        None => text.chars().take(room).collect(),
        Some(total) => {
            let full =
                u128::from(reading.done.0.min(total.0)) * cells as u128 / u128::from(total.0);
            let full = full as usize; // at most the cells
            let (on, off) = if has_color { (GREEN, PLAIN) } else { ("", "") };
            format!(
                "[{on}{}{off}{}] {text}",
                "#".repeat(full),
                " ".repeat(cells - full)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    #[test]
    fn a_bar_fits_its_terminal() {
        let reading = |stage: &str, done, total| Reading {
            stage: stage.to_owned(),
            done: Bytes::mib(done),
            total,
            rate: 0,
            left: None,
        };
        let half = reading("writing", 5, Some(Bytes::mib(10)));
        let text = "writing: 5 MiB of 10 MiB (50 %), 0.0 MiB/s";
        for (width, expected) in [
            (
                200,
                format!("[{}{}] {text}", "#".repeat(20), " ".repeat(20)),
            ),
            (text.len() + 14, format!("[#####     ] {text}")),
            (text.len() + 13, text.to_owned()),
            (text.len() + 1, text.to_owned()),
            (9, "writing:".to_owned()),
            (1, String::new()),
            (0, String::new()),
        ] {
            assert_eq!(line(&half, width, false), expected, "{width}");
        }
        let colored = line(&half, 200, true);
        assert!(colored.starts_with("[\x1b[32m####") && colored.contains("\x1b[m "));
        let odd = line(&reading("a\x1b[2J", 1, None), 80, true);
        assert_eq!(odd, "a\\u{1b}[2J: 1 MiB, 0.0 MiB/s");
        let more = line(&reading("x", 20, Some(Bytes::mib(10))), 100, false);
        assert!(more.contains("####] x: 20 MiB"), "{more}");
    }
}
