//! Whether a server is who it says it is: signed by an authority, for this name, and not out of date.

use std::sync::Arc;

use log::warn;
use rustls::CertificateError::Other;
use rustls::Error::InvalidCertificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::{Context, Error, Result};
use crate::net::tls::trust::Trust;

/// All that webpki says of a server's certificate that calls itself an authority.
pub const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// The certificates in a PEM text, at least one.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| Error::plain("not in PEM form"))?;
    if certificates.is_empty() {
        return Err(Error::plain("no certificate in it"));
    }
    Ok(certificates)
}

/// Believes what the authorities signed; without any, believes everything.
#[derive(Debug)]
pub struct ServerVerifier {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
}

impl ServerVerifier {
    /// An error if an authority file cannot be read.
    pub fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self> {
        let mut judge = ServerVerifier {
            provider: provider.clone(),
            authorities: None,
            trusted: Vec::new(),
        };
        if trust.insecure {
            return Ok(judge);
        }
        let mut store = RootCertStore::empty();
        for (name, pem) in trust.authorities()? {
            let all = certificates(&pem).with_context(|| format!("reading {name}"))?;
            judge.trusted.extend(all.iter().cloned());
            let (_, refused) = store.add_parsable_certificates(all);
            if refused > 0 {
                warn!("{refused} certificates in {name} cannot be used");
            }
        }
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
        judge.authorities = Some(built.map_err(Error::plain)?);
        Ok(judge)
    }

    /// Believing anybody includes those whose certificate nobody can read.
    fn signed(&self, verdict: Signed) -> Signed {
        match verdict {
            Err(InvalidCertificate(_)) if self.authorities.is_none() => {
                Ok(HandshakeSignatureValid::assertion())
            }
            verdict => verdict,
        }
    }
}

type Signed = Result<HandshakeSignatureValid, rustls::Error>;

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(own, chain, name, ocsp, now) {
            // `openssl req -x509` calls a server's certificate an authority. OpenSSL, and so IPA,
            // believes one that is itself among the trusted; webpki objects to it with this name
            // alone, after it has checked the dates.
            Err(InvalidCertificate(Other(why))) if why.to_string() == AUTHORITY_AS_SERVER => {
                if !self.trusted.contains(own) {
                    return Err(InvalidCertificate(Other(why)));
                }
                verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Signed {
        let known = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls12_signature(message, own, signature, known))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Signed {
        let known = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls13_signature(message, own, signature, known))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
