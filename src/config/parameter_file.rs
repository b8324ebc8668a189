//! The file of parameters on a boot medium, as a boot loader put it into the ramdisk: for people with an editor, who know
//! nothing of kernel command lines. It goes before the kernel's line, which is nearer to whoever typed at the boot menu.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::table::TABLE;
use crate::codec::text_encoding;
use crate::error::{Context, Error, Result};
use crate::secret::redacted;
use crate::system_root::{SystemRoot, read_bytes};

/// What the boot loader of a medium laid behind the ramdisk (init/boot_loader_files.rs), or who built it put there; and else where systemd-stub puts what lies beside a unified
/// kernel image (systemd-stub(7)). The first that is there is the only one: what is signed as part of an image cannot be
/// changed by a file beside it.
const PLACES: [Place; 3] = [
    Place {
        file: "/ironlet.conf",
        authorities: "/ca.pem",
        order: "/order.json",
    },
    Place {
        file: "/.extra/credentials/ironlet.conf.cred",
        authorities: "/.extra/credentials/ca.pem.cred",
        order: "/.extra/credentials/order.json.cred",
    },
    Place {
        file: "/.extra/global_credentials/ironlet.conf.cred",
        authorities: "/.extra/global_credentials/ca.pem.cred",
        order: "/.extra/global_credentials/order.json.cred",
    },
];

struct Place {
    file: &'static str,
    authorities: &'static str,
    order: &'static str,
}

/// No file is larger. A kernel's own line ends at 2 KiB.
const LARGEST: usize = 64 << 10;
/// Characters of what was not understood that are told.
const SHOWN: usize = 40;
/// Parameters of pid 1 alone, which are in no table.
const OF_PID_1: [&str; 3] = ["ip", "modprobe.blacklist", "module_blacklist"];

/// The kernel command line and before it the words of the file, if there is one, and before those the order that lies beside it, unless
/// one of them says where the order is. An error names file and line: half of what a person wanted is not done.
pub fn command_line(host: &SystemRoot) -> Result<String> {
    let kernel = host.command_line()?;
    let Some(place) = place(host) else {
        return Ok(kernel);
    };
    let words = read_bytes(host.seen(place.file), LARGEST as u64 + 1)
        .map_err(Error::from)
        .and_then(|bytes| words(&bytes.unwrap_or_default()))
        .with_context(|| format!("reading ironlet.conf ({})", place.file))?;
    let mut line = [&words.join(" "), kernel.trim_end()].join(" ");
    let is_told = |word: &str| word.trim_start_matches('"').starts_with("ironlet.order=");
    if host.seen(place.order).exists() && !line.split_whitespace().any(is_told) {
        line = format!("ironlet.order={} {line}", place.order);
    }
    Ok(line)
}

/// The authorities that lie beside the file, if any do.
pub fn authorities(host: &SystemRoot) -> Option<PathBuf> {
    Some(host.seen(place(host)?.authorities)).filter(|path| path.exists())
}

fn place(host: &SystemRoot) -> Option<&'static Place> {
    let is_there = |path| host.seen(path).exists();
    PLACES.iter().find(|place| {
        [place.file, place.authorities, place.order]
            .into_iter()
            .any(is_there)
    })
}

/// The file's settings as words of a kernel command line, in their order. UTF-8 or, with a mark, UTF-16; any ends of lines;
/// `name=value`, blanks around, quotes; several to a line as on a command line; comments.
///
/// # Errors
/// A line that is none of these, sets what nobody here knows, or sets again what another one set to something else, by its number.
pub fn words(bytes: &[u8]) -> Result<Vec<String>> {
    if bytes.len() > LARGEST {
        return Err(Error::plain(format!(
            "it is larger than {} KiB: is it the file that was meant?",
            LARGEST >> 10
        )));
    }
    let text = text_encoding::decode(bytes).replace("\r\n", "\n");
    let mut words = Vec::new();
    let mut set = BTreeMap::new();
    for (number, line) in text.split(['\n', '\r']).enumerate() {
        let mut rest = line.trim_start_matches(is_blank);
        while !rest.is_empty() && !rest.starts_with(['#', ';']) {
            let (name, value, behind) =
                setting(rest).map_err(|why| Error::plain(format!("line {}: {why}", number + 1)))?;
            rest = behind.trim_start_matches(is_blank);
            // Which of two is meant, nobody but who wrote them knows.
            match set.insert(name, (number + 1, value)) {
                Some((before, other)) if other != value && !OF_PID_1.contains(&name) => {
                    return Err(Error::plain(format!(
                        "line {}: {name} is set on line {before}, to something else: take one away",
                        number + 1
                    )));
                }
                _ => words.push(format!("{name}={value}")),
            }
        }
    }
    Ok(words)
}

