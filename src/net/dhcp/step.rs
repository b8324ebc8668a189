//! What a client is to do next, and what an answer has changed: told by the state machine, done by the client.

use std::net::Ipv4Addr;
use std::time::Duration;

use log::Level;

use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::message::Ask;

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this there, and wait for an answer until the next step is due.
    Send(Ask, To),
    /// Nothing until this time of the clock.
    Wait(Duration),
    /// The lease is over: its address must not be used any more.
    Expire,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Broadcast.
    Everybody,
    /// Unicast to the server of the lease.
    Server(Ipv4Addr),
}

/// What an answer changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It was nothing new, or not for us.
    Nothing,
    /// A lease is ours, or is ours for longer.
    Granted(Lease),
    /// The server took the address back.
    TakenBack,
    /// An offer is kept for want of a better one; what it lacks, for people.
    Kept(String),
    /// The server that was asked says no, and how, for people.
    Refused(String),
    /// Nothing was gained, and why, for people.
    Told(Level, String),
}
