//! The one error type: what kind it is on the wire, and the trail of what was being done.
//!
//! Floors 1–4 build the trail with [`Context::context`] (a gerund and a path, no full stop:
//! "opening /dev/vda"); floors 5–7 attach the [`Kind`]; `api/route.rs` alone writes it out.

use std::{fmt, io};

/// What everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong and where: `details` reads outermost action first, cause last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    details: String,
}

macro_rules! kinds {
    ($($kind:ident $code:literal $message:literal)*) => {
        /// The error types Ironic knows, by the name upstream gives them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $(#[doc = $message] $kind),* }

        impl Kind {
            /// The `type` of the error object.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => stringify!($kind)),* }
            }
            /// The `code` of the error object: an HTTP status.
            pub fn code(self) -> u16 {
                match self { $(Kind::$kind => $code),* }
            }
            /// The fixed `message` of the error object.
            pub fn message(self) -> &'static str {
                match self { $(Kind::$kind => $message),* }
            }
        }
    };
}

// protocol/api.md §10
kinds! {
    RESTError                       500 "An error occurred"
    InvalidContentError             400 "Invalid request body"
    InvalidCommandError             400 "Invalid command"
    InvalidCommandParamsError       400 "Invalid command parameters"
    RequestedObjectNotFoundError    404 "Not found"
    CommandExecutionError           500 "Command execution failed"
    AgentIsBusy                     409 "Agent is busy"
    VersionMismatch                 409 "Hardware managers version mismatch, reload agent with correct version"
    ImageDownloadError              500 "Error downloading image"
    ImageChecksumError              500 "Error verifying image checksum"
    ImageWriteError                 500 "Error writing image to device"
    InvalidImage                    500 "The provided image is not valid for use"
    DeploymentError                 500 "Deploy step failed"
    CleaningError                   500 "Clean step failed"
    ServicingError                  500 "Service step failed"
    DeviceNotFound                  404 "Error finding the disk or partition device to deploy the image onto"
    BlockDeviceEraseError           500 "Error erasing block device"
    ProtectedDeviceError            500 "Protected device located, cleaning aborted."
    BlockDeviceError                500 "Block device caused unknown error"
    SoftwareRAIDError               500 "Software RAID caused unknown error"
    SystemRebootError               500 "Error rebooting system"
    HardwareManagerMethodNotFound   500 "No HardwareManager found to handle method"
    LookupNodeError                 500 "Error getting configuration from Ironic"
    LookupAgentIPError              500 "Error finding IP for Ironic Agent"
    HeartbeatError                  500 "Error heartbeating to agent API"
    InspectionError                 500 "Error inspecting the machine"
}

impl Error {
    /// Of this kind, with a sentence for people.
    pub fn new(kind: Kind, details: impl fmt::Display) -> Self {
        Error {
            kind,
            details: details.to_string(),
        }
    }

    /// An error whose kind a higher floor will decide.
    pub fn plain(details: impl fmt::Display) -> Self {
        Error::new(Kind::RESTError, details)
    }

    /// For the wire: type and code follow from it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence, with what was being done when it happened.
    pub fn details(&self) -> &str {
        &self.details
    }
}

/// `message: details`, the way upstream prints its errors and Ironic's log shows them.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::RESTError => f.write_str(&self.details),
            kind => write!(f, "{}: {}", kind.message(), self.details),
        }
    }
}

impl std::error::Error for Error {}

/// An [`Error`] that crossed a `Read` inside an `io::Error` is taken out again.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(error) => Error::plain(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::other(error)
    }
}

/// Adds to the trail on the way up.
pub trait Context<T> {
    /// Puts `doing` (a gerund and its object) before the details.
    fn context(self, doing: impl fmt::Display) -> Result<T>;
    /// The same, computed only on failure.
    fn with_context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T>;
    /// Sets the kind unless a lower floor already set one.
    fn kind(self, kind: Kind) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.with_context(|| doing)
    }

    fn with_context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| {
            let Error { kind, details } = error.into();
            Error {
                kind,
                details: format!("{}: {details}", doing()),
            }
        })
    }

    fn kind(self, kind: Kind) -> Result<T> {
        self.map_err(|error| {
            let error = error.into();
            match error.kind {
                Kind::RESTError => Error { kind, ..error },
                _ => error,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_reads_outermost_first() {
        let error = Err::<(), _>(io::Error::from(io::ErrorKind::NotFound))
            .context("opening /dev/vda")
            .context("choosing the disk")
            .expect_err("it failed");
        assert_eq!(
            error.details(),
            "choosing the disk: opening /dev/vda: entity not found"
        );
    }

    #[test]
    fn the_first_kind_wins() {
        let error = Err::<(), _>(Error::new(Kind::ImageChecksumError, "no match"))
            .context("writing")
            .kind(Kind::DeploymentError)
            .expect_err("it failed");
        assert_eq!(
            (error.kind(), error.details()),
            (Kind::ImageChecksumError, "writing: no match")
        );
    }

    #[test]
    fn an_error_survives_a_trip_through_io() {
        let error = Error::new(Kind::ImageDownloadError, "cut");
        assert_eq!(Error::from(io::Error::from(error.clone())), error);
    }
}
