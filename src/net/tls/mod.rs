//! TLS both ways: whom the agent trusts, and the certificate it shows.

mod authority_as_server;
pub mod certificate;
pub mod connection;
mod der;
mod ecdsa_p521;
pub mod ed25519;
pub mod pem;
mod server_verifier;
pub mod trust_settings;
pub mod x509;
