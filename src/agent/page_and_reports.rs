//! Shows and tells how this machine stands: to browsers on the port, also without an Ironic, and to the server that
//! `ironlet.report` names.

use std::net::IpAddr;

use log::{error, info, warn};

use crate::agent::callback_url_and_certificate::Identity;
use crate::agent::{Agent, VERSION, effective_config};
use crate::api::{self, Limits, Page, Server, Service};
use crate::conductor::lookup::Enrolment;
use crate::error::{Context, Error, Result};
use crate::logger::status;
use crate::report;
use crate::report::overview::Watcher;

impl Agent {
    fn watcher(&self) -> Watcher {
        Watcher::new(&self.host, &self.clock, VERSION)
    }

    /// Reports that cannot be sent are no reason not to work.
    pub(super) fn report(&self) {
        let Some(url) = &self.config.report else {
            return;
        };
        let started = effective_config::trust(&self.config, None)
            .and_then(|trust| report::start(url, &trust, self.watcher()));
        if let Err(error) = started {
            error!("ironlet.report: nothing is reported: {error}");
        }
    }

    /// The same, once whoever gets reports knows of it.
    pub(super) fn ended(&self, outcome: Result<()>) -> Result<()> {
        outcome.inspect_err(|error| {
            status::failed(error);
            status::settle(&self.clock);
        })
    }

    /// None if nobody is to see it; `by_default` is what holds where nothing was said.
    pub(super) fn page(&self, by_default: bool) -> Option<Page> {
        let is_wanted = self.config.page.unwrap_or(by_default);
        is_wanted.then(|| Page::new(self.watcher()))
    }

    /// Serves the page, and figures if they are wanted, where there are no commands to serve. A port that is not to be had is
    /// no reason not to work.
    pub(super) fn serve_page(&self) -> Option<Server> {
        let page = self.page(true);
        if page.is_none() && !self.config.metrics {
            return None;
        }
        match self.serve_alone(page) {
            Ok(server) => {
                info!("a browser sees this machine on port {}", server.port());
                Some(server)
            }
            Err(error) => {
                warn!("no page is served: {error}");
                None
            }
        }
    }

    fn serve_alone(&self, page: Option<Page>) -> Result<Server> {
        let listen = &self.config.listen;
        let address: IpAddr = listen
            .host
            .parse()
            .map_err(Error::plain)
            .with_context(|| format!("reading ipa-listen-host={}", listen.host))?;
        let listener = api::listen(address, listen.port)
            .with_context(|| format!("listening on port {} of '{}'", listen.port, listen.host))?;
        let nobody = Enrolment::default();
        let service = Service {
            engine: None,
            token: None,
            started_at: self.clock.unix(),
            version: VERSION,
            acceptor: Identity::of_nobody(&self.config).acceptor(&self.config, &nobody)?,
            host: self.host.clone(),
            metrics: self.config.metrics,
            page,
            limits: Limits::default(),
        };
        api::serve(listener, service, self.clock.clone())
    }
}
