//! Which build this is, in one line: for `--version`, and for the first line of pid 1's log.

use std::hint::black_box;

/// What Cargo.toml says.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const MARK: &str = "ironlet-built-from:";

/// After the mark build.sh writes the commit into the finished file, so that one that changes no source compiles nothing anew.
static COMMIT: &[u8; 51] = b"ironlet-built-from:                                ";

/// Version, target and commit.
pub fn line() -> String {
    // Or the compiler would know what is there now, and keep that.
    let stamped = str::from_utf8(black_box(COMMIT)).unwrap_or_default();
    let commit = match stamped.trim_start_matches(MARK).trim() {
        "" => "unknown",
        commit => commit,
    };
    let libc = if cfg!(target_env = "musl") {
        "musl"
    } else {
        "gnu"
    };
    format!(
        "ironlet {VERSION} ({}-unknown-linux-{libc}, commit {commit})",
        std::env::consts::ARCH
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_stamped_says_so() {
        assert!(COMMIT.starts_with(MARK.as_bytes()));
        let line = line();
        assert!(
            line.starts_with("ironlet ") && line.ends_with(", commit unknown)"),
            "{line}"
        );
    }
}
