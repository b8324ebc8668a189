//! The table of commands for a person at the machine (`ironlet write URL …`): each stands for flags of `config/flags.rs`, and takes some of
//! the others. main.rs parses.

use super::flags::{FLAGS, Takes};

/// What follows the name of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    Nothing,
    /// Something, called that: the value of the flag it stands for.
    One(&'static str),
    /// One of these words, each with the value it stands for.
    Word(&'static [(&'static str, &'static str)]),
}

/// One command.
pub struct Verb {
    /// As it is typed.
    pub name: &'static str,
    /// What it takes.
    pub argument: Argument,
    /// The flag it stands for.
    pub flag: &'static str,
    /// Flags that go with it; those of every command are beside.
    pub flags: &'static [&'static str],
    /// What it does, in a line.
    pub help: &'static str,
}

/// Flags that go with every command.
pub const ALWAYS: [&str; 2] = ["root", "cmdline"];

use Argument::*;

/// All of them, in the order of `ironlet help`.
#[rustfmt::skip]
pub const VERBS: &[Verb] = &[
    Verb { name: "write", argument: One("URL"), flag: "write-image", flags: &["checksum", "signature", "image-key", "disk", "readback", "allow-disk"],
        help: "write the image at URL to a disk, verified on its way" },
    Verb { name: "plan", argument: Nothing, flag: "plan", flags: &["node", "json"],
        help: "which disk an image would go to, and why each other not; nothing is touched" },
    Verb { name: "inventory", argument: Nothing, flag: "inventory", flags: &["post", "json"],
        help: "what Ironic would be told of this machine, as JSON" },
    Verb { name: "erase", argument: Word(&[("metadata", "erase_devices_metadata"), ("all", "erase_devices")]), flag: "step", flags: &["node", "arguments", "allow-disk"],
        help: "erase partition tables and signatures alone, or all of each disk" },
    Verb { name: "step", argument: One("NAME"), flag: "step", flags: &["node", "arguments", "allow-disk"],
        help: "run one cleaning step and print its result as JSON" },
    Verb { name: "doctor", argument: Nothing, flag: "doctor", flags: &["json"],
        help: "what is fine between this machine and its work, and what is wrong first (the exit code is 1 then); nothing is changed" },
    Verb { name: "parameters", argument: Nothing, flag: "help-parameters", flags: &[],
        help: "list the kernel parameters" },
    Verb { name: "version", argument: Nothing, flag: "version", flags: &[],
        help: "print version, commit and target, and in a ramdisk the kernel" },
];

/// The command of that name.
pub fn named(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

impl Verb {
    /// The flag it stands for, with the value that `typed` is to it; an error in words for what it does not take.
    pub fn stands_for(&self, typed: &[String]) -> Result<Vec<String>, String> {
        let flag = format!("--{}", self.flag);
        let usage = || format!("usage: {}", self.usage());
        match (self.argument, typed) {
            (Nothing, []) => Ok(vec![flag]),
            (One(_), [value]) => Ok(vec![flag, value.clone()]),
            (Word(words), [value]) => {
                let found = words.iter().find(|(word, _)| word == value);
                let (_, meant) = found.ok_or_else(usage)?;
                Ok(vec![flag, (*meant).to_owned()])
            }
            _ => Err(usage()),
        }
    }

    /// `ironlet write URL [OPTIONS]`
    pub fn usage(&self) -> String {
        let argument = match self.argument {
            Nothing => String::new(),
            One(what) => format!(" {what}"),
            Word(words) => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                format!(" {}", words.join("|"))
            }
        };
        format!("ironlet {}{argument} [OPTIONS]", self.name)
    }

    /// Its usage, what it does, and its flags.
    pub fn page(&self) -> String {
        let mut text = format!("Usage: {}\n\n{}\n\nOptions:\n", self.usage(), self.help);
        let own = |flag: &&str| self.flags.contains(flag) || ALWAYS.contains(flag);
        for flag in FLAGS.iter().filter(|flag| own(&flag.long)) {
            let what = match flag.takes {
                Takes::Nothing => String::new(),
                Takes::One(what) | Takes::Several(what) => format!(" {what}"),
            };
            // What it goes with is this command.
            let alone = flag.help.strip_prefix("with --");
            let alone = alone.and_then(|help| help.split_once(": "));
            let help = alone.map_or(flag.help, |(_, help)| help);
            text += &format!("    --{:20} {help}\n", format!("{}{what}", flag.long));
        }
        text + EXIT_CODES
    }
}

/// What `ironlet help` prints.
pub fn overview() -> String {
    let mut text = "Usage: ironlet COMMAND [OPTIONS]\n\nCommands:\n".to_owned();
    for verb in VERBS {
        text += &format!("    {:12} {}\n", verb.name, verb.help);
    }
    text + "    help         this, or all of one command: ironlet help write\n" + EXIT_CODES
}

/// For whoever calls it from a script.
const EXIT_CODES: &str = "
Exit codes: 0 it did what was asked; 1 it failed, standard error says why; 2 that is no command or no flag of it.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_for_flags_that_there_are() {
        let known = |name: &str| FLAGS.iter().any(|flag| flag.long == name);
        for verb in VERBS {
            assert!(known(verb.flag), "{}", verb.name);
            assert!(
                verb.flags.iter().chain(&ALWAYS).all(|flag| known(flag)),
                "{}",
                verb.name
            );
            let takes = FLAGS
                .iter()
                .find(|flag| flag.long == verb.flag)
                .map(|flag| flag.takes);
            assert_eq!(
                takes == Some(Takes::Nothing),
                verb.argument == Nothing,
                "{}",
                verb.name
            );
            assert!(overview().contains(verb.help) && verb.page().contains(&verb.usage()));
            assert!(!verb.page().contains("with --"), "{}", verb.page());
        }
    }

    #[test]
    fn what_a_command_takes_becomes_the_flags_value() {
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        for (typed, expected) in [
            (
                &["write", "http://h/i"][..],
                Ok(&["--write-image", "http://h/i"][..]),
            ),
            (&["inventory"], Ok(&["--inventory"])),
            (
                &["erase", "metadata"],
                Ok(&["--step", "erase_devices_metadata"]),
            ),
            (&["erase", "all"], Ok(&["--step", "erase_devices"])),
            (
                &["erase", "everything"],
                Err("usage: ironlet erase metadata|all [OPTIONS]"),
            ),
            (
                &["erase"],
                Err("usage: ironlet erase metadata|all [OPTIONS]"),
            ),
            (&["write"], Err("usage: ironlet write URL [OPTIONS]")),
            (
                &["write", "a", "b"],
                Err("usage: ironlet write URL [OPTIONS]"),
            ),
            (&["plan", "a"], Err("usage: ironlet plan [OPTIONS]")),
        ] {
            let verb = named(typed[0]).expect("a command");
            let got = verb.stands_for(&owned(&typed[1..]));
            assert_eq!(got, expected.map(owned).map_err(str::to_owned), "{typed:?}");
        }
    }
}
