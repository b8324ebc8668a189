//! Whom the agent believes, and how it shows who it is: plain values for the connections.

use std::path::PathBuf;

use crate::error::{Context, Result};

/// The oldest version spoken. TLS 1.3 is always spoken too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl Version {
    /// `1.2` or `1.3`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.2" => Some(Version::Tls12),
            "1.3" => Some(Version::Tls13),
            _ => None,
        }
    }
}

/// Where Debian, and our initramfs, keep the public authorities.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What the agent believes of a server, and shows of itself.
#[derive(Clone, Default)]
pub struct Trust {
    /// PEM texts and PEM files of authorities; none of either means the public ones.
    pub ca_pem: Vec<Vec<u8>>,
    /// Read when they are first needed.
    pub ca_files: Vec<PathBuf>,
    /// Believe anybody.
    pub insecure: bool,
    /// Judge certificates at a time when all of a chain are in date, not by this machine's clock: for asking what time it is, and
    /// for nothing else.
    pub at_its_own_dates: bool,
    /// Shown to servers that ask.
    pub identity: Option<Identity>,
    /// The oldest version spoken.
    pub min: Version,
    /// OpenSSL's names of TLS 1.2 suites, colons between; none means all of protocol/api.md §9.
    pub ciphers: Option<String>,
}

/// A client certificate (chain) and its key, PEM.
#[derive(Clone)]
pub struct Identity {
    /// PEM.
    pub certificate: Vec<u8>,
    /// PEM.
    pub key: Vec<u8>,
}

impl Trust {
    /// The PEM texts of all authorities, each with where it is from.
    pub fn authorities(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let given = self.ca_pem.iter();
        let mut texts: Vec<_> = given
            .map(|pem| ("the given PEM text".to_owned(), pem.clone()))
            .collect();
        let public = [PathBuf::from(BUNDLE)];
        let files = match self.ca_pem.is_empty() && self.ca_files.is_empty() {
            true => &public[..],
            false => &self.ca_files,
        };
        for file in files {
            let name = file.display().to_string();
            let pem = std::fs::read(file)
                .with_context(|| format!("reading the trusted authorities in {name}"))?;
            texts.push((name, pem));
        }
        Ok(texts)
    }
}
