//! A line of the log as a syslog message: RFC 5424, framed for TCP by its length (RFC 6587, RFC 5425). Pure.

use std::fmt::Write;
use std::time::Duration;

use crate::calendar::Day;

/// RFC 5424 §6.2.1: system daemons.
const DAEMON: u8 = 3;
/// RFC 5426 §3.2: receivers should take 2048 bytes.
const LONGEST: usize = 2000;

/// What goes into every header.
pub struct Origin {
    /// As the machine calls itself.
    pub host_name: String,
    /// Of the process.
    pub process: u32,
}

/// When the line was logged.
#[derive(Clone, Copy)]
pub struct Moment {
    /// Since the machine started.
    pub uptime: Duration,
    /// Seconds since 1970; none while nobody has set the clock.
    pub unix: Option<f64>,
}

/// A line of the log taken apart: `[   12.345] info  image: writing`.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Since the machine started.
    pub uptime: Duration,
    /// RFC 5424 §6.2.1: 3 is an error, 4 a warning, 6 informational, 7 debug.
    pub severity: u8,
    /// Which part of the agent it comes from.
    pub room: &'a str,
    /// The rest.
    pub text: &'a str,
}

impl<'a> Line<'a> {
    /// None for what the logger did not write.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (time, rest) = line.trim_end().strip_prefix('[')?.split_once("] ")?;
        let (level, rest) = rest.split_once(' ')?;
        let (room, text) = rest.trim_start().split_once(": ")?;
        let severity = match level {
            "error" => 3,
            "warn" => 4,
            "info" => 6,
            _ => 7,
        };
        let uptime = Duration::try_from_secs_f64(time.trim().parse().ok()?).ok()?;
        Some(Line {
            uptime,
            severity,
            room,
            text,
        })
    }
}

/// The message of a line, `number` counting from 1: a receiver sees by it what is missing. Of a text that is too long, the
/// beginning.
pub fn message(line: &Line, origin: &Origin, unix: Option<f64>, number: u32) -> String {
    let priority = DAEMON * 8 + line.severity;
    let time = unix.map_or_else(|| "-".to_owned(), timestamp);
    let mut message = format!(
        "<{priority}>1 {time} {} ironlet {} {} [meta sequenceId=\"{number}\" sysUpTime=\"{}\"] ",
        name(&origin.host_name, 255),
        origin.process,
        name(line.room, 32),
        // RFC 5424 §7.3.3: hundredths of a second, as SNMP counts.
        line.uptime.as_millis() / 10
    );
    for character in line.text.chars() {
        if message.len() + character.len_utf8() > LONGEST {
            break;
        }
        message.push(character);
    }
    message
}

/// With its length before it.
pub fn framed(message: &str) -> String {
    format!("{} {message}", message.len())
}

/// RFC 5424 §6.2: printable ASCII without blanks, `-` for none.
fn name(text: &str, most: usize) -> String {
    let kept: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(most)
        .collect();
    match kept.is_empty() {
        true => "-".to_owned(),
        false => kept,
    }
}

/// RFC 3339, in UTC, to the millisecond.
fn timestamp(unix: f64) -> String {
    let millis = (unix.max(0.0) * 1000.0) as u64;
    let seconds = millis / 1000;
    let mut text = Day(seconds).to_string();
    let of_day = seconds % 86_400;
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        millis % 1000
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            host_name: "node 7\u{e9}".to_owned(),
            process: 12,
        }
    }

    #[test]
    fn a_line_becomes_a_message() {
        let line = Line::parse("[   12.345] warn  image: it is: slow\n").expect("a line of ours");
        assert_eq!(
            (line.severity, line.room, line.text),
            (4, "image", "it is: slow")
        );
        let sent = message(&line, &origin(), Some(1_700_000_000.25), 9);
        let expected = "<28>1 2023-11-14T22:13:20.250Z node7 ironlet 12 image [meta sequenceId=\"9\" sysUpTime=\"1234\"] it is: slow";
        assert_eq!(sent, expected);
        assert_eq!(framed("abc"), "3 abc");
        let unset = message(&line, &origin(), None, 1);
        assert!(unset.starts_with("<28>1 - node7 "), "{unset}");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let text = "\u{e9}".repeat(3000);
        let line = Line {
            uptime: Duration::ZERO,
            severity: 6,
            room: "",
            text: &text,
        };
        let sent = message(&line, &origin(), None, 1);
        assert!(
            sent.len() <= LONGEST && sent.len() > LONGEST - 2,
            "{}",
            sent.len()
        );
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in [
            "",
            "[",
            "[x] info  a: b",
            "[1.0] info",
            "1.0] info  a: b",
            "[-1] info  a: b",
            "[1e999] info  a: b",
        ] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
