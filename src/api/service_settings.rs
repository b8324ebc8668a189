//! What the API serves, to whom and within which limits: given by the agent, read by every connection.

use crate::api::deadline_socket::Limits;
use crate::api::page::Page;
use crate::command::Engine;
use crate::net::tls::connection::Acceptor;
use crate::secret::Secret;
use crate::system_root::SystemRoot;

/// What is served, to whom, and how.
pub struct Service {
    /// Runs the commands; without one there are none, and the page and the figures are all that is served.
    pub engine: Option<Engine>,
    /// Lets its bearer at the commands; without one nobody gets there.
    pub token: Option<Secret>,
    /// UNIX time.
    pub started_at: f64,
    /// Of the agent, as `GET /v1/status` tells it.
    pub version: &'static str,
    /// Plain HTTP without one.
    pub acceptor: Option<Acceptor>,
    /// Whose memory request bodies go into.
    pub host: SystemRoot,
    /// Is `GET /metrics` answered? By anybody's wish, as the status is.
    pub metrics: bool,
    /// What a browser sees; without one it gets what everybody gets.
    pub page: Option<Page>,
    /// How many clients, how long, how large.
    pub limits: Limits,
}
