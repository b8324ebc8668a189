//! Boot Loader Specification: the files of loader/entries, and which of them is started unless somebody chooses. Pure.

use std::cmp::Ordering;

use super::entry::Entry;
use crate::small_sort;

/// What is in one file of `loader/entries`, or the name of a unified kernel image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The file's name, without `.conf` or `.efi` and without a count of attempts.
    pub name: String,
    /// What is started.
    pub entry: Entry,
    version: String,
    sort_key: String,
    machine: String,
}

/// One file `name` of `loader/entries`; none if it starts no Linux of the processor `architecture` (as the specification has it: x64, aa64).
pub fn parse(name: &str, text: &str, architecture: &str) -> Option<Listed> {
    let mut listed = Listed {
        name: uncounted(name.strip_suffix(".conf")?),
        ..Listed::default()
    };
    let entry = &mut listed.entry;
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once([' ', '\t']) else {
            continue;
        };
        let value = value.trim();
        match key {
            "title" => entry.title = value.to_owned(),
            "linux" => entry.linux = value.to_owned(),
            // Fedora's has one line with several.
            "initrd" => entry.initrd.extend(words(value)),
            "options" => {
                let options = entry.options.split(' ').map(str::to_owned);
                let all: Vec<_> = options
                    .chain(words(value))
                    .filter(|word| !word.is_empty())
                    .collect();
                entry.options = all.join(" ");
            }
            "version" => listed.version = value.to_owned(),
            "sort-key" => listed.sort_key = value.to_owned(),
            "machine-id" => listed.machine = value.to_owned(),
            "architecture" if !value.eq_ignore_ascii_case(architecture) => return None,
            _ => {}
        }
    }
    (!listed.entry.linux.is_empty()).then_some(listed)
}

/// Words that are no variable of GRUB's: nobody is there to say what they stand for.
fn words(value: &str) -> impl Iterator<Item = String> {
    value
        .split_ascii_whitespace()
        .filter(|word| !word.starts_with('$'))
        .map(str::to_owned)
}

/// Boot counting: `name+3-1` is `name`, with three attempts left.
fn uncounted(name: &str) -> String {
    match name.rsplit_once('+') {
        Some((name, count))
            if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit() || b == b'-') =>
        {
            name.to_owned()
        }
        _ => name.to_owned(),
    }
}

/// The one that is started by itself: what `default` of loader.conf names, else the first in the order of the specification.
pub fn chosen(mut all: Vec<Listed>, loader_conf: &str) -> Option<Entry> {
    let mut lines = loader_conf
        .lines()
        .filter_map(|line| line.trim().split_once([' ', '\t']));
    let wanted = lines
        .find(|(key, _)| *key == "default")
        .map(|(_, value)| value.trim());
    small_sort::by(&mut all, |one, other| order(one, other) == Ordering::Less);
    let named = wanted.and_then(|pattern| {
        let pattern = pattern.strip_suffix(".conf").unwrap_or(pattern);
        all.iter().find(|listed| is_like(&listed.name, pattern))
    });
    named.or(all.first()).map(|listed| listed.entry.clone())
}

/// The specification's order: with a sort-key before without, by that, by machine, the newest version first; then by the name, the newest first.
fn order(one: &Listed, other: &Listed) -> Ordering {
    let keyed = other
        .sort_key
        .is_empty()
        .cmp(&one.sort_key.is_empty())
        .reverse();
    let by_key = match one.sort_key.is_empty() {
        true => Ordering::Equal,
        false => (&one.sort_key, &one.machine)
            .cmp(&(&other.sort_key, &other.machine))
            .then_with(|| versions(&other.version, &one.version)),
    };
    keyed
        .then(by_key)
        .then_with(|| versions(&other.name, &one.name))
}

/// Two versions or names that hold them: numbers by their value, all else by its characters.
pub fn versions(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() && !other.is_empty() {
        let (mine, yours) = (part(one), part(other));
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let compared = match digits(mine) && digits(yours) {
            true => {
                let (mine, yours) = (mine.trim_start_matches('0'), yours.trim_start_matches('0'));
                mine.len().cmp(&yours.len()).then(mine.cmp(yours))
            }
            // What comes before a release sorts before it.
            false => yours
                .starts_with('~')
                .cmp(&mine.starts_with('~'))
                .then(mine.cmp(yours)),
        };
        if compared != Ordering::Equal {
            return compared;
        }
        (one, other) = (&one[mine.len()..], &other[yours.len()..]);
    }
    match (one.starts_with('~'), other.starts_with('~')) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => one.len().cmp(&other.len()),
    }
}

