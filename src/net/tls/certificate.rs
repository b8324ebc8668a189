//! The agent's own certificate: made at start-up, told to Ironic in the heartbeat, never stored on a disk.

use std::net::IpAddr;

use log::warn;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, KeyPair, SerialNumber,
    date_time_ymd,
};

use crate::error::{Context, Error, Result};
use crate::secret::Secret;
use crate::sys::kernel;

/// Of the key in a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    #[default]
    P384,
    /// NIST P-521, which ring cannot make.
    P521,
}

impl Curve {
    /// `p256`, `p384`, `p521`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "p256" => Some(Curve::P256),
            "p384" => Some(Curve::P384),
            "p521" => Some(Curve::P521),
            _ => None,
        }
    }
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Own {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8.
    pub key: Secret,
}

/// A self-signed certificate for `address`, as protocol/api.md §9 has it: one extension, the
/// critical SubjectAltName with that one address.
///
/// Its dates are 1970 to 9999 on purpose. Ironic pins this very certificate to this very boot, so
/// its dates protect nobody; but a dead RTC battery (1970, or the firmware's birthday) or an RTC in
/// local time would make the conductor refuse it as not yet or no longer valid.
pub fn generate(address: IpAddr, host_name: &str, curve: Curve) -> Result<Own> {
    let algorithm = match curve {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        Curve::P521 => {
            warn!("this build has no P-521: the certificate gets a P-384 key");
            &rcgen::PKCS_ECDSA_P384_SHA384
        }
    };
    let mut serial = [0; 16];
    kernel::random(&mut serial).context("drawing a serial number")?;
    serial[0] &= 0x7f; // RFC 5280 §4.1.2.2: serial numbers are positive

    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(1970, 1, 1);
    // RFC 5280 §4.1.2.5: this date means no well-defined end
    params.not_after = date_time_ymd(9999, 12, 31);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    // RFC 5280 appendix A: a common name has 1 to 64 characters
    let name: String = match host_name {
        "" => "ironlet".to_owned(),
        name => name.chars().take(64).collect(),
    };
    params.distinguished_name.push(DnType::CommonName, name);
    params.custom_extensions = vec![alternative_name(address)];

    let failed = |error: rcgen::Error| Error::plain(format!("making a certificate: {error}"));
    let key = KeyPair::generate_for(algorithm).map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Own {
        // Upstream sends line feeds alone.
        certificate: certificate.pem().replace('\r', ""),
        key: Secret::new(key.serialize_pem()),
    })
}

/// rcgen marks the SubjectAltName critical only without a subject, so the extension is made here:
/// SEQUENCE { [7] address octets } (RFC 5280 §4.2.1.6).
fn alternative_name(address: IpAddr) -> CustomExtension {
    let octets = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let len = octets.len() as u8; // 4 or 16
    let content = [vec![0x30, len + 2, 0x87, len], octets].concat();
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], content);
    extension.set_criticality(true);
    extension
}
