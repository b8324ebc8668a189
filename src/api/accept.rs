//! What a client wants to see, by the header Accept (RFC 9110 §12.5.1). Pure.

/// Is HTML named in it, and nothing of JSON that is wanted more? Whoever takes anything gets JSON.
pub fn wants_html(value: &[u8]) -> bool {
    let html = quality(value, b"text/html");
    html > 0 && html >= quality(value, b"application/json")
}

/// Thousandths; 0 if it is not named.
fn quality(value: &[u8], name: &[u8]) -> u32 {
    let kinds = value.split(|byte| *byte == b',');
    let of = kinds.filter_map(|kind| {
        let mut parts = kind.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_it = parts.next()?.eq_ignore_ascii_case(name);
        let weight = parts.find_map(|part| {
            let (key, weight) = (part.get(..2)?, part.get(2..)?);
            key.eq_ignore_ascii_case(b"q=").then_some(weight)
        });
        is_it.then(|| weight.map_or(1000, thousandths))
    });
    of.max().unwrap_or(0)
}

/// `0.5`; what is no number is as good as any.
fn thousandths(weight: &[u8]) -> u32 {
    let weight = std::str::from_utf8(weight).ok();
    let weight = weight.and_then(|weight| weight.trim().parse::<f32>().ok());
    weight.map_or(1000, |weight| (weight.clamp(0.0, 1.0) * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_for_those_who_name_it_and_want_json_less() {
        for (value, html) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
            ),
            ("TEXT/HTML", true),
            ("text/html;level=1;q=0.4", true),
            ("application/json, text/html", true),
            ("application/json, text/html;q=0.1", false),
            ("text/html;q=0", false),
            ("text/html; q=0.000", false),
            ("text/html;q=x", true),
            ("text/htmlx", false),
            ("text/*", false),
            ("*/*", false),
            ("application/json", false),
            ("", false),
            (";q=1,,", false),
        ] {
            assert_eq!(wants_html(value.as_bytes()), html, "{value}");
        }
    }
}
