//! The agent as a client: HTTP and TLS first, then everything it says to Ironic.

#[path = "support/fake_conductor.rs"]
mod fake_conductor;

#[path = "conductor/http.rs"]
mod http;
#[path = "conductor/tls.rs"]
mod tls;
