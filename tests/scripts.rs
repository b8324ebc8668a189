//! The scripts' house rules, and that they mind neither where a clone lies nor whose machine it is.

#[path = "support/scripts_clone.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod scripts_clone;

use std::fs;
use std::path::Path;

use scripts_clone::Clone;

/// Words → where alone they may stand. Comments do not count.
const DOORS: &[(&str, &[&str])] = &[
    // Patient with other users of apt, and no service is started.
    ("apt-get", &["initramfs/host.sh"]),
    ("apt-cache", &["initramfs/host.sh"]),
    ("policy-rc.d", &["initramfs/host.sh"]),
    ("sudo", &["initramfs/host.sh"]),
    // A machine's own folders belong to everybody: only namespaces, chroots and VMs have them to themselves.
    (
        "/tmp",
        &[
            "tests/bench/inspection-task.sh",
            "tests/bench/metadata-task.sh",
            "tests/identity/",
            "tests/lab/ironic.py",
            "tests/raid/archive.sh",
            "tests/raid/case-",
            "tests/raid/power_cut.sh",
            "tests/raid/task.sh",
        ],
    ),
    (
        "/run/",
        &[
            "tests/bench/inspection-task.sh",
            "tests/bench/metadata-task.sh",
            "tests/conformance/stage.py",
            "tests/identity/",
            "tests/lab/",
        ],
    ),
    // Whichever is free.
    ("/dev/loop0", &[]),
];

