//! The consoles: lines for all of them, and on screens the status block above the lines.
//!
//! Only one thread writes to them, from a bounded queue: a serial line that stopped taking characters costs lines on that console,
//! never the caller's time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::sys::serial_speed;
use crate::system_root::{SystemRoot, attribute};

/// What may wait for the consoles.
const QUEUE: usize = 512;

/// The way to the thread that writes.
pub struct Consoles(SyncSender<Order>);

enum Order {
    Line(String),
    /// The rows of the status block.
    Block(Vec<String>),
    /// Answered once everything before it is written.
    Flush(SyncSender<()>),
}

impl Consoles {
    /// Every `console=` of the kernel command line; one whose driver loads later joins when it is there. None without a thread.
    pub fn start(host: SystemRoot) -> Option<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("log-consoles".into())
            .spawn(move || write(&host, receiver))
            .ok()
            .map(|_| Consoles(sender))
    }

    /// `line` ends with a newline. It is lost where too much waits.
    pub fn line(&self, line: String) {
        let _ = self.0.try_send(Order::Line(line));
    }

    /// Shows these rows on screens from now on. They are lost where too much waits; the next ones come soon.
    pub fn block(&self, rows: Vec<String>) {
        let _ = self.0.try_send(Order::Block(rows));
    }

    /// Waits until the consoles have what was sent so far, or for two seconds.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.0.try_send(Order::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(Duration::from_secs(2));
        }
    }
}

struct Console {
    file: File,
    /// A terminal that the kernel draws itself, whose escapes are known (console_codes(4)).
    is_screen: bool,
    /// Its upper rows are the status block's.
    is_divided: bool,
}

impl Console {
    fn open(host: &SystemRoot, name: &str) -> Option<Self> {
        let number = name.strip_prefix("tty").unwrap_or_default();
        Some(Console {
            file: append(&host.dev(name))?,
            is_screen: number.parse::<u8>().is_ok(),
            is_divided: false,
        })
    }

    fn draw(&mut self, rows: &[String]) {
        if self.is_screen && !rows.is_empty() {
            let _ = self.file.write_all(block(rows, self.is_divided).as_bytes());
            self.is_divided = true;
        }
    }
}

fn write(host: &SystemRoot, orders: Receiver<Order>) {
    let (mut active, mut rows) = (String::new(), Vec::new());
    let mut consoles: Vec<Console> = Vec::new();
    for order in orders {
        let now =
            attribute(host.sys("class/tty/console/active")).unwrap_or_else(|| "console".to_owned());
        if now != active {
            let opened = now.split(' ').filter_map(|name| Console::open(host, name));
            consoles = opened.chain(unnamed_serial_port(host)).collect();
            consoles.iter_mut().for_each(|console| console.draw(&rows));
            active = now;
        }
        match order {
            Order::Flush(done) => {
                let _ = done.send(());
            }
            Order::Line(line) => {
                for console in &mut consoles {
                    let _ = console.file.write_all(line.as_bytes());
                }
            }
            Order::Block(new) => {
                rows = new;
                consoles.iter_mut().for_each(|console| console.draw(&rows));
            }
        }
    }
}

/// The first serial port, where a unified kernel image had a command line with its consoles and its loader put the program's name in
/// its place (iPXE's `chain`, the shell of UEFI): nobody has asked for silence there.
fn unnamed_serial_port(host: &SystemRoot) -> Option<Console> {
    const NAME: &str = "ttyS0";
    let line = host.command_line().ok()?;
    let program = line.split_whitespace().next()?.to_ascii_lowercase();
    let is_named = line
        .split_whitespace()
        .any(|word| word.starts_with("console="));
    // linux/serial_core.h, PORT_UNKNOWN: a name without a port behind it.
    let kind = attribute(host.sys("class/tty").join(NAME).join("type"));
    let is_there = kind.is_some_and(|kind| kind != "0");
    if !program.ends_with(".efi") || is_named || !is_there {
        return None;
    }
    let console = Console::open(host, NAME)?;
    let _ = serial_speed::set_usual(&console.file);
    Some(console)
}

/// console_codes(4): what puts `rows` at the top of a screen, keeps lines from scrolling over them, and leaves the cursor
/// where it was; when the screen is divided for the first time, at its bottom.
fn block(rows: &[String], is_divided: bool) -> String {
    let mut text = match is_divided {
        true => "\x1b7".to_owned(),
        false => "\x1b[999;1H\x1b7".to_owned(),
    };
    // Each time: a screen that got another size has forgotten it. It moves the cursor home.
    text += &format!("\x1b[{}r\x1b[?7l", rows.len() + 1);
    for (number, row) in rows.iter().enumerate() {
        text += &format!("\x1b[{};1H\x1b[0;7m{row}\x1b[K\x1b[0m", number + 1);
    }
    text + "\x1b[?7h\x1b8"
}

pub fn append(path: &Path) -> Option<File> {
    OpenOptions::new().append(true).open(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_console_has_every_line_and_screens_have_the_block() {
        let root = std::env::temp_dir().join(format!("ironlet-consoles-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        for directory in [host.sys("class/tty/console"), host.dev("")] {
            std::fs::create_dir_all(directory).expect("a temporary directory");
        }
        std::fs::write(host.sys("class/tty/console/active"), "tty0 ttyS0\n").expect("a file");
        for console in ["tty0", "ttyS0"] {
            std::fs::write(host.dev(console), "").expect("a file");
        }
        let consoles = Consoles::start(host.clone()).expect("a thread");
        consoles.line("first\n".to_owned());
        for state in ["waiting", "writing"] {
            consoles.block(vec!["ironlet".to_owned(), state.to_owned()]);
        }
        consoles.line("why it ended\n".to_owned());
        consoles.flush();
        let shown = |console: &str| std::fs::read_to_string(host.dev(console)).expect("a file");
        assert_eq!(shown("ttyS0"), "first\nwhy it ended\n");
        let rows = |state: &str| {
            format!(
                "\x1b7\x1b[3r\x1b[?7l\x1b[1;1H\x1b[0;7mironlet\x1b[K\x1b[0m\x1b[2;1H\x1b[0;7m{state}\x1b[K\x1b[0m\x1b[?7h\x1b8"
            )
        };
        let expected = format!(
            "first\n\x1b[999;1H{}{}why it ended\n",
            rows("waiting"),
            rows("writing")
        );
        assert_eq!(shown("tty0"), expected);
        std::fs::remove_dir_all(root).expect("it was made here");
    }

    #[test]
    fn the_serial_port_has_the_lines_too_where_a_loader_took_its_name_away() {
        let root = std::env::temp_dir().join(format!("ironlet-unnamed-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        for folder in [host.sys("class/tty/ttyS0"), host.dev(""), host.proc("")] {
            std::fs::create_dir_all(folder).expect("a directory");
        }
        std::fs::write(host.dev("ttyS0"), "").expect("a file");
        for (line, kind, is_written) in [
            ("ironlet.efi\n", "4", true),
            ("\\EFI\\BOOT\\BOOTX64.EFI ironlet.then=reboot", "4", true),
            ("ironlet.efi console=tty0", "4", false),
            ("ironlet.efi", "0", false),
            ("BOOT_IMAGE=/boot/ironlet.kernel", "4", false),
            ("", "4", false),
        ] {
            std::fs::write(host.proc("cmdline"), line).expect("a file");
            std::fs::write(host.sys("class/tty/ttyS0/type"), kind).expect("a file");
            let found = unnamed_serial_port(&host).is_some();
            assert_eq!(found, is_written, "{line}, type {kind}");
        }
        std::fs::remove_dir_all(&root).expect("ours");
    }
}
