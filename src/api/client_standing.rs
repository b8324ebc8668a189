//! What a client of the API has shown of itself, as far as its seat is concerned.

use std::net::IpAddr;
use std::time::Duration;

use crate::api::client_network::ClientNetwork;

/// What a client has shown of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Stranger,
    /// Nothing yet, but its address has shown the token before.
    Known,
    /// The token; it waits for no reply.
    Idle,
    /// The token, in a request that was seen and is still to be read.
    Shown,
    /// The token; its request is being served.
    Served,
}

/// A client as far as seats are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub address: IpAddr,
    pub standing: Standing,
    /// When it got its seat, or when its last request with the token began; on the gateway's clock.
    pub since: Duration,
    /// A request of its was answered that had no token.
    pub answered: bool,
}

impl Place {
    /// Before all that are greater.
    pub fn goes(&self) -> (bool, Duration) {
        (!self.answered, self.since)
    }

    /// Has neither it nor anybody else from its address shown the token?
    pub fn is_stranger(&self) -> bool {
        self.standing == Standing::Stranger
    }

    pub fn network(&self) -> ClientNetwork {
        ClientNetwork::of(self.address)
    }
}
