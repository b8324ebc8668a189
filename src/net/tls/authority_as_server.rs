//! A server's certificate that calls itself an authority (CA:TRUE), as `openssl req -x509` and home-made authorities make them. OpenSSL,
//! and so IPA, believes it like any other; webpki does not. So webpki gets to see it without that word, and its signature is checked over
//! what was signed.

use std::sync::OnceLock;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use crate::net::tls::der::{self, SEQUENCE};

/// RFC 5280 §4.2.1.9: BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, … }
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const BOOLEAN: u8 = 1;
const OBJECT: u8 = 6;
const OCTETS: u8 = 4;
/// The extensions among the fields of a certificate.
const EXTENSIONS: u8 = 0xa3;
const TRUE: u8 = 0xff;
const FALSE: u8 = 0;

/// The certificate in this DER with CA:FALSE in the place of CA:TRUE; none if it does not say that.
pub fn unmarked(certificate: &[u8]) -> Option<Vec<u8>> {
    let (SEQUENCE, content) = der::only(certificate)? else {
        return None;
    };
    let (signed, _) = der::split_first(content)?;
    let at = offset(signed, certificate) + mark(signed)?;
    let mut certificate = certificate.to_vec();
    let was = std::mem::replace(&mut certificate[at], FALSE);
    (was == TRUE).then_some(certificate)
}

/// Where in the signed part of a certificate the value of `cA` is.
fn mark(signed: &[u8]) -> Option<usize> {
    let (SEQUENCE, mut fields) = der::only(signed)? else {
        return None;
    };
    let mut extensions = loop {
        let (tag, content, after) = der::first(fields)?;
        match tag {
            EXTENSIONS => break der::only(content)?.1,
            _ => fields = after,
        }
    };
    loop {
        let (_, extension, after) = der::first(extensions)?;
        let (OBJECT, name, mut value) = der::first(extension)? else {
            return None;
        };
        if name != BASIC_CONSTRAINTS {
            extensions = after;
            continue;
        }
        // Whether it is critical.
        if let (BOOLEAN, _, after) = der::first(value)? {
            value = after;
        }
        let (OCTETS, constraints) = der::only(value)? else {
            return None;
        };
        let (SEQUENCE, constraints) = der::only(constraints)? else {
            return None;
        };
        return match der::first(constraints)? {
            (BOOLEAN, value @ [_], _) => Some(offset(value, signed)),
            _ => None,
        };
    }
}

/// Of a part in the whole it was cut from.
fn offset(part: &[u8], whole: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

/// Those `known`, for certificates that were [`unmarked`]. They differ in nothing else: what was not signed as it is must have been signed
/// with CA:TRUE, and without that it vouches for nobody.
pub fn verifiers(known: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    static ALL: OnceLock<&[&dyn SignatureVerificationAlgorithm]> = OnceLock::new();
    let marked = |one: &&'static dyn SignatureVerificationAlgorithm| -> &'static dyn SignatureVerificationAlgorithm {
        Box::leak(Box::new(Marked(*one)))
    };
    let all = ALL.get_or_init(|| Vec::leak(known.all.iter().map(marked).collect()));
    WebPkiSupportedAlgorithms { all, ..known }
}

#[derive(Debug)]
struct Marked(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Marked {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let as_it_is = self.0.verify_signature(key, message, signature);
        let Some(at) = mark(message).filter(|at| message[*at] == FALSE) else {
            return as_it_is;
        };
        let mut signed = message.to_vec();
        signed[at] = TRUE;
        as_it_is.or_else(|_| self.0.verify_signature(key, &signed, signature))
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}
