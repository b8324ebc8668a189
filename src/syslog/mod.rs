//! Sends the log to a syslog server while the work goes on, for machines whose console nobody sees: by UDP (RFC 5426), TCP
//! (RFC 6587) or TLS (RFC 5425).
//!
//! Nothing waits for it: lines queue up to a bound, and what does not fit is lost and counted. Lines from before the network was
//! there are sent first.

pub mod destination;
pub mod message;

use std::fs::File;
use std::io::{self, Read};
use std::net::UdpSocket;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use log::{info, warn};

use crate::clock::{Clock, Deadline};
use crate::error::{Context, Error, Result};
use crate::logger;
use crate::net::address::names;
use crate::net::http::dial::{Dialer, Line as Connection, Timeouts};
use crate::net::http::proxy::Proxies;
use crate::net::http::url;
use crate::net::tls::connection::Connector;
use crate::net::tls::trust_settings::Trust;
use crate::redaction::clean;
use crate::sys::kernel;
use crate::syslog::message::{Line, Origin};
use crate::system_root::{SystemRoot, attribute};
pub use destination::Destination;
use destination::Transport;

/// For a connection, and for each message on it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to reach a server, growing from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Follows the log from its beginning in threads of its own, for good.
pub fn start(host: &SystemRoot, clock: &Clock, to: Destination, trust: Trust) -> Result<()> {
    let lines = logger::follow();
    let mut sender = Sender {
        clock: clock.clone(),
        origin: Origin {
            host_name: attribute(host.proc("sys/kernel/hostname")).unwrap_or_default(),
            process: std::process::id(),
        },
        to,
        dialer: Dialer::new(
            Connector::new(trust),
            Proxies::default(),
            Timeouts {
                connect: PATIENCE,
                read: PATIENCE,
            },
        ),
        wire: None,
        number: 0,
        failures: 0,
    };
    let named = thread::Builder::new().name("syslog".to_owned());
    named
        .spawn(move || sender.run(&lines))
        .context("starting the thread that sends the log")?;
    if host.is_ramdisk() {
        let path = host.dev("kmsg");
        let named = thread::Builder::new().name("kernel-warnings".to_owned());
        named
            .spawn(move || match File::open(&path) {
                Ok(mut kmsg) => follow_kernel(&mut kmsg),
                Err(error) => warn!(
                    "warnings of the kernel are not sent: {}: {error}",
                    path.display()
                ),
            })
            .context("starting the thread that reads the kernel's warnings")?;
    }
    Ok(())
}

enum Wire {
    Datagrams(UdpSocket),
    Stream(Connection),
}

struct Sender {
    clock: Clock,
    origin: Origin,
    to: Destination,
    dialer: Dialer,
    wire: Option<Wire>,
    number: u32,
    /// In a row, of reaching the server.
    failures: u32,
}

impl Sender {
    fn run(&mut self, lines: &Receiver<String>) {
        // An error would mean that the logger is gone, and it is there as long as the process.
        while let Ok(text) = lines.recv() {
            if let Some(line) = Line::parse(&text) {
                self.send(&line);
            }
            logger::followed();
            let lost = logger::lost_to_follower();
            if lost > 0 {
                let text = format!("{lost} lines of the log were lost on their way here");
                self.send(&Line {
                    uptime: kernel::uptime(),
                    severity: 4,
                    room: "syslog",
                    text: &text,
                });
            }
        }
    }

    /// Goes on until the line is out; all others queue meanwhile.
    fn send(&mut self, line: &Line) {
        self.number = self.number.wrapping_add(1).max(1);
        let text = clean(line.text.as_bytes());
        let line = Line {
            text: &text,
            ..*line
        };
        loop {
            let ago = kernel::uptime().saturating_sub(line.uptime).as_secs_f64();
            let unix = self.clock.is_set().then(|| self.clock.unix() - ago);
            let message = message::message(&line, &self.origin, unix, self.number);
            let Err(error) = self.put(&message) else {
                if self.failures > 0 {
                    info!("the log is being sent to {} again", self.to);
                }
                self.failures = 0;
                return;
            };
            self.wire = None;
            // Said once: what is said here is to be sent as well.
            if self.failures == 0 {
                warn!("the log cannot be sent to {}, trying on: {error}", self.to);
            }
            self.failures = self.failures.saturating_add(1);
            let (first, most) = PAUSES;
            self.clock
                .sleep(self.clock.backoff(self.failures, first, most));
        }
    }

