//! Prints the manual page for a release: `cargo run --example manual_page -- DAY`. It is no part of the binary, which needs none.

fn main() {
    let day = std::env::args().nth(1).unwrap_or_default();
    print!("{}", ironlet::config::manual_page::page(&day));
}
