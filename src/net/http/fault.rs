//! Why an exchange failed: a cause for those who choose another way, and a text for people.

use std::{fmt, io};

use crate::error::Error;

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The name leads nowhere.
    Dns,
    /// Somebody is there and takes no connection.
    Refused,
    /// Nobody is there.
    Unreachable,
    /// Nothing came in time.
    Timeout,
    /// No TLS, or not with somebody we believe.
    Tls,
    /// TLS with somebody we would believe at another date.
    CertificateDate,
    /// No way to or through the proxy.
    Proxy,
    /// The proxy is there and does not let us.
    ProxyDenied,
    /// The other side went away in the middle.
    Cut,
    /// The other side went away without the end that TLS wants: perhaps in the middle, perhaps not.
    HungUp,
    /// An answer came that is not HTTP, is too large, or redirects where nobody may follow;
    /// or the request could not be put into words at all.
    Protocol,
}

/// A failed exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For whoever may try another way.
    pub cause: Cause,
    /// For people.
    pub error: Error,
}

impl Fault {
    /// With a sentence that names what was tried.
    pub fn new(cause: Cause, details: impl fmt::Display) -> Self {
        Fault {
            cause,
            error: Error::plain(details),
        }
    }

    /// Would another server, or the same one a little later, do better?
    pub fn is_connection(&self) -> bool {
        self.cause != Cause::Protocol
    }

    /// Puts what was being asked for before the text.
    pub fn at(self, what: impl fmt::Display) -> Self {
        Fault::new(self.cause, format_args!("{what}: {}", self.error.details()))
    }

    /// A failed read or write on a connection to `peer`.
    pub fn io(peer: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Fault::new(
                Cause::Timeout,
                format_args!(
                    "{peer} has gone silent or does not get on; is it overloaded, or the network dropping packets?"
                ),
            ),
            io::ErrorKind::ConnectionRefused => Fault::new(
                Cause::Refused,
                format_args!(
                    "{peer} refuses connections; is the service running, and the port right?"
                ),
            ),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Fault::new(
                Cause::Unreachable,
                format_args!("no way to {peer} ({error}); check address, gateway and VLAN"),
            ),
            _ => Fault::new(
                Cause::Cut,
                format_args!(
                    "{peer} broke off the connection ({error}); its log, or a firewall's on the way, may say why"
                ),
            ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

/// The text travels inside; the kind tells a stall from a cut.
impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault.cause {
            Cause::Timeout => io::ErrorKind::TimedOut,
            Cause::Cut => io::ErrorKind::ConnectionAborted,
            Cause::HungUp => io::ErrorKind::UnexpectedEof,
            Cause::Protocol => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, fault.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_follows_from_the_kind_of_io_error() {
        for (kind, cause) in [
            (io::ErrorKind::WouldBlock, Cause::Timeout),
            (io::ErrorKind::ConnectionRefused, Cause::Refused),
            (io::ErrorKind::NetworkUnreachable, Cause::Unreachable),
            (io::ErrorKind::ConnectionReset, Cause::Cut),
            (io::ErrorKind::UnexpectedEof, Cause::Cut),
        ] {
            let fault = Fault::io("10.0.0.1:80", &kind.into());
            assert_eq!(fault.cause, cause, "{kind:?}");
            assert!(fault.to_string().contains("10.0.0.1:80"));
        }
    }

    #[test]
    fn the_text_survives_a_trip_through_io() {
        let fault = Fault::new(Cause::Timeout, "silent").at("GET http://h/");
        let error = io::Error::from(fault.clone());
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(Error::from(error).details(), "GET http://h/: silent");
        assert!(fault.is_connection());
    }
}
