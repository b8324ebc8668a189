//! TLS connections both ways: the agent as client of its servers, and as server of its own port.

use std::io::{self, Read, Write};
use std::ops::DerefMut;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 as ECDSA_AES_128,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 as ECDSA_AES_256,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 as RSA_AES_128,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 as RSA_AES_256,
};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ConnectionCommon, ServerConfig,
    ServerConnection, SideData, StreamOwned, SupportedCipherSuite, SupportedProtocolVersion,
};

use rustls::CertificateError::{
    BadSignature, ExpiredContext, NotValidForNameContext, NotValidYetContext, Other, UnknownIssuer,
};
use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};

use crate::calendar::Day;
use crate::error::{Context, Error, Result};
use crate::net::http::fault::{Cause, Fault};
use crate::net::tls::server_verifier::{OutOfDate, ServerVerifier};
use crate::net::tls::trust_settings::{Trust, Version};
use crate::net::tls::{ecdsa_p521, pem};

fn spoken(min: Version) -> &'static [&'static SupportedProtocolVersion] {
    static NEWEST: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
    match min {
        Version::Tls12 => rustls::ALL_VERSIONS,
        Version::Tls13 => &NEWEST,
    }
}

/// The calling side. Files are read at the first call that needs them, and once.
#[derive(Clone)]
pub struct Connector {
    trust: Trust,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Connector {
    /// Nothing is read yet.
    pub fn new(trust: Trust) -> Self {
        Connector {
            trust,
            config: OnceLock::new(),
        }
    }

    /// Reads all files that it is about: an error unless they are of use.
    pub fn check(&self) -> Result<()> {
        self.config().map(drop)
    }

    /// Shakes hands over `stream`, within its own timeouts.
    pub fn connect<S: Read + Write>(
        &self,
        host: &str,
        mut stream: S,
    ) -> Result<ClientStream<S>, Fault> {
        let config = self.config().map_err(|e| Fault::new(Cause::Tls, e))?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::new(Cause::Protocol, format_args!("'{host}' is no host name")))?;
        let mut connection =
            ClientConnection::new(config, name).map_err(|error| refused(&error))?;
        while connection.is_handshaking() {
            connection
                .complete_io(&mut stream)
                .map_err(|error| broken(host, &error))?;
        }
        Ok(Secured(StreamOwned::new(connection, stream)))
    }

    fn config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(client(&self.trust)?);
        Ok(self.config.get_or_init(|| config).clone())
    }
}

fn client(trust: &Trust) -> Result<ClientConfig> {
    let provider = provider(trust.ciphers.as_deref())?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(spoken(trust.min))
        .map_err(Error::plain)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(trust, provider)?));
    let mut config = match &trust.identity {
        None => builder.with_no_client_auth(),
        Some(own) => shown(&own.certificate, &own.key)
            .and_then(|(chain, key)| {
                let shown = builder.with_client_auth_cert(chain, key);
                shown.map_err(Error::plain)
            })
            .context("using the client certificate")?,
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A chain to show to others, and its key.
fn shown(
    certificates: &[u8],
    own: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = pem::certificates(certificates)?.into_iter();
    let chain = chain.map(|one| CertificateDer::from(one.der)).collect();
    Ok((chain, key(own)?))
}

fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(&pem::unmarked(text))
        .map_err(|_| Error::plain("no usable private key in the PEM text (is it encrypted?)"))?;
    match ecdsa_p521::is_named_in(key.secret_der()) {
        true => Err(Error::plain(
            "the key is on the curve P-521, on which this build can verify but not sign: use P-384",
        )),
        false => Ok(key),
    }
}

/// The TLS 1.2 suites of protocol/api.md §9, by OpenSSL's names.
const SUITES: [(&str, SupportedCipherSuite); 4] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", ECDSA_AES_256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", ECDSA_AES_128),
    ("ECDHE-RSA-AES256-GCM-SHA384", RSA_AES_256),
    ("ECDHE-RSA-AES128-GCM-SHA256", RSA_AES_128),
];

fn provider(ciphers: Option<&str>) -> Result<Arc<CryptoProvider>> {
    let wanted = |name: &str| ciphers.is_none_or(|list| list.split([':', ',']).any(|c| c == name));
    let chosen = SUITES.iter().filter(|(name, _)| wanted(name));
    let chosen: Vec<_> = chosen.map(|(_, suite)| *suite).collect();
    if chosen.is_empty() {
        let known = SUITES.map(|(name, _)| name).join(":");
        let text = format!("no TLS 1.2 suite of {ciphers:?} is known; those known are {known}");
        return Err(Error::plain(text));
    }
    let mut provider = default_provider();
    provider
        .cipher_suites
        .retain(|suite| suite.tls13().is_some());
    provider.cipher_suites.extend(chosen);
    provider.signature_verification_algorithms =
        with_p521(provider.signature_verification_algorithms);
    Ok(Arc::new(provider))
}

