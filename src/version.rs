//! Which build this is, in one line: for `--version`, and for the first line of pid 1's log.

/// What Cargo.toml says.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Version, target and commit. Who builds says the commit, in `IRONLET_COMMIT`; Cargo alone knows none.
pub fn line() -> String {
    let libc = if cfg!(target_env = "musl") {
        "musl"
    } else {
        "gnu"
    };
    let commit = option_env!("IRONLET_COMMIT").unwrap_or("unknown");
    format!(
        "ironlet {VERSION} ({}-unknown-linux-{libc}, commit {commit})",
        std::env::consts::ARCH
    )
}
