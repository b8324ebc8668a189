//! Shows and tells how this machine stands: to browsers on the port, also without an Ironic, and to the server that
//! `ironlet.report` names.

use log::{error, info, warn};

use crate::agent::{Agent, VERSION, effective_config};
use crate::api::{Page, Server};
use crate::error::Result;
use crate::logger::status;
use crate::net::http::url;
use crate::order::Names;
use crate::order::location::Template;
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
        let start = || {
            let trust = effective_config::trust(&self.config, None)?;
            // A path, where an order may be, is no place for a report, which says so.
            if !url::is_http(url) {
                return report::start(url, &trust, self.watcher());
            }
            let place = Template::parse("ironlet.report", url)?;
            let names = Names::read(&self.host, self.config.boot_interface.as_deref());
            report::start(&place.own_place(&names), &trust, self.watcher())
        };
        if let Err(error) = start() {
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
        match self.serve_no_engine(page) {
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
}
