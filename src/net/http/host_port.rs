//! Host and port as URLs and lists of hosts have them: brackets around IPv6 addresses, zones in them. Pure.

/// `host`, `host:port`, `[v6]`, `[v6]:port`, and a bare v6 address.
pub fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None if place.matches(':').count() > 1 => (place, None),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    match port {
        None | Some("") => Some((host, None)),
        Some(port) => Some((host, Some(port.parse().ok()?))),
    }
}

/// `host:port`, with brackets where the host is an IPv6 address.
pub fn place(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// The zone apart from the address: `%25eth0` as RFC 6874 writes it, or `%eth0` as people do. Whoever has a link
/// that is called `25…` writes the percent sign in full.
pub fn split_zone(host: &str) -> (&str, Option<&str>) {
    match host.split_once('%') {
        Some((address, zone)) if address.contains(':') => {
            let bare = zone.strip_prefix("25").filter(|bare| !bare.is_empty());
            (address, bare.or(Some(zone)))
        }
        _ => (host, None),
    }
}

/// RFC 6874 §2, and what else the names of links have (`eth0:1`, `eth0@if2`).
pub fn is_zone(zone: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~@:".contains(c);
    !zone.is_empty() && zone.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_come_apart_and_together() {
        for (text, host, port) in [
            ("h", "h", None),
            ("h:80", "h", Some(80)),
            ("h:", "h", None),
            ("[::1]", "::1", None),
            ("[::1]:8", "::1", Some(8)),
            ("::1", "::1", None),
        ] {
            assert_eq!(split_port(text), Some((host, port)), "{text}");
        }
        for bad in ["h:x", "h:99999", "[::1", "[::1]x"] {
            assert_eq!(split_port(bad), None, "{bad}");
        }
        assert_eq!(place("::1", 8), "[::1]:8");
        assert_eq!(place("h", 8), "h:8");
    }
}
