//! The system clock, set from a time server (SNTP, RFC 4330).

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::address::names;
use crate::net::http::url;
use crate::net::link::links::must_be_ours;
use crate::sys::kernel;
use crate::system_root::SystemRoot;

const PORT: u16 = 123;
const MESSAGE: usize = 48;
/// Addresses of the server that are asked, tries for each of them, and how long each try waits.
const ADDRESSES: usize = 4;
const TRIES: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(2);
/// RFC 4330 §3: seconds from 1900 to 1970.
const UNIX: u64 = 2_208_988_800;
/// What a server says of its own clock's worth, in seconds with 16 bits behind the point. RFC 4330 §5 has an infinity
/// "like one second", RFC 5905 §7.3 one of 16: Windows tells 10 of itself, and is right enough for certificates.
const INFINITE: u32 = 16 << 16;

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The right one may still come.
    Discarded(&'static str),
    /// RFC 4330 §8: the server is not to be asked again, and this is its word for why.
    KissOfDeath(String),
}

/// Sets the system clock from `server`, a name or an address, with a port or without. Once its addresses are known it has `limit`
/// to answer.
pub fn synchronise(host: &SystemRoot, clock: &Clock, server: &str, limit: Duration) -> Result<()> {
    must_be_ours(host).context("setting the clock")?;
    let doing = || format!("asking {server} for the time");
    let (name, port) = url::split_port(server)
        .ok_or_else(|| Error::plain("this is neither a name nor an address"))
        .with_context(doing)?;
    let addresses = names::resolve(name, port.unwrap_or(PORT)).with_context(doing)?;
    let until = clock.elapsed() + limit;
    let mut failure = Error::plain("nobody was asked");
    for address in addresses.iter().take(ADDRESSES) {
        match ask(clock, *address, until) {
            Err(error) => failure = error,
            Ok(time) => {
                kernel::set_clock(time).context("setting the clock")?;
                log::info!("the clock is set from {address}");
                return Ok(());
            }
        }
    }
    Err(failure).with_context(doing)
}

/// The time since 1970 at the moment the answer came.
fn ask(clock: &Clock, server: SocketAddr, until: Duration) -> Result<Duration> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0u8; 4], 0).into(),
        SocketAddr::V6(_) => ([0u8; 16], 0).into(),
    };
    let mut failure = Error::plain(format!("{server} is silent"));
    for _ in 0..TRIES {
        // RFC 4330 §5: the answer must come from where the question went.
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        // The server returns our transmit timestamp; random instead of our (wrong) time, so that nobody
        // who does not see the question can answer it.
        let mut cookie = [0; 8];
        kernel::random(&mut cookie)?;
        let mut question = [0; MESSAGE];
        // No leap warning, version 4, mode 3: client.
        question[0] = 4 << 3 | 3;
        question[40..].copy_from_slice(&cookie);
        let sent = clock.elapsed();
        let patience = PATIENCE.min(until.saturating_sub(sent));
        if let Err(error) = socket.send(&question) {
            failure = error.into();
            continue;
        }
        while let Some(left) = patience.checked_sub(clock.elapsed() - sent) {
            socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            // What follows the message proper, keys and extensions, we have not asked for.
            let mut answer = [0; MESSAGE];
            match socket.recv(&mut answer) {
                Ok(MESSAGE) => {}
                Ok(_) => {
                    failure = Error::plain(format!("{server} answers too little"));
                    continue;
                }
                Err(error) if matches!(error.kind(), WouldBlock | TimedOut | Interrupted) => {
                    continue;
                }
                Err(error) => {
                    failure = error.into();
                    break;
                }
            }
            let way = (clock.elapsed() - sent) / 2;
            match read(&answer, cookie) {
                Ok(time) => return Ok(time + way),
                Err(Refused::Discarded(why)) => {
                    failure = Error::plain(format!("{server} answers, but {why}"));
                }
                Err(Refused::KissOfDeath(word)) => {
                    return Err(Error::plain(format!(
                        "{server} wants nothing to do with us: {word}"
                    )));
                }
            }
        }
    }
    Err(failure)
}

