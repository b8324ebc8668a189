//! Configuration files as oslo.config reads them: sections, `key = value`, continued lines.

use crate::error::{Error, Result};

/// Keys in file order, `section.` before each unless the section is `[DEFAULT]`; dashes become underscores.
pub fn parse(text: &str) -> Result<Vec<(String, String)>> {
    parse_in(None, text)
}

/// The same, beginning in a section of `[DEFAULT]` where none is named.
pub fn parse_sectionless(text: &str) -> Result<Vec<(String, String)>> {
    parse_in(Some(String::new()), text)
}

fn parse_in(mut section: Option<String>, text: &str) -> Result<Vec<(String, String)>> {
    let mut values: Vec<(String, String)> = Vec::new();
    let mut continues = false;
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| Error::plain(format!("line {}: {what}", number + 1));
        let bare = line.trim();
        if bare.is_empty() {
            continues = false;
            continue;
        }
        if bare.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            let last = values.last_mut().filter(|_| continues);
            let (_, value) = last.ok_or_else(|| wrong("continues nothing"))?;
            value.push('\n');
            value.push_str(bare);
            continue;
        }
        if let Some(rest) = bare.strip_prefix('[') {
            let name = rest
                .strip_suffix(']')
                .ok_or_else(|| wrong("']' is missing"))?;
            section = Some(match name.trim() {
                "DEFAULT" => String::new(),
                name => format!("{name}."),
            });
            continues = false;
            continue;
        }
        let section = section
            .as_deref()
            .ok_or_else(|| wrong("a section like [DEFAULT] must come first"))?;
        let (key, value) = bare
            .split_once(['=', ':'])
            .ok_or_else(|| wrong("'key = value' is needed"))?;
        values.push((
            section.to_owned() + &key.trim().replace('-', "_"),
            unquoted(value.trim()).to_owned(),
        ));
        continues = true;
    }
    Ok(values)
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

/// A key as people write it: `[section] name`.
pub fn titled(key: &str) -> String {
    match key.split_once('.') {
        Some((section, name)) => format!("[{section}] {name}"),
        None => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_read_as_upstream_reads_them() {
        let text = "# one\n[DEFAULT]\ncafile=/etc/ca.crt\n; two\nguard-special : 'no'\nlist = a,\n  b\n\n[mdns]\nuse_mdns = \"1\"\nempty =\n";
        let values = parse(text).expect("a good file");
        let values: Vec<_> = values
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            values,
            [
                ("cafile", "/etc/ca.crt"),
                ("guard_special", "no"),
                ("list", "a,\nb"),
                ("mdns.use_mdns", "1"),
                ("mdns.empty", ""),
            ]
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, word) in [
            ("cafile = x", "line 1: a section"),
            ("[DEFAULT\n", "line 1: ']'"),
            ("[DEFAULT]\nno equals", "line 2: 'key = value'"),
            ("[DEFAULT]\n  x", "line 2: continues nothing"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.details().contains(word), "{error}");
        }
    }
}
