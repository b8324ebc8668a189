//! Passwords as shadow(5) holds them: hashes as Ironic sends them, and SHA-512 crypt of what comes in the clear. Pure.
//!
//! Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.4.

use crate::error::{Error, Kind, Result};
use crate::image::verify::digest::Algorithm;
use crate::secret::Secret;

/// crypt(5): SHA-256 (Ironic's default) and SHA-512.
const KNOWN: &[&str] = &["$5$", "$6$"];
/// Yescrypt, bcrypt, scrypt and its like: the SSH server checks them, busybox's login on the consoles does not.
const BY_SSH_ALONE: &[&str] = &["$y$", "$gy$", "$7$", "$2a$", "$2b$", "$2y$"];
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Where a hash does not say.
const ROUNDS: usize = 5000;
/// A longer one nobody types, and the work grows with its square.
const LONGEST: usize = 255;
/// Characters of a salt.
pub const SALT: usize = 16;

/// A hash that was made elsewhere, if it is one that a login here can check and shadow can hold.
pub fn taken(hash: &str) -> Result<Secret> {
    let is_sound = |hash: &str| {
        (20..=256).contains(&hash.len())
            && hash
                .bytes()
                .all(|byte| ALPHABET.contains(&byte) || b"$=,".contains(&byte))
    };
    match KNOWN.iter().any(|kind| hash.starts_with(kind)) && is_sound(hash) {
        true => Ok(Secret::new(hash)),
        false => {
            let found = BY_SSH_ALONE.iter().find(|kind| hash.starts_with(**kind));
            let why = match found {
                Some(kind) => format!(
                    "rescue_password is a hash of the kind {kind}, which the login on this ramdisk's consoles cannot check; \
                     of {} it can (Ironic: [conductor]rescue_password_hash_algorithm)",
                    KNOWN.join(" and ")
                ),
                None => format!(
                    "rescue_password is no hash of a kind that is known here ({}): see crypt(5)",
                    KNOWN.join(" ")
                ),
            };
            Err(Error::new(Kind::CommandExecutionError, why))
        }
    }
}

/// The SHA-512 hash of a password, with a salt of these random bytes.
pub fn made(password: &str, random: [u8; SALT]) -> Result<Secret> {
    if password.is_empty() || password.len() > LONGEST || password.contains('\0') {
        let why = format!("rescue_password must be 1 to {LONGEST} bytes without a NUL");
        return Err(Error::new(Kind::CommandExecutionError, why));
    }
    let salt = random.map(|byte| ALPHABET[usize::from(byte & 63)]);
    Ok(Secret::new(sha512_crypt(password.as_bytes(), &salt)))
}

fn sha512_crypt(password: &[u8], salt: &[u8]) -> String {
    let digest = |parts: &[&[u8]]| Algorithm::Sha512.of(&parts.concat());
    // As long as `length`, of repetitions.
    let stretched = |block: &[u8], length: usize| -> Vec<u8> {
        block.iter().copied().cycle().take(length).collect()
    };
    let length = password.len();
    let other = digest(&[password, salt, password]);
    let mut start = [password, salt, &stretched(&other, length)].concat();
    let mut bits = length;
    while bits > 0 {
        start.extend_from_slice(if bits & 1 == 1 { &other } else { password });
        bits >>= 1;
    }
    let mut state = digest(&[&start]);
    let p = stretched(&digest(&[&password.repeat(length)]), length);
    let repeats = 16 + usize::from(state[0]);
    let s = stretched(&digest(&[&salt.repeat(repeats)]), salt.len());
    for round in 0..ROUNDS {
        let none: &[u8] = &[];
        let (first, last) = match round % 2 {
            0 => (&state[..], &p[..]),
            _ => (&p[..], &state[..]),
        };
        let s = if round % 3 == 0 { none } else { &s };
        let p = if round % 7 == 0 { none } else { &p };
        state = digest(&[first, s, p, last]);
    }
    let mut text = format!("$6${}$", String::from_utf8_lossy(salt));
    for at in 0..21 {
        let mut three = [at, at + 21, at + 42];
        three.rotate_left(at % 3);
        append(&mut text, three.map(|at| state[at]), 4);
    }
    append(&mut text, [0, 0, state[63]], 2);
    text
}

/// So many characters of 24 bits, the lowest six first.
fn append(text: &mut String, [high, middle, low]: [u8; 3], characters: usize) {
    let mut bits = u32::from_be_bytes([0, high, middle, low]);
    for _ in 0..characters {
        text.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_hash_to_what_glibc_makes_of_them() {
        // crypt(3) of glibc 2.36.
        for (password, salt, hash) in [
            ("Hello world!", "saltstring", HELLO),
            ("x", "0123456789abcdef", ONE),
            (LONG, "a", LONGER),
        ] {
            assert_eq!(sha512_crypt(password.as_bytes(), salt.as_bytes()), hash);
        }
    }

    const LONG: &str = "ein sehr langes Kennwort mit Umlauten, äöü, und mehr als einhundertachtundzwanzig Bytes, damit jeder Block mehr als einmal gebraucht wird: Ende";
    const HELLO: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    const ONE: &str = "$6$0123456789abcdef$8YztVyzwDEH96nI5J4SMvvvaVH43cm6MjQyfl3gZsAa8rZMsHQVTiLQraFpug5a6xlaOJbzt.7jq8UBJs4F7M1";
    const LONGER: &str = "$6$a$OEJTkxJA3pCw0vcsibmL/IkDL8H0zmENshovnGFPYW7NxtunA5sEeyZMqw9jS6Sg5jGSfToA/mcxiKzk/bsUM/";

    #[test]
    fn what_could_not_be_a_hash_or_a_password_is_refused() {
        let hash = "$5$abcdefgh$ZLdkj8mkc2XVSrPVjskDAgZPGjtj1VGVaa1aUkrMTU/";
        assert_eq!(
            taken(hash).map(|hash| hash.expose().to_owned()),
            Ok(hash.to_owned())
        );
        for refused in [
            "",
            "plain",
            "*",
            "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0",
            "$5$a:0:0::/:/bin/sh",
            "$6$abcdefgh$abcdefgh\nroot::::::::",
            "$6$",
            "{SHA512}abcdefghijklmnop",
        ] {
            let error = taken(refused).expect_err(refused);
            assert!(
                refused.len() < 5 || !error.to_string().contains(refused),
                "{error}"
            );
        }
        for refused in ["", "a\0b", &"x".repeat(256)] {
            assert!(made(refused, [0; SALT]).is_err(), "{refused}");
        }
    }
}
