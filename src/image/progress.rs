//! Tells how far the image has come: one line every few seconds, on the console and in the log.

use std::io::{self, Read};
use std::time::Duration;

use log::info;

use crate::clock::Clock;
use crate::units::Bytes;

const EVERY: Duration = Duration::from_secs(3);

/// Counts the bytes that pass.
pub struct Progress<R> {
    inner: R,
    clock: Clock,
    started: Duration,
    told: Duration,
    done: Bytes,
    total: Option<Bytes>,
}

impl<R: Read> Progress<R> {
    pub fn new(inner: R, total: Option<Bytes>, clock: Clock) -> Self {
        let now = clock.elapsed();
        Progress {
            inner,
            clock,
            started: now,
            told: now,
            done: Bytes(0),
            total,
        }
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.done.0 += count as u64;
        let now = self.clock.elapsed();
        if now - self.told >= EVERY {
            self.told = now;
            info!("{}", line(self.done, self.total, now - self.started));
        }
        Ok(count)
    }
}

/// `412 MiB of 2 GiB (20 %), 137 MiB/s, 12 s left`
fn line(done: Bytes, total: Option<Bytes>, time: Duration) -> String {
    let rate = done.rate(time);
    match total {
        Some(total) if total.0 > 0 && rate > 0.0 => {
            let percent = done.0 as f64 / total.0 as f64 * 100.0;
            let left = Bytes(total.0.saturating_sub(done.0)).rate(Duration::from_secs(1)) / rate;
            format!("{done} of {total} ({percent:.0} %), {rate:.1} MiB/s, {left:.0} s left")
        }
        _ => format!("{done}, {rate:.1} MiB/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let ten = Duration::from_secs(10);
        for (done, total, shown) in [
            (
                Bytes::mib(512),
                Some(Bytes::mib(2048)),
                "512 MiB of 2 GiB (25 %), 51.2 MiB/s, 30 s left",
            ),
            (Bytes::mib(512), None, "512 MiB, 51.2 MiB/s"),
            (Bytes(0), Some(Bytes(0)), "0 B, 0.0 MiB/s"),
            (
                Bytes::mib(20),
                Some(Bytes::mib(10)),
                "20 MiB of 10 MiB (200 %), 2.0 MiB/s, 0 s left",
            ),
        ] {
            assert_eq!(line(done, total, ten), shown);
        }
    }
}