/// `known`, and P-521 last: a server with several certificates shows one that ring knows.
fn with_p521(known: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    static ALL: OnceLock<WebPkiSupportedAlgorithms> = OnceLock::new();
    *ALL.get_or_init(|| WebPkiSupportedAlgorithms {
        all: Vec::leak([known.all, ecdsa_p521::ALL].concat()),
        mapping: Vec::leak([known.mapping, ecdsa_p521::IN_TLS].concat()),
    })
}

/// The answering side; asks for no client certificate.
#[derive(Clone)]
pub struct Acceptor(Arc<ServerConfig>);

impl Acceptor {
    /// A server with this certificate chain and key, speaking `min` and later; an error if they are no PEM or do not belong together.
    pub fn new(certificate_pem: &[u8], key_pem: &[u8], min: Version) -> Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider(None)?)
            .with_protocol_versions(spoken(min))
            .map_err(Error::plain)?
            .with_no_client_auth();
        let mut config = shown(certificate_pem, key_pem)
            .and_then(|(chain, key)| builder.with_single_cert(chain, key).map_err(Error::plain))
            .context("using the server certificate")?;
        // One conductor calls a few times an hour: resumption would be memory for nothing.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Acceptor(Arc::new(config)))
    }

    /// Shakes hands with a client over `stream`.
    pub fn accept<S: Read + Write>(&self, mut stream: S) -> Result<ServerStream<S>, Fault> {
        let mut connection =
            ServerConnection::new(self.0.clone()).map_err(|error| refused(&error))?;
        while connection.is_handshaking() {
            connection
                .complete_io(&mut stream)
                .map_err(|error| broken("the caller", &error))?;
        }
        Ok(Secured(StreamOwned::new(connection, stream)))
    }
}

/// Plain bytes over a secured `S`: [`ClientStream`] or [`ServerStream`].
pub struct Secured<C, S: Read + Write>(StreamOwned<C, S>);

/// A connection the agent made.
pub type ClientStream<S> = Secured<ClientConnection, S>;

/// A connection made to the agent.
pub type ServerStream<S> = Secured<ServerConnection, S>;

impl<S: Read + Write> ClientStream<S> {
    /// The server's own certificate, in DER.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.0.conn.peer_certificates()?.first().map(AsRef::as_ref)
    }
}

impl<C, D: SideData, S: Read + Write> Secured<C, S>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    /// What lies below TLS.
    pub fn inner(&self) -> &S {
        &self.0.sock
    }

    /// The same, to be set up; nothing is to be read or written there.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.0.sock
    }

    /// Tells the other side that this was all.
    pub fn close(&mut self) -> io::Result<()> {
        self.0.conn.send_close_notify();
        self.0.flush()
    }
}

impl<C, D: SideData, S: Read + Write> Read for Secured<C, S>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl<C, D: SideData, S: Read + Write> Write for Secured<C, S>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A read or write that failed, in the handshake or later: the TLS reason if there is one.
pub fn broken(peer: &str, error: &io::Error) -> Fault {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(tls) => refused(tls).at(peer),
        None => Fault::io(peer, error),
    }
}

fn refused(error: &rustls::Error) -> Fault {
    let cause = match error {
        InvalidCertificate(ExpiredContext { .. } | NotValidYetContext { .. }) => {
            Cause::CertificateDate
        }
        InvalidCertificate(Other(why)) if why.0.is::<OutOfDate>() => Cause::CertificateDate,
        _ => Cause::Tls,
    };
    Fault::new(cause, explain(error))
}

/// rustls tells them as `DnsName("h")` and `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    match presented.is_empty() {
        true => "no name".to_owned(),
        false => presented.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

fn explain(error: &rustls::Error) -> String {
    match error {
        InvalidCertificate(ExpiredContext { time, not_after }) => format!(
            "the certificate expired on {}; this machine's clock says {}: correct the clock or renew the certificate",
            Day(not_after.as_secs()),
            Day(time.as_secs())
        ),
        InvalidCertificate(NotValidYetContext { time, not_before }) => format!(
            "the certificate is valid only from {}; this machine's clock says {}: correct the clock",
            Day(not_before.as_secs()),
            Day(time.as_secs())
        ),
        InvalidCertificate(UnknownIssuer | BadSignature) => {
            "nobody trusted signed the certificate: name its authority with cafile, or set ipa-insecure=1".into()
        }
        InvalidCertificate(Other(why)) if why.0.is::<OutOfDate>() => why.to_string(),
        InvalidCertificate(NotValidForNameContext { presented, .. }) => format!(
            "the certificate is for {} only: call the server by a name in it",
            names(presented)
        ),
        PeerIncompatible(_) | AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
            format!("no TLS version and cipher in common ({error}): see ipa-tls-min-version")
        }
        AlertReceived(alert) => format!("the other side refused: {alert:?}"),
        InvalidMessage(_) => "the other side does not speak TLS: is it http, not https?".into(),
        other => other.to_string(),
    }
}