/// Makers of fixtures, run by hand, which say themselves what they need.
const BY_HAND: &[&str] = &[
    "tests/fixtures/machines/",
    "tests/fixtures/signatures/",
    "tests/fixtures/tls/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every script: path from the root, and its lines without comments.
fn scripts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut paths = vec![
        root().join("build.sh"),
        root().join(".ci"),
        root().join("initramfs"),
        root().join("tests"),
    ];
    while let Some(path) = paths.pop() {
        let name = path.strip_prefix(root()).expect("it was found below");
        let name = name.display().to_string();
        if path.is_dir() {
            if !BY_HAND.contains(&format!("{name}/").as_str()) && name != "tests/fuzz/target" {
                let entries = fs::read_dir(&path).expect("a folder of the project");
                paths.extend(entries.flatten().map(|entry| entry.path()));
            }
        } else if [".sh", ".py", "/run"].iter().any(|end| name.ends_with(end)) {
            let text = fs::read_to_string(&path).expect("scripts are text");
            let lines = text.lines().enumerate().map(|(number, line)| {
                // The first line of a script that is run is no comment.
                match line.trim_start().starts_with('#') && number > 0 {
                    true => "",
                    false => line.split(" # ").next().unwrap_or_default(),
                }
            });
            found.push((name, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(found.len() > 50, "the scripts were not found");
    found
}

#[test]
fn words_stand_where_they_belong() {
    let mut wrong = Vec::new();
    for (file, text) in scripts() {
        for (word, homes) in DOORS {
            if !homes.iter().any(|home| file.starts_with(home)) {
                let lines = text.lines().filter(|line| line.contains(word));
                wrong.extend(lines.map(|line| format!("{file}: {}", line.trim())));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_door_leaves_its_callers_surroundings_behind() {
    let mut doors = 0;
    for (file, text) in scripts() {
        if (file.ends_with("/run") && file != ".ci/run") || file == "build.sh" {
            doors += 1;
            let python = text.starts_with("#!/usr/bin/env python3");
            assert!(
                text.contains("initramfs/host.sh\"") || python,
                "{file} does not source initramfs/host.sh"
            );
        }
    }
    assert!(doors >= 7, "{doors} doors");
}

#[test]
fn every_fuzz_target_is_built_has_parsers_and_a_row() {
    let fuzz = root().join("tests/fuzz");
    let read = |name: &str| fs::read_to_string(fuzz.join(name)).expect("it is there");
    let (manifest, parsers, readme) = (read("Cargo.toml"), read("parsers"), read("README.md"));
    let targets = fs::read_dir(fuzz.join("fuzz_targets")).expect("a folder");
    let mut seen = 0;
    for target in targets.flatten() {
        let file = target.file_name().into_string().expect("a plain name");
        let name = file.trim_end_matches(".rs");
        assert!(
            manifest.contains(&format!("\"fuzz_targets/{file}\"")),
            "{name} is not built"
        );
        assert!(
            readme.contains(&format!("| `{name}` |")),
            "{name} has no row"
        );
        let mut lines = parsers.lines();
        let files = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let files = files.unwrap_or_else(|| panic!("{name} has no parsers"));
        for file in files.split(' ').filter(|word| !word.starts_with('-')) {
            assert!(root().join("src").join(file).is_file(), "{name}: no {file}");
        }
        seen += 1;
    }
    assert_eq!(
        seen,
        manifest.matches("[[bin]]").count(),
        "a target is gone"
    );
}

const SOURCED: &str = ". initramfs/host.sh; . initramfs/pack.sh";

fn clone_at(name: &str) -> Clone {
    // Blanks are welcome.
    Clone::at(&format!("scripts {name}"), |file| {
        ["host.sh", "pack.sh"].contains(&file)
    })
}

/// An apt that finds its lists locked twice, a sudo that is none, a clock that does not let us wait.
const LOCKED: &str = r#"echo "$*" >>"$0.calls"
[ "$(wc -l <"$0.calls")" -gt 2 ] && exit
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)"
echo "E: Unable to lock directory /var/lib/apt/lists/" >&2
exit 100"#;
const SUDO: &str = r#"while [ "$1" != -- ]; do shift; done; shift; exec "$@""#;

#[test]
fn a_locked_apt_is_waited_for_and_a_broken_one_is_not() {
    let clone = |name, apt| {
        let clone = clone_at(name).program("apt-get", apt).program("sudo", SUDO);
        clone.program("sleep", "")
    };
    let calls = |clone: &Clone| fs::read_to_string(clone.0.join("bin/apt-get.calls"));
    let locked = clone("locked", LOCKED);
    let (done, said) = locked.bash(SOURCED, "apt_get update");
    assert!(done, "{said}");
    let asked = calls(&locked).expect("it was called");
    assert_eq!(asked.lines().count(), 3, "{asked}");
    for line in asked.lines() {
        assert!(line.contains("-o DPkg::Lock::Timeout=900 "), "{line}");
    }

    let broken = clone(
        "broken",
        r#"echo "$*" >>"$0.calls"; echo "E: no such package"; exit 100"#,
    );
    let (done, said) = broken.bash(SOURCED, "apt_get install -y x || exit 7");
    assert!(!done && said.contains("no such package"), "{said}");
    assert_eq!(calls(&broken).expect("it was called").lines().count(), 1);

    let (done, said) = broken.bash(SOURCED, "IRONLET_APT_PATIENCE=0; apt_get update || exit 7");
    assert!(!done, "{said}");
    // What is there is not asked for.
    let (done, said) = broken.bash(
        SOURCED,
        "install_lacking bash dpkg; lacking bash no-such-package dpkg",
    );
    assert_eq!((done, said.as_str()), (true, "no-such-package\n"));
    assert_eq!(calls(&broken).expect("it was called").lines().count(), 2);
}

#[test]
fn what_the_caller_has_set_is_not_ours() {
    let clone = clone_at("surroundings");
    let script = r#"umask 077; cd /; export LC_ALL=C.UTF-8 CDPATH=/usr:/etc XZ_OPT=-9 PYTHONPATH=/x
        unset HOME; . "$OLDPWD/initramfs/host.sh"
        umask; echo "$LC_ALL ${CDPATH-none} ${XZ_OPT-none} ${PYTHONPATH-none}"; [ -n "$HOME" ] && echo "$top""#;
    let (done, said) = clone.bash(SOURCED, script);
    let place = fs::canonicalize(&clone.0).expect("it is there");
    let expected = format!("0022\nC none none none\n{}\n", place.display());
    assert_eq!((done, said), (true, expected));
}

#[test]
fn a_place_that_no_compiler_can_spell_is_refused() {
    for (name, fine) in [
        ("a (b) ü & c", true),
        ("a=b", false),
        ("a,b", false),
        ("it's", false),
        ("a:b", false),
    ] {
        let (done, said) = clone_at(name).bash(SOURCED, "echo here");
        assert_eq!(done, fine, "{name}: {said}");
        assert!(fine || said.contains("no place to work in"), "{said}");
    }
}

#[test]
fn the_stamp_is_this_repositorys_last_commit_whoever_owns_it() {
    const FIXED: &str = "1700000000\n";
    let git = r#"git() { GIT_CONFIG_GLOBAL=/dev/null command git "$@"; }
        unset SOURCE_DATE_EPOCH
        commit() { GIT_COMMITTER_DATE="@$2 +0000" git -C "$1" -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; }"#;
    let outer = clone_at("outer");
    let stamp = |script: &str| {
        let (done, said) = outer.bash(SOURCED, &format!("{git}; {script}"));
        assert!(done, "{script}: {said}");
        said
    };
    // Unpacked from an archive, in a folder of somebody's repository.
    let inner = "mkdir inner; cp -r initramfs inner; ";
    let unpacked = stamp(&format!(
        "{inner} git init -q .; commit . 1500000000; . inner/initramfs/host.sh; source_date"
    ));
    assert_eq!(unpacked, FIXED);
    assert_eq!(
        stamp("git init -q inner; commit inner 1600000000; . inner/initramfs/host.sh; source_date"),
        "1600000000\n"
    );
    // Only root can give files away.
    let given = "[ \"$(id -u)\" != 0 ] || chown -R 65534 inner; . inner/initramfs/host.sh; cd /; source_date";
    assert_eq!(stamp(given), "1600000000\n");
    assert_eq!(stamp("SOURCE_DATE_EPOCH=7 source_date"), "7\n");
}