/// The longest beginning that is all digits or has none.
fn part(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text
        .find(|c: char| c.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    &text[..end]
}

/// Does a name fit a pattern with `*` and `?`?
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) =
        (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut by) = (0, 0);
    // Where the last star stood, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        if by < pattern.len()
            && (pattern[by] == '?' || pattern[by] == name[at])
            && pattern[by] != '*'
        {
            (at, by) = (at + 1, by + 1);
        } else if by < pattern.len() && pattern[by] == '*' {
            star = Some((by, at));
            by += 1;
        } else if let Some((place, reach)) = star {
            star = Some((place, reach + 1));
            (at, by) = (reach + 1, place + 1);
        } else {
            return false;
        }
    }
    pattern[by..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_the_specification_has_them() {
        let fedora = "title Fedora Linux (6.8.5) 40 (Cloud)\nversion 6.8.5-301.fc40.x86_64\nlinux /vmlinuz-6.8.5\ninitrd /initramfs-6.8.5.img $tuned_initrd\noptions root=UUID=1 ro $kernelopts\noptions quiet\ngrub_users $grub_users\n";
        let listed = parse("ab-6.8.5+3-1.conf", fedora, "x64").expect("an entry");
        assert_eq!(listed.name, "ab-6.8.5");
        assert_eq!(listed.entry.linux, "/vmlinuz-6.8.5");
        assert_eq!(listed.entry.initrd, ["/initramfs-6.8.5.img"]);
        assert_eq!(listed.entry.options, "root=UUID=1 ro quiet");
        assert_eq!(parse("a.conf", "linux /a\narchitecture aa64", "x64"), None);
        assert!(parse("a.conf", "linux /a\narchitecture X64", "x64").is_some());
        assert_eq!(parse("a.conf", "efi /EFI/x.efi", "x64"), None);
        assert_eq!(parse("a.txt", "linux /a", "x64"), None);
    }

    #[test]
    fn the_first_is_the_newest_unless_one_is_named() {
        let entry = |name: &str, more: &str| {
            parse(
                &format!("{name}.conf"),
                &format!("linux /{name}\n{more}"),
                "x64",
            )
            .expect("an entry")
        };
        let all = || {
            vec![
                entry("fedora-6.8.5-301", ""),
                entry("fedora-6.8.10-300", ""),
                entry("fedora-0-rescue", ""),
            ]
        };
        let keyed = || {
            [
                all(),
                vec![
                    entry("old", "sort-key debian\nversion 6.1"),
                    entry("new", "sort-key debian\nversion 6.12"),
                    entry("last", "sort-key zz\nversion 9"),
                ],
            ]
            .concat()
        };
        for (all, settings, expected) in [
            (all(), "", "/fedora-6.8.10-300"),
            (all(), "timeout 3\ndefault fedora-0-*\n", "/fedora-0-rescue"),
            (all(), "default fedora-6.8.5-301.conf", "/fedora-6.8.5-301"),
            (all(), "default no-such", "/fedora-6.8.10-300"),
            (keyed(), "", "/new"),
            (keyed(), "default l?st", "/last"),
        ] {
            assert_eq!(
                chosen(all, settings).expect("one").linux,
                expected,
                "{settings}"
            );
        }
        assert_eq!(chosen(Vec::new(), ""), None);
    }

    #[test]
    fn numbers_in_versions_are_compared_as_numbers() {
        for (one, order, other) in [
            ("6.8.10", Ordering::Greater, "6.8.9"),
            ("6.8", Ordering::Less, "6.8.1"),
            ("6.8~rc1", Ordering::Less, "6.8"),
            ("6.08", Ordering::Equal, "6.8"),
            ("99999999999999999999999", Ordering::Greater, "9"),
            ("a", Ordering::Less, "b"),
            ("", Ordering::Less, "a"),
        ] {
            assert_eq!(versions(one, other), order, "{one} {other}");
            assert_eq!(versions(other, one), order.reverse(), "{other} {one}");
        }
    }

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (name, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "a?c", true),
            ("abc", "*", true),
            ("abc", "a*b*c*", true),
            ("abc", "ab", false),
            ("abc", "*b", false),
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("aXbXc", "a*Xc", true),
            ("*", "\\*", false),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }
}
