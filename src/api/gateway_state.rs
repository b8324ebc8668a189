//! What every connection of the gateway shares: the service, the way to the backend, who is connected, the time.
//!
//! The gateway owns the TCP port and lets nobody take more than their share of it. Per client: a TLS handshake, then
//! requests whose heads are small, whose senders hold the token before a byte of their body is read, and whose
//! bodies move. What passes is handed to the backend.

use std::sync::Arc;

use crate::api::backend_socket::BackendSocket;
use crate::api::body_memory::BodyMemory;
use crate::api::connection_limit::ConnectionLimit;
use crate::api::request_log::RequestLog;
use crate::api::service_settings::Service;
use crate::api::stranger_rate::StrangerRate;
use crate::clock::Clock;

/// One for each running server.
pub struct Gateway {
    pub service: Arc<Service>,
    pub backend: BackendSocket,
    pub lobby: Arc<ConnectionLimit>,
    pub stranger_rate: StrangerRate,
    pub log: RequestLog,
    pub body_memory: BodyMemory,
    pub clock: Clock,
}
