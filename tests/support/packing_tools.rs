//! What gzip, zstd, xz, bzip2 and their like make of bytes.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// `bytes` through a real tool: `gzip -9`, say.
pub fn packed(command: &str, bytes: &[u8]) -> Vec<u8> {
    let mut words = command.split(' ');
    let mut tool = Command::new(words.next().expect("a program"))
        .args(words)
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("gzip, zstd, xz, bzip2 and lbzip2 are there: packages gzip, zstd, xz-utils, bzip2, lbzip2");
    let mut into = tool.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || into.write_all(bytes).expect("it reads all"));
        let output = tool.wait_with_output().expect("it was started");
        assert!(output.status.success(), "{command}");
        output.stdout
    })
}
