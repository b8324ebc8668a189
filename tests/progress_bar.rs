//! The progress bar of `ironlet write`, as terminals get it that script(1) makes, and the lines that all others get.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

const MIB: usize = 1 << 20;
const SIZE: usize = 8;
/// Of zeros, so many MiB: as sha256sum has it.
const SUM: &str = "2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74";
const COLUMNS: usize = 60;

/// A server that takes four seconds for the image.
fn serve() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for peer in listener.incoming() {
            let Ok(mut peer) = peer else { continue };
            thread::spawn(move || {
                let _ = peer.read(&mut [0; 4096]);
                let length = SIZE * MIB;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                let _ = peer.write_all(head.as_bytes());
                for _ in 0..SIZE {
                    thread::sleep(Duration::from_millis(500));
                    let _ = peer.write_all(&vec![0; MIB]);
                }
            });
        }
    });
    port
}

/// What the command of a shell says, and whether it succeeded, with these in its environment.
fn said(command: &str, environment: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new("sh")
        .args(["-c", command])
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .output()
        .expect("sh starts");
    let all = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&all).into_owned(),
    )
}

#[test]
fn a_terminal_gets_a_bar_in_its_width_and_all_else_lines() {
    let port = serve();
    let folder = std::env::temp_dir().join(format!("ironlet-bar-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("writable");
    let runs: Vec<_> = [
        ("colour", true, &[("TERM", "xterm")][..]),
        ("plain", true, &[("TERM", "xterm"), ("NO_COLOR", "1")]),
        ("dumb", true, &[("TERM", "dumb")]),
        ("pipe", false, &[("TERM", "xterm")]),
    ]
    .into_iter()
    .map(|(name, on_terminal, environment)| {
        let disk = folder.join(name);
        let made = fs::File::create(&disk).and_then(|file| file.set_len((SIZE * MIB) as u64));
        made.expect("writable");
        let disk = disk.display();
        let write = format!(
            "{} write http://127.0.0.1:{port}/image.raw --checksum sha256:{SUM} --disk {disk} --allow-disk {disk}",
            env!("CARGO_BIN_EXE_ironlet")
        );
        let command = match on_terminal {
            true => format!("script -qec 'stty cols {COLUMNS}; {write}' /dev/null </dev/null"),
            false => write,
        };
        (name, thread::spawn(move || said(&command, environment)))
    })
    .collect();
    for (name, run) in runs {
        let (is_well, said) = run.join().expect("no panic");
        assert!(is_well, "{name}: {said}");
        let numbers = said.matches("MiB of 8 MiB (").count();
        if ["dumb", "pipe"].contains(&name) {
            assert!(!said.contains('\u{1b}'), "{name}: {said:?}");
            // One each three seconds.
            assert!((1..=2).contains(&numbers), "{name}: {said}");
            continue;
        }
        assert!(numbers > 3, "{name}: {said}");
        assert_eq!(said.contains("\u{1b}[32m"), name == "colour", "{said:?}");
        let drawn: Vec<_> = said.split("\r\u{1b}[K").skip(1).collect();
        for piece in &drawn {
            let line = piece.replace("\u{1b}[32m", "").replace("\u{1b}[m", "");
            let last = line.lines().last().unwrap_or_default();
            let is_log = line.starts_with("[ ") && line.contains("] info");
            assert!(
                last.chars().count() < COLUMNS || is_log,
                "{name}: {piece:?}"
            );
        }
        assert!(
            drawn
                .iter()
                .all(|piece| !piece.contains("info  image: writing: ")),
            "{said}"
        );
        let end = drawn.last().expect("it was drawn");
        assert!(!end.contains("MiB of 8 MiB ("), "the bar stays: {end:?}");
    }
    fs::remove_dir_all(folder).expect("it was made here");
}
