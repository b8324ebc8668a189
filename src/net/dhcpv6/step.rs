//! What a DHCPv6 client is to do next, and what an answer has changed: told by exchange.rs, done by the client.

use std::time::Duration;

use crate::net::dhcpv6::answer::Answer;
use crate::net::dhcpv6::message::Ask;

/// What the router says is to be had here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything but addresses.
    Stateless,
    /// Addresses, and everything else.
    Stateful,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and wait for an answer until the next step is due.
    Send(Ask),
    /// Nothing until this time of the clock.
    Wait(Duration),
    /// The addresses must not be used any more.
    Expire,
}

/// What an answer changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// Addresses are ours, or for longer, or what goes without an address is known.
    Granted(Answer),
    /// The addresses must not be used any more, and why.
    TakenBack(String),
    /// Nothing was gained, and why.
    Told(String),
}
