//! The `gf` binary.
fn main() {}
