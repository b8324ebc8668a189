//! Flags → mode → exit code.

fn main() {}
