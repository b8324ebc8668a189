//! Certificates in PEM files, OpenSSL's own form and marks at the beginning included. Pure.

use crate::codec;
use crate::codec::text_encoding;
use crate::error::{Error, Result};
use crate::net::tls::der;

/// Labels of certificates; the second is what the first was called in 1995.
const PLAIN: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
/// OpenSSL's own (`openssl x509 -trustout`): the certificate, and what it is trusted for behind it.
const TRUSTED: &str = "TRUSTED CERTIFICATE";

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Of the certificate alone.
    pub der: Vec<u8>,
    /// May it vouch for servers? Said by its owner in the file, not by the certificate.
    pub for_servers: bool,
}

/// The certificates in a PEM text, at least one. What else is in it is passed over.
pub fn certificates(pem: &[u8]) -> Result<Vec<Certificate>> {
    let text = text_encoding::decode(pem);
    let mut found = Vec::new();
    for section in text.split("-----BEGIN ").skip(1) {
        let broken = || Error::plain("not in PEM form");
        let (label, rest) = section.split_once("-----").ok_or_else(broken)?;
        if !PLAIN.contains(&label) && label != TRUSTED {
            continue;
        }
        let end = format!("-----END {label}-----");
        let (body, _) = rest.split_once(&end).ok_or_else(broken)?;
        let mut der = codec::base64::decode(body).ok_or_else(broken)?;
        let mut for_servers = true;
        if label == TRUSTED {
            let (own, behind) = der::split_first(&der).ok_or_else(broken)?;
            for_servers = behind.is_empty() || trusts_servers(behind).ok_or_else(broken)?;
            let own = own.len();
            der.truncate(own);
        }
        found.push(Certificate { der, for_servers });
    }
    match found.is_empty() {
        true => Err(Error::plain("no certificate in it")),
        false => Ok(found),
    }
}

/// PEM text as parsers of keys want it: without a mark.
pub fn unmarked(pem: &[u8]) -> Vec<u8> {
    text_encoding::decode(pem).into_bytes()
}

/// id-kp-serverAuth (RFC 5280 §4.2.1.12) and anyExtendedKeyUsage, without tag and length.
const PURPOSES: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x55, 0x1d, 0x25, 0]];

/// crypto/x509/x509_trust.c, of X509_CERT_AUX (SEQUENCE { trust SEQUENCE OF OBJECT OPTIONAL, reject [0] likewise,
/// …}): whatever is rejected is, and where anything is named as trusted, nothing else is. None for what is no such.
fn trusts_servers(settings: &[u8]) -> Option<bool> {
    let (der::SEQUENCE, mut rest) = der::only(settings)? else {
        return None;
    };
    let mut trusts = true;
    while !rest.is_empty() {
        let (tag, content, after) = der::first(rest)?;
        let names = |list: &[u8]| -> Option<bool> {
            let (mut list, mut named) = (list, false);
            while !list.is_empty() {
                let (_, object, more) = der::first(list)?;
                named |= PURPOSES.contains(&object);
                list = more;
            }
            Some(named)
        };
        match tag {
            der::SEQUENCE => trusts &= names(content)?,
            // [0] IMPLICIT, constructed
            0xa0 => trusts &= !names(content)?,
            _ => {}
        }
        rest = after;
    }
    Some(trusts)
}
