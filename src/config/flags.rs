//! The table of the binary's own flags, for whoever starts it by hand: `--help` and the manual page are made of it; main.rs parses.

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A value, called that.
    One(&'static str),
    /// The same, and the flag may come several times.
    Several(&'static str),
}

/// One flag.
pub struct Flag {
    /// One letter, or empty.
    pub short: &'static str,
    /// Without its dashes.
    pub long: &'static str,
    /// What follows it.
    pub takes: Takes,
    /// One line.
    pub help: &'static str,
}

const fn flag(long: &'static str, takes: Takes, help: &'static str) -> Flag {
    Flag {
        short: "",
        long,
        takes,
        help,
    }
}

/// What stands above the flags.
pub const USAGE: &str =
    "Usage: ironlet COMMAND [OPTIONS] (ironlet help says more), or ironlet [MODE] [OPTIONS]

A deploy agent for OpenStack Ironic. As pid 1 it takes no flags but the kernel command line.";

use Takes::*;

/// All flags, in the order of `--help`.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    flag("agent", Nothing, "run the agent (what pid 1 starts)"),
    flag("inventory", Nothing, "print what Ironic would be told of this machine, as JSON"),
    flag("post", One("URL"), "with --inventory: inspect, post to URL as the agent would, and print the UUID Ironic answers with"),
    flag("root-disk", Nothing, "print which disk an image would go to, and why"),
    flag("plan", Nothing, "print of every disk whether an image would go to it, and why"),
    flag("doctor", Nothing, "say step by step what is fine between this machine and its work, and what is wrong first"),
    flag("json", Nothing, "with --plan, --doctor and --inventory: as JSON"),
    flag("write-image", One("URL"), "write the image at URL to --disk and end"),
    flag("checksum", One("SUM"), "what the image must hash to: sha256:…, sha512:…, md5:… or the URL of a checksum file or block map"),
    flag("signature", One("URL"), "where its signature by minisign is; 1: at the image's URL with .minisig behind; checksum: there beside the checksum file"),
    flag("image-key", Several("KEY"), "the public key that made it, as minisign prints it"),
    flag("disk", One("PATH"), "the disk to write"),
    flag("step", One("NAME"), "run one cleaning step (erase_devices, …) and print its result"),
    flag("node", One("JSON"), "with --step, --root-disk and --plan: what Ironic would say of the node, as JSON"),
    flag("arguments", One("JSON"), "with --step: arguments of the step, as JSON"),
    flag("readback", Nothing, "read the disk back at the end and compare"),
    flag("allow-disk", Several("PATH"), "a disk that may be overwritten, and then no other; in a ramdisk all may, if none is named"),
    flag("root", One("DIR"), "a directory that stands for / (default /)"),
    flag("cmdline", One("TEXT"), "parameters, instead of the kernel command line"),
    flag("help-parameters", Nothing, "list the kernel parameters"),
    Flag { short: "V", ..flag("version", Nothing, "print version, commit and target, and in a ramdisk the kernel") },
    Flag { short: "h", ..flag("help", Nothing, "print this") },
];