/// Name and value of the first setting, and what follows it.
fn setting(text: &str) -> Result<(&str, &str, &str), String> {
    let end = text.find(|c| c == '=' || is_blank(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let value = rest.trim_start_matches(is_blank).strip_prefix('=');
    let value = value.ok_or_else(|| format!("name=value is needed, not {}", shown(name)))?;
    let value = value.trim_start_matches(is_blank);
    let (value, behind) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..]
            .split_once(quote)
            .ok_or_else(|| format!("{}: the {quote} at its end is missing", shown(name)))?,
        _ => value.split_at(value.find(is_blank).unwrap_or(value.len())),
    };
    if !is_known(name) {
        return Err(format!(
            "{} is none of ironlet's parameters; check how it is spelt (words for the kernel itself go into boot/grub/kernel.cfg)",
            shown(name)
        ));
    }
    // Or what was to be set would be whatever it is where nobody says anything.
    if value.is_empty() {
        return Err(format!(
            "{name} is set to nothing: take the line away, or give it a value"
        ));
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!(
            "{name}: a value without blanks and control characters is needed"
        ));
    }
    Ok((name, value, behind))
}

fn is_known(name: &str) -> bool {
    // What makes this machine believe a virtual medium is for the kernel's line alone.
    name != "boot_method"
        && !name.is_empty()
        && (OF_PID_1.contains(&name) || TABLE.iter().any(|parameter| parameter.name == name))
}

