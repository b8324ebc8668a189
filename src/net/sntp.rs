//! The system clock, set from a time server (SNTP, RFC 4330).

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::link::links::must_be_ours;
use crate::sys::kernel;
use crate::system_root::SystemRoot;

const PORT: u16 = 123;
const MESSAGE: usize = 48;
/// Tries per address of the server; each waits this long.
const TRIES: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(2);
/// RFC 4330 §3: seconds from 1900 to 1970; the seconds wrapped in 2036, so no earlier time is meant.
const UNIX: u64 = 2_208_988_800;

/// Sets the system clock from `server`, a name or an address, with a port or without.
pub fn synchronise(host: &SystemRoot, clock: &Clock, server: &str) -> Result<()> {
    must_be_ours(host).context("setting the clock")?;
    let doing = || format!("asking {server} for the time");
    let port = |server: &str| (server, PORT).to_socket_addrs().map(Vec::from_iter);
    let addresses = match server.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(_) => port(server.trim_matches(['[', ']'])).with_context(doing)?,
    };
    let mut failure = Error::plain("the name has no address");
    for address in addresses.iter().take(4) {
        match (0..TRIES).find_map(|_| ask(clock, *address).map_err(|error| failure = error).ok()) {
            None => continue,
            Some(time) => {
                kernel::set_clock(time).context("setting the clock")?;
                log::info!("the clock is set from {address}");
                return Ok(());
            }
        }
    }
    Err(failure).with_context(doing)
}

/// The time since 1970 at the moment the answer came.
fn ask(clock: &Clock, server: SocketAddr) -> Result<Duration> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0u8; 4], 0).into(),
        SocketAddr::V6(_) => ([0u8; 16], 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // The server returns our transmit timestamp; random instead of our (wrong) time, so that nobody
    // who does not see the question can answer it.
    let mut cookie = [0; 8];
    kernel::random(&mut cookie)?;
    let mut question = [0; MESSAGE];
    // No leap warning, version 4, mode 3: client.
    question[0] = 4 << 3 | 3;
    question[40..].copy_from_slice(&cookie);
    let sent = clock.elapsed();
    socket.send(&question)?;
    let mut answer = [0; MESSAGE];
    let length = socket.recv(&mut answer)?;
    let way = (clock.elapsed() - sent) / 2;
    Ok(read(answer.get(..length).unwrap_or(&[]), cookie)? + way)
}

/// RFC 4330 §5: what a client must check.
fn read(answer: &[u8], cookie: [u8; 8]) -> Result<Duration> {
    let answer: &[u8; MESSAGE] = answer
        .try_into()
        .map_err(|_| Error::plain("the answer is too short"))?;
    let (leap, mode, stratum) = (answer[0] >> 6, answer[0] & 7, answer[1]);
    if mode != 4 || answer[24..32] != cookie {
        return Err(Error::plain("the answer is to another question"));
    }
    if leap == 3 || !(1..16).contains(&stratum) {
        return Err(Error::plain("the server does not know the time itself"));
    }
    let half = |at: usize| {
        u64::from(u32::from_be_bytes(
            [0, 1, 2, 3].map(|byte| answer[at + byte]),
        ))
    };
    let (seconds, fraction) = (half(40), half(44));
    // RFC 4330 §3: with the top bit clear the time is after the wrap of 2036.
    let era = if seconds & 1 << 31 == 0 { 1 << 32 } else { 0 };
    let seconds = (seconds + era).checked_sub(UNIX);
    let seconds = seconds.ok_or_else(|| Error::plain("the server's time is before 1970"))?;
    Ok(Duration::new(
        seconds,
        ((fraction * 1_000_000_000) >> 32) as u32,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const COOKIE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

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
        // 2026-08-01 and 2040-01-01, 00:00 UTC.
        for (wire, unix) in [(3994531200, 1785542400), (123010304, 2208988800)] {
            let read = read(&answer(wire), COOKIE).expect("a time");
            assert_eq!(read, Duration::from_secs(unix) + half, "{wire}");
        }
    }

    #[test]
    fn answers_a_client_must_not_take_are_refused() {
        let good = answer(3994531200);
        assert!(read(&good, COOKIE).is_ok());
        assert!(read(&good, [0; 8]).is_err(), "not our question");
        assert!(read(&good[..47], COOKIE).is_err());
        for (at, value) in [
            (0, 4 << 3 | 3),
            (0, 3 << 6 | 4 << 3 | 4),
            (1, 0),
            (1, 16),
            (40, 0x80),
        ] {
            let mut bad = good;
            bad[at] = value;
            if at == 40 {
                bad[41..44].fill(0);
            }
            assert!(read(&bad, COOKIE).is_err(), "{at} {value}");
        }
    }

    #[test]
    fn a_server_is_asked_and_believed() {
        let server = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
        let address = server.local_addr().expect("its address");
        let served = thread::spawn(move || {
            let mut question = [0; MESSAGE];
            let (_, from) = server.recv_from(&mut question).expect("a question");
            let mut answer = answer(3994531200);
            answer[24..32].copy_from_slice(&question[40..48]);
            server.send_to(&answer, from).expect("sent");
        });
        let time = ask(&Clock::fake(), address).expect("a time");
        served.join().expect("the server is done");
        assert_eq!(time.as_millis() % 1000, 500);
        let refused = synchronise(
            &SystemRoot::new("/nonexistent"),
            &Clock::fake(),
            "127.0.0.1",
        );
        assert!(
            refused
                .expect_err("an error")
                .details()
                .contains("not a ramdisk")
        );
    }
}