/// The time since 1970 that a server tells. RFC 4330 §5: what a client must check.
pub fn read(answer: &[u8; MESSAGE], cookie: [u8; 8]) -> Result<Duration, Refused> {
    let discard = |why| Err(Refused::Discarded(why));
    let word = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|byte| answer[at + byte]));
    let (leap, version, mode) = (answer[0] >> 6, answer[0] >> 3 & 7, answer[0] & 7);
    if mode != 4 || !(1..=4).contains(&version) || answer[24..32] != cookie {
        return discard("not to our question");
    }
    match answer[1] {
        // A word of four letters; a server that merely does not know the time has none.
        0 if answer[12..16].iter().all(u8::is_ascii_graphic) => {
            let word = answer[12..16].escape_ascii().to_string();
            return Err(Refused::KissOfDeath(word));
        }
        1..16 if leap != 3 => {}
        _ => return discard("it does not know the time itself"),
    }
    // Root delay and root dispersion; a delay below zero looks like a large one.
    if word(4) >= INFINITE || word(8) >= INFINITE {
        return discard("it has not heard from its own source for too long");
    }
    let (seconds, fraction) = (u64::from(word(40)), u64::from(word(44)));
    if seconds == 0 {
        return discard("without a time in it");
    }
    // RFC 4330 §3: the seconds wrap in 2036; with the top bit clear the time is after that.
    let era = if seconds & 1 << 31 == 0 { 1 << 32 } else { 0 };
    match (seconds + era).checked_sub(UNIX) {
        Some(seconds) if seconds >= Clock::OLDEST => Ok(Duration::new(
            seconds,
            ((fraction * 1_000_000_000) >> 32) as u32, // less than a second, in nanoseconds
        )),
        _ => discard("its clock was never set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const COOKIE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
    /// 2026-08-01, 00:00 UTC, from 1900.
    const NOW: u32 = 3994531200;

    fn answer(seconds: u32) -> [u8; MESSAGE] {
        let mut answer = [0; MESSAGE];
        (answer[0], answer[1]) = (4 << 3 | 4, 2);
        answer[24..32].copy_from_slice(&COOKIE);
        answer[40..44].copy_from_slice(&seconds.to_be_bytes());
        answer[44] = 0x80;
        answer
    }

    #[test]
    fn the_time_is_read_on_both_sides_of_the_wrap() {
        let half = Duration::from_millis(500);
        // 2026-08-01; the last and the second second of the first era's and the second's; 2040-01-01.
        for (wire, unix) in [
            (NOW, 1785542400),
            (u32::MAX, 2085978495),
            (1, 2085978497),
            (123010304, 2208988800),
        ] {
            let read = read(&answer(wire), COOKIE).expect("a time");
            assert_eq!(read, Duration::from_secs(unix) + half, "{wire}");
        }
    }

    #[test]
    fn answers_a_client_must_not_take_are_refused() {
        let good = answer(NOW);
        let discarded =
            |answer: &[u8; MESSAGE]| matches!(read(answer, COOKIE), Err(Refused::Discarded(_)));
        assert!(!discarded(&good));
        assert!(read(&good, [0; 8]).is_err(), "not our question");
        let table: &[(usize, &[u8], &str)] = &[
            (0, &[4 << 3 | 3], "a client's"),
            (0, &[4 << 3 | 5], "a broadcast"),
            (0, &[4], "version 0"),
            (0, &[7 << 3 | 4], "version 7"),
            (0, &[3 << 6 | 4 << 3 | 4], "alarm: not synchronised"),
            (1, &[16], "stratum 16: not synchronised"),
            (1, &[255], "a reserved stratum"),
            (4, &[0, 16, 0, 0], "a root delay of 16 s"),
            (4, &[0xff, 0xff, 0, 0], "a root delay below zero"),
            (8, &[0, 16, 0, 0], "a root dispersion of 16 s"),
            (40, &[0; 8], "no transmit timestamp"),
            (40, &[0; 4], "1900, with a fraction"),
            (40, &[0x80, 0, 0, 0], "1968"),
            (40, &[0x83, 0xaa, 0x7e, 0x80], "1970"),
            (40, &[0xe1, 0, 0, 0], "2019"),
        ];
        for (at, value, what) in table {
            let mut bad = good;
            bad[*at..at + value.len()].copy_from_slice(value);
            assert!(discarded(&bad), "{what}");
        }
        let mut windows = good;
        (windows[9], windows[0]) = (10, 1 << 6 | 3 << 3 | 4);
        assert!(
            read(&windows, COOKIE).is_ok(),
            "10 s, a leap second to come, version 3"
        );
        let mut kiss = answer(0);
        kiss[1] = 0;
        assert!(discarded(&kiss), "no word");
        kiss[12..16].copy_from_slice(b"RATE");
        assert_eq!(
            read(&kiss, COOKIE),
            Err(Refused::KissOfDeath("RATE".into()))
        );
    }

    /// What `ask` makes of a server that sends these one after the other, and how often it was asked.
    fn asked(answers: Vec<[u8; MESSAGE]>) -> (Result<Duration>, usize) {
        let server = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
        let address = server.local_addr().expect("its address");
        let served = thread::spawn(move || {
            let mut question = [0; MESSAGE];
            let (_, from) = server.recv_from(&mut question).expect("a question");
            for mut answer in answers {
                if answer[24..32] == COOKIE {
                    answer[24..32].copy_from_slice(&question[40..48]);
                }
                server.send_to(&answer, from).expect("sent");
            }
            server.set_nonblocking(true).expect("a socket");
            server
        });
        let time = ask(&Clock::real(), address, PATIENCE * TRIES);
        let server = served.join().expect("the server is done");
        let again = std::iter::from_fn(|| server.recv_from(&mut [0; MESSAGE]).ok()).count();
        (time, 1 + again)
    }

    #[test]
    fn the_right_answer_is_waited_for_and_a_kiss_ends_it() {
        let mut forged = answer(NOW + 9);
        forged[24] = 0;
        let (time, times) = asked(vec![forged, answer(0), answer(NOW)]);
        assert_eq!(time.expect("a time").as_secs(), 1785542400);
        assert_eq!(times, 1);
        let mut kiss = answer(0);
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"DENY");
        let (refused, times) = asked(vec![kiss]);
        let refused = refused.expect_err("a kiss of death").to_string();
        assert!(refused.contains("nothing to do with us: DENY"), "{refused}");
        assert_eq!(times, 1);
    }

    #[test]
    fn only_a_ramdisk_has_its_clock_set() {
        let host = SystemRoot::new("/nonexistent");
        let refused =
            synchronise(&host, &Clock::fake(), "127.0.0.1", PATIENCE).expect_err("an error");
        assert!(refused.details().contains("not a ramdisk"));
    }
}
