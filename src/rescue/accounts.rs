//! The accounts of a ramdisk somebody may log in to: passwd, group, shadow, and the keys that open them.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;

use crate::error::{Context, Error, Result};
use crate::rescue::write;
use crate::secret::Secret;
use crate::system_root::SystemRoot;

/// Both may do everything: upstream's `rescue` has sudo without a password, for which there is no program here.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nrescue:x:0:0:rescue:/root:/bin/sh\n";
const GROUP: &str = "root:x:0:\ntty:x:5:\n";

/// Kinds of keys that dropbear knows, as they begin a line of authorized_keys.
const KEYS: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Who there is: `root`, whom no password lets in, and `rescue`, whom `hash` does, if there is one.
pub fn make(host: &SystemRoot, hash: Option<&Secret>) -> Result<()> {
    host.must_not_be_owned("accounts")?;
    write(&host.etc("passwd"), PASSWD, 0o644)?;
    write(&host.etc("group"), GROUP, 0o644)?;
    let hash = hash.map_or("*", Secret::expose);
    // shadow(5): no day of the last change, or it could be too long ago.
    let shadow = format!("root:*::0:99999:7:::\nrescue:{hash}::0:99999:7:::\n");
    write(&host.etc("shadow"), &shadow, 0o600)
}

/// Lets in whoever has the key to one of these lines, as root or rescue.
pub fn admit(host: &SystemRoot, keys: &[String]) -> Result<()> {
    host.must_not_be_owned("accounts")?;
    let folder = host.seen("/root/.ssh");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("making {}", folder.display()))?;
    let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
    write(&folder.join("authorized_keys"), &lines, 0o600)
}

/// A line as of authorized_keys without options: kind, key in base64, perhaps a comment.
pub fn key(text: &str) -> Result<String> {
    let mut words = text.split_whitespace();
    let (kind, key) = (words.next().unwrap_or_default(), words.next());
    let is_key = |key: &str| {
        key.len() > 16
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
    };
    if !KEYS.contains(&kind) || !key.is_some_and(is_key) || text.contains(char::is_control) {
        let why = "sshkey= is no public SSH key: it is to be sshkey=\"ssh-ed25519 AAAA… comment\", with the quotes";
        return Err(Error::plain(why));
    }
    Ok(text.trim().to_owned())
}
