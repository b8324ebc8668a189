//! The house rules that a machine can check: floors, doors, importers, sizes, top level.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module → floor. A file imports lower floors or its own folder; never up, never sideways.
#[rustfmt::skip]
const FLOORS: &[(&str, u8)] = &[
    ("clock", 0), ("error", 0), ("secret", 0), ("small_sort", 0), ("units", 0),
    ("codec", 1), ("gauge", 1), ("sys", 1),
    ("system_root", 2),
    ("logger", 3), ("config", 3), ("drivers", 3), ("net", 3), ("power", 3),
    ("disk", 4),
    ("efi", 5), ("image", 5), ("inventory", 5),
    ("conductor", 6), ("steps", 6),
    ("command", 7),
    ("api", 8), ("init", 8),
    ("agent", 9),
    ("main", 10), ("lib", 10),
];

/// The lowest floor that may know parameters: below it everything takes plain values.
const CONFIG_FROM: u8 = 7;

/// Crate → the only file that imports it. `log` is everybody's; `libc` is sys/'s.
const IMPORTERS: &[(&str, &str)] = &[
    ("base64", "src/codec/base64.rs"),
    ("flate2", "src/codec/gzip.rs"),
    ("getopts", "src/main.rs"),
    ("httparse", "src/api/head.rs"),
    ("libc", "src/sys/"),
    ("log", "src/"),
    ("lzma-rust2", "src/codec/xz.rs"),
    ("md-5", "src/image/verify/digest.rs"),
    ("miniserde", "src/codec/json.rs"),
    ("rcgen", "src/net/tls/certificate.rs"),
    ("regex-lite", "src/efi/pattern.rs"),
    ("rustls", "src/net/tls/connection.rs"),
    ("ruzstd", "src/codec/zstd.rs"),
    ("sha1", "src/image/verify/digest.rs"),
    ("sha2", "src/image/verify/digest.rs"),
    ("smoltcp", "src/net/dhcp/message.rs"),
    ("tiny_http", "src/api/backend.rs"),
    ("ureq", "src/net/http/exchange.rs"),
];

/// Words → where alone they may stand.
const DOORS: &[(&str, &[&str])] = &[
    ("unsafe ", &["src/sys/"]),
    ("process::Command", &["src/init/"]),
    ("Instant::now", &["src/clock.rs"]),
    ("SystemTime::now", &["src/clock.rs"]),
    // They panic when nobody reads: who writes decides what that means.
    ("print!(", &[]),
    ("println!(", &[]),
    ("thread::sleep", &["src/clock.rs"]),
    ("\"/sys", &["src/system_root.rs", "src/init/mounts.rs"]),
    ("\"/proc", &["src/system_root.rs", "src/init/mounts.rs"]),
    ("\"/dev", &["src/system_root.rs", "src/init/mounts.rs"]),
    ("\"/run", &["src/system_root.rs", "src/init/mounts.rs"]),
];

const LONGEST: usize = 350;

const TOP: &[&str] = &[
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "build.sh",
    "initramfs",
    "src",
    "tests",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`: path from the root, whole text.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)
            .expect("a folder of the project")
            .flatten()
        {
            let path: PathBuf = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .expect("it was found below")
                    .display()
                    .to_string();
                found.insert(name, fs::read_to_string(&path).expect("sources are text"));
            }
        }
    }
    found
}

/// Code only: no comments, and no tests at the end of the file.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = body.lines().map(|line| match line.find("//") {
        // A URL is not a comment.
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn room(file: &str) -> &str {
    let rest = file.strip_prefix("src/").expect("a file of src");
    rest.split(['/', '.']).next().expect("it has a name")
}

fn floor(room: &str) -> u8 {
    let found = FLOORS.iter().find(|(name, _)| *name == room);
    found
        .unwrap_or_else(|| panic!("{room} has no floor: say which in tests/layers.rs"))
        .1
}

#[test]
fn no_file_imports_upward_or_sideways() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let own = room(&file);
        if own == "lib" {
            continue;
        }
        for part in code(&text)
            .split("crate::")
            .skip(1)
            .chain(code(&text).split("ironlet::").skip(1))
        {
            // `use crate::{a, b}` names several rooms.
            let names: Vec<&str> = match part.strip_prefix('{') {
                Some(list) => list
                    .split('}')
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .map(str::trim)
                    .collect(),
                None => vec![part],
            };
            for name in names {
                let other = name
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default();
                if other.is_empty() || other == own {
                    continue;
                }
                let too_low = other == "config" && floor(own) < CONFIG_FROM;
                if floor(other) >= floor(own) || too_low {
                    wrong.push(format!(
                        "{file} (floor {}) imports {other} (floor {})",
                        floor(own),
                        floor(other)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crate_has_one_importer_and_a_reason() {
    let cargo = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let section = cargo
        .split("[dependencies]")
        .nth(1)
        .expect("dependencies")
        .split("\n[")
        .next()
        .expect("a section");
    let lines: Vec<&str> = section
        .lines()
        .filter(|line| line.contains(" = ") && !line.starts_with('#'))
        .collect();
    let listed: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.split(" = ").next())
        .collect();
    let known: BTreeSet<&str> = IMPORTERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        listed, known,
        "Cargo.toml and tests/layers.rs list different crates"
    );
    for line in lines {
        assert!(line.contains("# "), "why this crate? {line}");
    }
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        let code = code(&text);
        for (name, home) in IMPORTERS {
            let path = match *name {
                "md-5" => "md5::".to_owned(),
                name => format!("{}::", name.replace('-', "_")),
            };
            let used = code.match_indices(&path).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if used && !file.starts_with(home) {
                wrong.push(format!("{file} imports {name}, which is {home}'s"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn doors_are_where_they_belong() {
    let mut wrong = Vec::new();
    for (file, text) in sources("src") {
        for (number, line) in code(&text).lines().enumerate() {
            for (word, homes) in DOORS {
                if line.contains(word) && !homes.iter().any(|home| file.starts_with(home)) {
                    wrong.push(format!(
                        "{file}:{}: {word} belongs in {homes:?}",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_outgrows_its_job() {
    for (file, text) in sources("src") {
        let lines = text.lines().count();
        assert!(
            lines <= LONGEST,
            "{file} has {lines} lines: which noun moves out?"
        );
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in sources("src") {
        assert!(text.starts_with("//!"), "{file} opens without a word");
    }
}

#[test]
fn the_top_level_is_the_ten_things_everybody_knows() {
    let tracked = std::process::Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output();
    let Ok(output) = tracked else { return };
    let names = String::from_utf8(output.stdout).expect("names are text");
    let tops: BTreeSet<&str> = names
        .lines()
        .filter_map(|line| line.split('/').next())
        .collect();
    let strange: Vec<_> = tops.iter().filter(|name| !TOP.contains(*name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
