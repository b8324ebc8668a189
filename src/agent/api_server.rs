//! The agent's own port: Ironic's API, or without an Ironic what anybody may see.

use std::net::{IpAddr, TcpListener};

use log::info;

use crate::agent::callback_url_and_certificate::Identity;
use crate::agent::{Agent, VERSION};
use crate::api::{self, Limits, Page, Server, Service};
use crate::command::Engine;
use crate::conductor::lookup::Enrolment;
use crate::error::{Context, Error, Result};
use crate::logger::status::{Row, set};

impl Agent {
    /// For Ironic, under that token.
    pub(super) fn serve(
        &self,
        engine: Engine,
        identity: &Identity,
        enrolment: &Enrolment,
    ) -> Result<Server> {
        let service = Service {
            engine: Some(engine),
            token: enrolment.token.clone(),
            page: self.page(false),
            ..self.service(identity, enrolment)?
        };
        let server = api::serve(self.listener()?, service, self.clock.clone())?;
        info!("serving {}", identity.callback_url);
        set(
            Row::State,
            &format!("waiting for commands on {}", identity.callback_url),
        );
        Ok(server)
    }

    /// The page and the figures alone: there is nobody to take commands from.
    pub(super) fn serve_no_engine(&self, page: Option<Page>) -> Result<Server> {
        let service = Service {
            page,
            ..self.service(&Identity::of_nobody(&self.config), &Enrolment::default())?
        };
        api::serve(self.listener()?, service, self.clock.clone())
    }

    fn service(&self, identity: &Identity, enrolment: &Enrolment) -> Result<Service> {
        Ok(Service {
            engine: None,
            token: None,
            started_at: self.clock.unix(),
            version: VERSION,
            acceptor: identity.acceptor(&self.config, enrolment)?,
            host: self.host.clone(),
            metrics: self.config.metrics,
            page: None,
            limits: Limits::default(),
        })
    }

    fn listener(&self) -> Result<TcpListener> {
        let listen = &self.config.listen;
        let address: IpAddr = listen
            .host
            .parse()
            .map_err(Error::plain)
            .with_context(|| format!("reading ipa-listen-host={}", listen.host))?;
        api::listen(address, listen.port)
            .with_context(|| format!("listening on port {} of '{}'", listen.port, listen.host))
    }
}
