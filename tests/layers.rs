//! The house rules that a machine can check: floors, doors, importers, sizes, top level.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module → floor. A file imports lower floors or its own folder; never up, never sideways.
#[rustfmt::skip]
const FLOORS: &[(&str, u8)] = &[
    ("calendar", 0), ("clock", 0), ("error", 0), ("secret", 0), ("small_sort", 0), ("units", 0), ("version", 0),
    ("codec", 1), ("redaction", 1), ("work_progress", 1), ("sys", 1),
    ("system_root", 2),
    ("logger", 3), ("available_memory", 3), ("config", 3), ("drivers", 3), ("net", 3), ("power", 3),
    ("burnin", 4), ("disk", 4), ("syslog", 4),
    ("efi", 5), ("image", 5), ("inventory", 5), ("virtual_media", 5),
    ("conductor", 6), ("iscsi", 6), ("report", 6), ("rescue", 6), ("steps", 6), ("system_logs", 6),
    ("command", 7), ("order", 7),
    ("api", 8), ("init", 8),
    ("agent", 9),
    ("main", 10), ("lib", 10),
];

/// The lowest floor that may know parameters: below it everything takes plain values.
const CONFIG_FROM: u8 = 7;

/// Crate → the only file that imports it. `log` is everybody's; `libc` is sys/'s.
const IMPORTERS: &[(&str, &str)] = &[
    ("base64", "src/codec/base64.rs"),
    ("bzip2", "src/codec/bzip2.rs"),
    ("flate2", "src/codec/gzip.rs"),
    ("getopts", "src/main.rs"),
    ("httparse", "src/api/head.rs"),
    ("libc", "src/sys/"),
    ("log", "src/"),
    ("lzma-rust2", "src/codec/xz.rs"),
    ("md-5", "src/image/verify/algorithm.rs"),
    ("miniserde", "src/codec/json.rs"),
    ("p521", "src/net/tls/ecdsa_p521.rs"),
    ("rcgen", "src/net/tls/certificate.rs"),
    ("regex-lite", "src/efi/entry_patterns.rs"),
    ("ring", "src/image/verify/algorithm.rs"),
    ("rustls", "src/net/tls/"),
    ("sha1", "src/image/verify/algorithm.rs"),
    ("sha2", "src/image/verify/algorithm.rs"),
    ("tiny_http", "src/api/tiny_http_backend.rs"),
    ("ureq", "src/net/http/exchange.rs"),
    ("zstd-safe", "src/codec/zstd.rs"),
];

/// Words → where alone they may stand.
const DOORS: &[(&str, &[&str])] = &[
    ("unsafe ", &["src/sys/"]),
    (
        "process::Command",
        &["src/init/", "src/sys/child_signals.rs"],
    ),
    ("Instant::now", &["src/clock.rs"]),
    ("SystemTime::now", &["src/clock.rs"]),
    // They panic when nobody reads: who writes decides what that means.
    ("print!(", &[]),
    ("println!(", &[]),
    ("thread::sleep", &["src/clock.rs"]),
    ("to_socket_addrs", &["src/net/address/names.rs"]),
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

/// A use tree as single paths: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        return vec![parts.filter(|part| !part.is_empty()).collect()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[from..]);
    let prefix = paths(head).concat();
    let each = parts.into_iter().filter(|part| !part.trim().is_empty());
    each.flat_map(paths)
        .map(|path| [prefix.clone(), path].concat())
        .collect()
}

/// Module → what it imports of this crate, each as the file it comes from: a name that a folder's `mod.rs` only passes on
/// (`pub use`) counts for the file it is made in.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<String, String> = sources("src")
        .into_iter()
        .map(|(file, text)| {
            let name = file.trim_start_matches("src/").trim_end_matches(".rs");
            let name = name.strip_suffix("/mod").unwrap_or(name);
            (name.to_owned(), code(&text))
        })
        .collect();
    let absolute = |from: &str, path: &[String]| -> Option<Vec<String>> {
        let mut base: Vec<String> = from.split('/').map(str::to_owned).collect();
        let ups = path.iter().take_while(|part| *part == "super").count();
        match path.first()?.as_str() {
            "crate" | "ironlet" => return Some(path[1..].to_vec()),
            "self" => return Some([base, path[1..].to_vec()].concat()),
            "super" => base.truncate(base.len().saturating_sub(ups)),
            child if files.contains_key(&format!("{from}/{child}")) => {}
            _ => return None,
        }
        Some([base, path[ups..].to_vec()].concat())
    };
    let uses = |text: &str| -> Vec<(bool, String)> {
        let starts = text.match_indices("use ").filter(|(at, _)| {
            let line = text[..*at].rsplit('\n').next().unwrap_or_default();
            line.trim().is_empty() || line.trim_start().starts_with("pub")
        });
        let found = starts.filter_map(|(at, _)| {
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            let tree = text[at + 4..].split(';').next()?.to_owned();
            Some((line.trim_start().starts_with("pub"), tree))
        });
        found.collect()
    };
    let mut passed_on = BTreeMap::new();
    for (file, text) in &files {
        for (_, tree) in uses(text).iter().filter(|(public, _)| *public) {
            for path in paths(tree) {
                let (Some(to), Some(name)) = (absolute(file, &path), path.last()) else {
                    continue;
                };
                passed_on.insert(format!("{file}/{name}"), to);
            }
        }
    }
    let origin = |path: Vec<String>| -> Option<String> {
        let mut path = path;
        // A name is passed on a few times at the most.
        for _ in 0..8 {
            let longest = (1..=path.len())
                .rev()
                .find(|n| files.contains_key(&path[..*n].join("/")))?;
            let file = path[..longest].join("/");
            let Some(name) = path.get(longest) else {
                return Some(file);
            };
            match passed_on.get(&format!("{file}/{name}")) {
                Some(to) => path = [to.clone(), path[longest + 1..].to_vec()].concat(),
                None => return Some(file),
            }
        }
        None
    };
    let mut found = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| *file != "lib") {
        let mut rest = text.clone();
        let mut named = Vec::new();
        for (public, tree) in uses(text) {
            rest = rest.replace(&format!("use {tree};"), "");
            if !public {
                named.extend(paths(&tree));
            }
        }
        for word in ["crate::", "super::", "self::"] {
            let inline = rest.split(word).skip(1).map(|after| {
                let path = after.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                format!("{word}{}", path.clone().next().unwrap_or_default())
            });
            named.extend(inline.flat_map(|path| paths(&path)));
        }
        let named = named
            .into_iter()
            .filter_map(|path| origin(absolute(file, &path)?));
        let other: BTreeSet<String> = named.filter(|other| other != file).collect();
        found.insert(file.clone(), other);
    }
    found
}

#[test]
fn no_two_files_need_each_other() {
    let imports = imports();
    assert!(
        imports["image"].contains("image/download/resume"),
        "imports are not understood any more"
    );
    let mut wrong = Vec::new();
    for file in imports.keys() {
        // Everything it needs, and everything that needs.
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![file]);
        while let Some(next) = waiting.pop() {
            for other in &imports[next] {
                if other == file {
                    wrong.push(format!("{file} needs {next}, and that needs {file}"));
                }
                if seen.insert(other) && imports.contains_key(other) {
                    waiting.push(other);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "move what both need below both: {wrong:#?}"
    );
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
