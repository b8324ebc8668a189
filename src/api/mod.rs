//! The HTTP API: the gateway on the port, which answers what takes no token, tiny_http behind it for commands, and the routes.
//!
//! ```text
//!  client ─▶ connection: seat, TLS, head, token, deadlines ─▶ backend_socket ─▶ backend (tiny_http) ─▶ command::Engine
//! ```

mod accept_loop;
mod backend;
mod backend_socket;
mod body;
mod body_memory;
mod client_network;
mod client_stream;
mod connection;
mod eviction;
mod gateway;
pub mod head;
mod lobby;
mod pace;
mod pending_requests;
mod public_replies;
mod reply;
mod request_log;
pub mod route;
mod server;
mod service;
mod stranger_rate;

pub use self::pace::Limits;
pub use self::server::{Server, listen, serve};
pub use self::service::Service;
