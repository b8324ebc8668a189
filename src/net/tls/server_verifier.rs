//! Whether a server is who it says it is: signed by an authority, for this name, and not out of date.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use log::warn;
use rustls::CertificateError::{Other, UnknownIssuer};
use rustls::Error::InvalidCertificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use crate::calendar::Day;
use crate::error::{Context, Error, Result};
use crate::net::tls::authority_as_server;
use crate::net::tls::pem;
use crate::net::tls::trust_settings::Trust;
use crate::net::tls::x509::Fields;

/// All that webpki says of a server's certificate that calls itself an authority.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Believes what the authorities signed; without any, believes everything.
#[derive(Debug)]
pub struct ServerVerifier {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<Authority>,
    at_its_own_dates: bool,
}

/// One of those that are trusted.
#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    fields: Fields,
    /// Where it is from.
    source: Arc<str>,
}

/// An authority whose time is over or has not come: webpki takes dates of authorities for none of its business,
/// OpenSSL, and so IPA, does not.
#[derive(Debug)]
pub struct OutOfDate {
    /// The authority and its file, in words.
    authority: String,
    from: u64,
    to: u64,
    now: u64,
}

impl fmt::Display for OutOfDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (authority, now) = (&self.authority, Day(self.now));
        let (what, day) = match self.now < self.from {
            true => ("is valid only from", Day(self.from)),
            false => ("expired on", Day(self.to)),
        };
        write!(
            f,
            "{authority}, which signed the certificate, {what} {day}; this machine's clock says {now}: \
             correct the clock or renew the authority"
        )
    }
}

impl std::error::Error for OutOfDate {}

impl ServerVerifier {
    /// An error if an authority file cannot be read.
    pub fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self> {
        let mut judge = ServerVerifier {
            provider: provider.clone(),
            authorities: None,
            trusted: Vec::new(),
            at_its_own_dates: trust.at_its_own_dates,
        };
        if trust.insecure {
            return Ok(judge);
        }
        for (source, text) in trust.authorities()? {
            let all = pem::certificates(&text).with_context(|| format!("reading {source}"))?;
            judge.add(all, &source);
        }
        let built = judge.only(&judge.provider, |_| true);
        judge.authorities = Some(built.map_err(|_| {
            Error::plain(
                "none of the authorities given can vouch for a server: cafile needs others",
            )
        })?);
        Ok(judge)
    }

    fn add(&mut self, certificates: Vec<pem::Certificate>, source: &str) {
        let (mut unusable, mut unwilling) = (0, 0);
        let name: Arc<str> = source.into();
        for one in certificates {
            let certificate = CertificateDer::from(one.der);
            let usable = RootCertStore::empty().add(certificate.clone()).is_ok();
            match Fields::of(&certificate).filter(|_| usable) {
                None => unusable += 1,
                Some(_) if !one.for_servers => unwilling += 1,
                Some(fields) => self.trusted.push(Authority {
                    certificate,
                    fields,
                    source: name.clone(),
                }),
            }
        }
        if unusable > 0 {
            warn!("{unusable} certificates in {source} cannot be used");
        }
        if unwilling > 0 {
            warn!(
                "{unwilling} certificates in {source} are not trusted for servers, as it says there"
            );
        }
    }

    /// A verifier that knows only some of the authorities; an error if there is none.
    fn only(
        &self,
        provider: &Arc<CryptoProvider>,
        wanted: impl Fn(&Authority) -> bool,
    ) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
        let mut store = RootCertStore::empty();
        let wanted = self.trusted.iter().filter(|one| wanted(one));
        store.add_parsable_certificates(wanted.map(|one| one.certificate.clone()));
        let provider = provider.clone();
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build()
    }

    /// What is believed must be so by authorities that are in date; `verify` asks one verifier.
    fn in_date(
        &self,
        provider: &Arc<CryptoProvider>,
        now: UnixTime,
        verify: impl Fn(&WebPkiServerVerifier) -> Result<ServerCertVerified, rustls::Error>,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let good = |one: &Authority| one.fields.is_valid(now.as_secs());
        let believed = |wanted: &dyn Fn(&Authority) -> bool| {
            let verifier = self.only(provider, wanted);
            verifier.is_ok_and(|verifier| verify(&verifier).is_ok())
        };
        if self.trusted.iter().all(good) || believed(&good) {
            return Ok(ServerCertVerified::assertion());
        }
        let mut bad = self.trusted.iter().filter(|one| !good(one));
        let blamed = bad.find(|bad| believed(&|one| std::ptr::eq(one, *bad)));
        let Some(blamed) = blamed else {
            // It takes two of them.
            return Err(InvalidCertificate(UnknownIssuer));
        };
        let fields = &blamed.fields;
        Err(InvalidCertificate(Other(OtherError(Arc::new(OutOfDate {
            authority: format!(
                "the authority '{:.64}' in {}",
                fields.name.escape_debug().to_string(),
                blamed.source
            ),
            from: fields.from,
            to: fields.to,
            now: now.as_secs(),
        })))))
    }

    /// For certificates that were [`authority_as_server::unmarked`].
    fn for_unmarked(&self) -> Arc<CryptoProvider> {
        let mut provider = CryptoProvider::clone(&self.provider);
        let known = provider.signature_verification_algorithms;
        provider.signature_verification_algorithms = authority_as_server::verifiers(known);
        Arc::new(provider)
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

/// When the youngest of a chain became valid; none if one of them cannot be read.
fn first_common_moment(own: &CertificateDer, chain: &[CertificateDer]) -> Option<UnixTime> {
    let all = chain.iter().chain([own]);
    let from = all.map(|one| Fields::of(one).map(|fields| fields.from));
    let latest = from.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(latest)))
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
        let now = match self.at_its_own_dates {
            true => first_common_moment(own, chain).unwrap_or(now),
            false => now,
        };
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(own, chain, name, ocsp, now)
        };
        match verify(authorities) {
            Err(InvalidCertificate(Other(why))) if why.to_string() == AUTHORITY_AS_SERVER => {
                // OpenSSL, and so IPA, believes one that is itself among the trusted. Its dates webpki has checked.
                if self.trusted.iter().any(|one| one.certificate == *own) {
                    verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                    return Ok(ServerCertVerified::assertion());
                }
                let own = authority_as_server::unmarked(own)
                    .ok_or(InvalidCertificate(Other(why)))?
                    .into();
                let provider = self.for_unmarked();
                let verify = |verifier: &WebPkiServerVerifier| {
                    verifier.verify_server_cert(&own, chain, name, ocsp, now)
                };
                let all = self.only(&provider, |_| true);
                verify(&*all.map_err(|_| InvalidCertificate(UnknownIssuer))?)?;
                self.in_date(&provider, now, verify)
            }
            Ok(_) => self.in_date(&self.provider, now, verify),
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