    fn put(&mut self, message: &str) -> Result<()> {
        if self.wire.is_none() {
            self.wire = Some(self.connect()?);
        }
        match &mut self.wire {
            Some(Wire::Datagrams(socket)) => match socket.send(message.as_bytes()) {
                // The word of an earlier message's end, from a machine where nobody listens: nothing is known of this one.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
                sent => sent.map(drop).map_err(Error::from),
            },
            Some(Wire::Stream(line)) => {
                let framed = message::framed(message);
                line.write(framed.as_bytes(), Deadline::within(PATIENCE))
                    .map_err(Error::plain)
            }
            None => Ok(()),
        }
    }

    fn connect(&self) -> Result<Wire> {
        let Destination {
            host,
            port,
            transport,
        } = &self.to;
        let until = Deadline::within(PATIENCE);
        let scheme = match transport {
            Transport::Udp => {
                let addresses = names::resolve_by(host, *port, until)?;
                let first = addresses
                    .first()
                    .ok_or_else(|| Error::plain("the name has no address"))?;
                let any = match first.is_ipv4() {
                    true => "0.0.0.0:0",
                    false => "[::]:0",
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(first)?;
                return Ok(Wire::Datagrams(socket));
            }
            Transport::Tcp => "http",
            Transport::Tls => "https",
        };
        let url = format!("{scheme}://{}/", url::place(host, *port));
        let url = url::parse(&url).ok_or_else(|| Error::plain("this is no name of a host"))?;
        let line = self.dialer.dial(&url, until).map_err(Error::plain)?;
        Ok(Wire::Stream(line))
    }
}

/// Logs what the kernel warns of, from its start on: who follows the log hears of it.
fn follow_kernel(kmsg: &mut File) {
    // Documentation/ABI/testing/dev-kmsg: one record a read, at most 8 KiB.
    let mut record = vec![0; 8 << 10];
    loop {
        match kmsg.read(&mut record) {
            Ok(0) => return,
            Ok(length) => {
                if let Some((severity, text)) = kernel_warning(&record[..length]) {
                    logger::pass_on(severity, "kernel", &text);
                }
            }
            // What was to be read next was overwritten, or a signal came.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted
                ) => {}
            Err(_) => return,
        }
    }
}

/// Level and text of a record of the kernel's own, `4,339,5140900,-;text`, if it is a warning or worse.
fn kernel_warning(record: &[u8]) -> Option<(log::Level, String)> {
    let record = String::from_utf8_lossy(record);
    let (head, text) = record.split_once(';')?;
    let priority: u32 = head.split(',').next()?.parse().ok()?;
    let level = match priority {
        0..=3 => log::Level::Error,
        4 => log::Level::Warn,
        _ => return None,
    };
    Some((level, text.lines().next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_warnings_are_told_from_all_else() {
        for (record, expected) in [
            (
                "3,5,99,-;I/O error, dev sda\n SUBSYSTEM=block\n",
                Some((log::Level::Error, "I/O error, dev sda")),
            ),
            (
                "4,5,99,-;slow; very",
                Some((log::Level::Warn, "slow; very")),
            ),
            ("6,5,99,-;fine", None),
            // Ours, by way of the kernel.
            ("15,5,99,-;ironlet: x", None),
            ("", None),
            ("x,1;y", None),
        ] {
            let found = kernel_warning(record.as_bytes());
            assert_eq!(
                found.as_ref().map(|(level, text)| (*level, text.as_str())),
                expected
            );
        }
    }
}
