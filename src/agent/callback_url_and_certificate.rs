//! The callback URL told to Ironic and the agent's certificate: both made once, and kept for the agent's whole life.

use crate::agent::effective_config;
use crate::clock::Clock;
use crate::conductor::callback_address;
use crate::conductor::callback_address::{Routes, Wish};
use crate::conductor::lookup::Enrolment;
use crate::conductor::{Client, heartbeat};
use crate::config::Config;
use crate::error::{Context, Error, Result};
use crate::net::address::configure;
use crate::net::tls::certificate;
use crate::net::tls::certificate::{Curve, Own};
use crate::net::tls::connection::Acceptor;
use crate::net::tls::trust_settings::Trust;
use crate::secret::Secret;
use crate::system_root::{SystemRoot, attribute};

/// The callback URL and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub callback_url: String,
    /// Certificate and key as PEM; none where plain HTTP is spoken.
    pub tls: Option<(String, Secret)>,
}

impl Identity {
    /// The address Ironic is told to call back, and a certificate for it where Ironic can verify one.
    pub fn make(
        config: &Config,
        client: &Client,
        host: &SystemRoot,
        clock: &Clock,
    ) -> Result<Self> {
        let advertise = &config.advertise;
        let wish = Wish {
            host: advertise.host.as_deref(),
            interface: advertise.interface.as_deref(),
            attempts: advertise.attempts,
            pause: advertise.pause,
        };
        let routes = Routes {
            source: &|to| Ok(configure::source_address(to)?),
            interface: &|name| Ok(configure::of_interface(name)?),
        };
        // Only tells whether somebody answers; what is said there is not believed.
        let anybody = effective_config::http_client(
            config,
            Trust {
                insecure: true,
                ..Trust::default()
            },
        )?;
        let address = callback_address::address(&wish, &routes, &client.urls(), &anybody, clock)?;
        let url = |scheme| heartbeat::callback_url(scheme, &address, advertise.port);
        if !config.tls.automatic || !client.auto_tls() {
            return Ok(Identity {
                callback_url: url(&advertise.protocol),
                tls: None,
            });
        }
        let ip = address
            .parse()
            .map_err(Error::plain)
            .with_context(|| format!("making a certificate for '{address}'"))?;
        let curve = Curve::parse(&config.tls.curve).unwrap_or_default();
        let name =
            attribute(host.proc("sys/kernel/hostname")).unwrap_or_else(|| "ironlet".to_owned());
        let Own { certificate, key } = certificate::generate(ip, &name, curve)?;
        Ok(Identity {
            callback_url: url("https"),
            tls: Some((certificate, key)),
        })
    }

    /// Of an agent that nobody is told of.
    pub fn of_nobody(config: &Config) -> Self {
        let listen = &config.listen;
        Identity {
            callback_url: heartbeat::callback_url(
                &config.advertise.protocol,
                &listen.host,
                listen.port,
            ),
            tls: None,
        }
    }

    /// Speaks TLS on the port; none where plain HTTP is spoken.
    pub fn acceptor(&self, config: &Config, enrolment: &Enrolment) -> Result<Option<Acceptor>> {
        let min = effective_config::tls_minimum(config, Some(enrolment))?;
        if let Some((certificate, key)) = &config.tls.fixed {
            let (certificate, key) = (
                effective_config::read(certificate)?,
                effective_config::read(key)?,
            );
            return Acceptor::new(&certificate, &key, min).map(Some);
        }
        let own = self.tls.as_ref();
        own.map(|(certificate, key)| {
            Acceptor::new(certificate.as_bytes(), key.expose().as_bytes(), min)
        })
        .transpose()
    }
}
