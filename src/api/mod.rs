//! The HTTP API: the gateway on the port, tiny_http behind it, and the routes.
//!
//! ```text
//!  client ─▶ connection: TLS, head, token, deadlines ─▶ backend_socket ─▶ backend (tiny_http) ─▶ action ─▶ command::Engine
//! ```

mod accept_loop;
mod backend;
mod backend_socket;
mod body;
mod client_stream;
mod connection;
mod gateway;
pub mod head;
mod lobby;
mod pace;
mod pending_requests;
mod reply;
pub mod route;
mod server;
mod service;

pub use self::pace::Limits;
pub use self::server::{Server, listen, serve};
pub use self::service::Service;