/// A name as it may be logged: what stands where one was expected may be anything.
fn shown(name: &str) -> String {
    let start: String = name.chars().take(SHOWN).collect();
    format!("'{}'", redacted(&start).escape_debug())
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> String {
        match words(text.as_ref()) {
            Ok(words) => words.join(" "),
            Err(error) => format!("error {}", error.details()),
        }
    }

    #[test]
    fn files_of_every_editor_are_read() {
        let wanted = "ironlet.image=http://192.0.2.1/a?b=c ironlet.then=reboot";
        let plain = "# comment\nironlet.image=http://192.0.2.1/a?b=c\nironlet.then=reboot\n";
        let wide = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
            let units = plain.encode_utf16().flat_map(unit);
            mark.into_iter().chain(units).collect()
        };
        for bytes in [
            plain.as_bytes().to_vec(),
            plain.replace('\n', "\r\n").into_bytes(),
            plain.replace('\n', "\r").into_bytes(),
            [b"\xef\xbb\xbf", plain.as_bytes()].concat(),
            wide(u16::to_le_bytes, [0xff, 0xfe]),
            wide(u16::to_be_bytes, [0xfe, 0xff]),
            plain
                .replace('=', " = ")
                .replace("b = c", "b=c")
                .into_bytes(),
            plain.replace("image=", "image= ").into_bytes(),
            plain.replace('\n', " \t\n\n ;x\n").into_bytes(),
            plain.trim_end().as_bytes().to_vec(),
            b"ironlet.image='http://192.0.2.1/a?b=c'\nironlet.then=\"reboot\"".to_vec(),
            b"  ironlet.image=http://192.0.2.1/a?b=c ironlet.then=reboot # both".to_vec(),
        ] {
            assert_eq!(
                read(&bytes),
                wanted,
                "{:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        let several = "ip=a ip=b ironlet.then=reboot ironlet.then=reboot";
        assert_eq!(read(several.replace(' ', "\n")), several);
        for empty in ["", "\r\n\r\n", "#\n", "\u{feff}", "\u{feff}# x"] {
            assert_eq!(read(empty), "", "{empty:?}");
        }
    }

    #[test]
    fn a_bad_line_is_told_by_number_without_its_value() {
        for (text, told) in [
            (
                "\r\n\r\nironlet.imge=x",
                "line 3: 'ironlet.imge' is none of",
            ),
            (
                "ironlet.image http://x",
                "line 1: name=value is needed, not 'ironlet.image'",
            ),
            (
                "[DEFAULT]\n",
                "line 1: name=value is needed, not '[DEFAULT]'",
            ),
            ("=x", "line 1: '' is none of"),
            (
                "console=ttyS0",
                "line 1: 'console' is none of ironlet's parameters; check how it is spelt (words for the kernel",
            ),
            ("boot_method=vmedia", "line 1: 'boot_method' is none"),
            ("cafile=/etc/x", "line 1: 'cafile' is none"),
            (
                "#\nipa-agent-token=\"secret",
                "line 2: 'ipa-agent-token': the \" at its end is missing",
            ),
            (
                "ipa-agent-token='a secret'",
                "line 1: ipa-agent-token: a value without blanks",
            ),
            (
                "ipa-agent-token=se\0cret",
                "line 1: ipa-agent-token: a value without blanks and control",
            ),
            ("ironlet.image=x\0y", "line 1: ironlet.image: a value"),
            (
                "ironlet.disk=\nironlet.image=http://a/b",
                "line 1: ironlet.disk is set to nothing",
            ),
            (
                "ironlet.disk=/dev/sda\n\n#\nironlet.disk=/dev/sdb",
                "line 4: ironlet.disk is set on line 1, to something else",
            ),
            ("\0\0\0", "line 1: name=value is needed, not '\\0\\0\\0'"),
        ] {
            let said = read(text);
            assert!(said.starts_with("error") && said.contains(told), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        let long = "x".repeat(LARGEST);
        let said = read(&long);
        assert!(said.len() < 200, "{said}");
        assert!(read(long + "x").contains("larger than 64 KiB"));
        let url = format!("http://192.0.2.1/{}", "x".repeat(20_000));
        assert_eq!(
            read(format!("ironlet.image={url}")),
            format!("ironlet.image={url}")
        );
    }

    #[test]
    fn the_kernels_line_stands_behind_and_one_place_alone_counts() {
        let root = std::env::temp_dir().join(format!("parameter-file-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let put = |path: &str, text: &str| {
            let path = host.seen(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            std::fs::write(path, text).expect("writable");
        };
        put("proc/cmdline", "quiet ironlet.then=poweroff\n");
        let line = || command_line(&host).map_err(|error| error.details().to_owned());
        assert_eq!(line().as_deref(), Ok("quiet ironlet.then=poweroff\n"));
        assert_eq!(authorities(&host), None);
        put(PLACES[2].file, "ipa-debug=1");
        assert_eq!(
            line().as_deref(),
            Ok("ipa-debug=1 quiet ironlet.then=poweroff")
        );
        put(PLACES[1].file, "ironlet.then=reboot");
        put(PLACES[1].authorities, "x");
        assert_eq!(
            line().as_deref(),
            Ok("ironlet.then=reboot quiet ironlet.then=poweroff")
        );
        assert_eq!(authorities(&host), Some(host.seen(PLACES[1].authorities)));
        put(PLACES[0].file, "# nothing");
        assert_eq!(line().as_deref(), Ok(" quiet ironlet.then=poweroff"));
        assert_eq!(
            authorities(&host),
            None,
            "what is signed is not mixed with what is not"
        );
        put(PLACES[0].order, "{}");
        assert_eq!(
            line().as_deref(),
            Ok("ironlet.order=/order.json  quiet ironlet.then=poweroff")
        );
        put(PLACES[0].file, "ironlet.order=/mine.json");
        assert_eq!(
            line().as_deref(),
            Ok("ironlet.order=/mine.json quiet ironlet.then=poweroff")
        );
        put(PLACES[0].file, "nonsense");
        let error = line().expect_err("a bad line");
        assert!(
            error.contains("ironlet.conf (/ironlet.conf): line 1: "),
            "{error}"
        );
        std::fs::remove_dir_all(&root).expect("ours");
    }
}
