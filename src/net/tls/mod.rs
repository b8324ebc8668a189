//! TLS both ways: whom the agent trusts, and the certificate it shows.

pub mod certificate;
pub mod connection;
mod server_verifier;
pub mod trust;
