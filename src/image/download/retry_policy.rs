//! How often and how long to try, and what a failure leaves to try.

use std::time::Duration;

use crate::error::{Error, Kind};

/// Parts that a server fails at, one after the other, before the whole is asked for instead.
pub(super) const FAILED_PARTS: u32 = 3;

/// How long to keep trying.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Further attempts after the first, in a row without progress.
    pub retries: u32,
    /// The longest pause between two attempts.
    pub interval: Duration,
    /// The longest one download may take, all attempts together; none for as long as it takes.
    pub limit: Option<Duration>,
}

/// Why an attempt failed, and what may help.
#[derive(Debug)]
pub struct Failure {
    /// For whoever ordered the image.
    pub error: Error,
    /// What to do next.
    pub then: Then,
    /// The server did answer, by a status of 500 or above.
    pub by_server: bool,
    /// Was it a proxy that said so?
    pub by_proxy: bool,
}

/// What may help after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The same once more, a little later.
    Again,
    /// The same once more, but not before so much time has passed: the server asked for it.
    After(Duration),
    /// Only another URL.
    Elsewhere,
    /// Nothing.
    End,
}

/// What failed on this machine fails again.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            error,
            then: Then::End,
            by_server: false,
            by_proxy: false,
        }
    }
}

impl Failure {
    /// An `ImageDownloadError` with these details.
    pub fn download(details: impl std::fmt::Display, then: Then) -> Self {
        Failure {
            error: Error::new(Kind::ImageDownloadError, details),
            then,
            by_server: false,
            by_proxy: false,
        }
    }
}
