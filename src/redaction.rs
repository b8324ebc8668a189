//! Takes secrets out of text that leaves the machine: tokens, passwords, logins, and what signs or opens a URL.

use crate::secret::redacted;

/// What stands for a secret.
const SECRET: &str = "(secret)";

/// How what is said of a field goes on: no value behind its name, but why that is none.
const SAID: [&str; 7] = [
    "must be ",
    "is missing",
    "is for ",
    "is there, ",
    "is no field of ",
    "is none of ",
    "a value without ",
];
/// How a URL with a login is written, as messages have it: words, and nobody's.
const FORMS: [&str; 2] = [
    "http://[user:password@]host:port",
    "http://user:password@host:port",
];

/// The text without secrets: the kernel's log repeats the command line, token and all.
pub fn clean(content: &[u8]) -> String {
    let content = String::from_utf8_lossy(content);
    let words = content.split_inclusive(char::is_whitespace);
    let mut rest = &*content;
    // How many of the next words are secrets, and whether one before them names its scheme.
    let mut hidden = 0;
    words.fold(String::with_capacity(content.len()), |mut clean, word| {
        let bare = word.trim_end();
        rest = &rest[word.len()..];
        if hidden > 0 && !bare.is_empty() {
            hidden -= 1;
            match ["basic", "bearer"].contains(&bare.to_ascii_lowercase().as_str()) {
                true => {
                    hidden = 1;
                    clean.push_str(bare);
                }
                false => clean.push_str(SECRET),
            }
        } else if let Some(key) = bare.strip_suffix(':').filter(|key| is_header(key)) {
            let is_said = !key.contains('"') && SAID.iter().any(|said| rest.starts_with(said));
            hidden = usize::from(!is_said);
            clean.push_str(key);
            clean.push(':');
        } else {
            word_without_secret(bare, &mut clean);
        }
        if word.ends_with('\n') {
            hidden = 0;
        }
        clean.push_str(&word[bare.len()..]);
        clean
    })
}

fn word_without_secret(word: &str, clean: &mut String) {
    // What ends a part of a sentence is no part of a URL.
    let bare = word.trim_end_matches([':', ';', ',', ')']);
    let (word, behind) = word.split_at(bare.len());
    match word.split_once('=') {
        _ if FORMS.contains(&word) => clean.push_str(word),
        Some((key, _)) if is_secret(key) => {
            clean.push_str(key);
            clean.push('=');
            clean.push_str(SECRET);
        }
        Some((key, value)) if value.contains("://") => {
            clean.push_str(key);
            clean.push('=');
            clean.push_str(&redacted(value));
        }
        _ if word.contains("://") => clean.push_str(&redacted(word)),
        _ => clean.push_str(word),
    }
    clean.push_str(behind);
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "passw", "secret", "credential", "configdrive"]
        .iter()
        .any(|word| key.contains(word))
}

/// `Authorization:`, `X-Auth-Token:`, `"agent_token":` – not the colon behind a word of a sentence.
fn is_header(key: &str) -> bool {
    let key = key.trim_matches('"').to_ascii_lowercase();
    let joined = key.contains(['-', '_']) && is_secret(&key);
    key == "authorization" || key == "proxy-authorization" || joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        for (line, shown) in [
            (
                "quiet ipa-agent-token=abc console=ttyS0\n",
                "quiet ipa-agent-token=(secret) console=ttyS0\n",
            ),
            (
                "Command line: ipa-api-url=http://u:p@h:6385/x?sig=1  ro",
                "Command line: ipa-api-url=http://h:6385/x  ro",
            ),
            (
                "ironlet.image=http://h/i,https://u:p@g/i",
                "ironlet.image=http://h/i,https://g/i",
            ),
            (
                "ipa-image-server-password=a=b",
                "ipa-image-server-password=(secret)",
            ),
            (
                "fetching https://h/i.raw?temp_url_sig=1\r\n\n",
                "fetching https://h/i.raw\r\n\n",
            ),
            ("MemFree:  1 kB\n", "MemFree:  1 kB\n"),
            (
                "GET http://u:p@h:80: no (see http://h:81/x?s=1), http://h/;",
                "GET http://h:80: no (see http://h:81/x), http://h/;",
            ),
            (
                "Authorization: Basic dTpw==\nHost: h",
                "Authorization: Basic (secret)\nHost: h",
            ),
            (
                "\"agent_token\": \"abc\", \"x\": 1",
                "\"agent_token\": (secret) \"x\": 1",
            ),
            ("X-Auth-Token:\nabc", "X-Auth-Token:\nabc"),
            (
                "the token: Ironic knows it already",
                "the token: Ironic knows it already",
            ),
            ("configdrive=H4sIAAAA", "configdrive=(secret)"),
            (
                "image_server_password: must be text; configdrive.user_data: is none of meta_data",
                "image_server_password: must be text; configdrive.user_data: is none of meta_data",
            ),
            (
                "image_server_password: is missing, and image_server_auth_strategy=http_basic needs it",
                "image_server_password: is missing, and image_server_auth_strategy=http_basic needs it",
            ),
            (
                "image_server_password: mustang\nimage_server_password: must",
                "image_server_password: (secret)\nimage_server_password: (secret)",
            ),
            (
                "image_server_password:\nmust be x-auth-token: is\"missing y",
                "image_server_password:\nmust be x-auth-token: (secret) y",
            ),
            (
                "\"image_server_password\": must be x",
                "\"image_server_password\": (secret) be x",
            ),
            (
                "X-Auth-Token: Bearer must be x",
                "X-Auth-Token: Bearer (secret) be x",
            ),
            (
                "not of the form http://[user:password@]host:port or http://user:password@host:port, but http://user:password@host:80",
                "not of the form http://[user:password@]host:port or http://user:password@host:port, but http://host:80",
            ),
        ] {
            assert_eq!(clean(line.as_bytes()), shown);
        }
    }
}
