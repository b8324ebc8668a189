//! The HTTP API: the gateway on the port, which answers what takes no token, the page for browsers among it, tiny_http behind it for commands, and the routes.
//!
//! ```text
//!  client ─▶ connection: seat, TLS, head, token, deadlines ─▶ backend_socket ─▶ backend (tiny_http) ─▶ command::Engine
//! ```

mod accept;
mod accept_loop;
mod backend_socket;
mod body;
mod body_memory;
mod client_network;
mod client_standing;
mod client_stream;
mod connection;
mod connection_limit;
mod deadline_socket;
mod eviction;
mod gateway_state;
pub mod head;
mod metrics;
pub mod page;
mod pending_requests;
mod public_replies;
mod reply;
pub mod request_log;
pub mod route;
mod server;
mod service_settings;
mod stranger_rate;
mod tiny_http_backend;
mod waiting_client;

pub use self::server::{Server, listen, serve};
pub use deadline_socket::Limits;
pub use page::Page;
pub use service_settings::Service;
