//! The agent proper, as a contents page: parameters → enrol → serve → heartbeat → lock down.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use log::{error, info, warn};

use crate::api::{self, Limits, Service};
use crate::clock::{Bell, Clock};
use crate::command::Engine;
use crate::conductor::heartbeat::{Heartbeat, callback_url};
use crate::conductor::lookup::{Enrolment, Search, Unfound, lookup};
use crate::conductor::{ApiVersion, Client, advertise};
use crate::config::Config;
use crate::disk::guard::Permit;
use crate::error::{Context, Error, Kind, Result};
use crate::host::Host;
use crate::image::Tools;
use crate::net::certificate::{self, Curve, Own};
use crate::net::tls::{Acceptor, Trust, Version};
use crate::net::{addresses, http, links};
use crate::powers::Powers;
use crate::session::{Identity, Session};
use crate::steps::machine::{Login, Machine, Settings};
use crate::{inventory, logger, standalone};

/// What heartbeats and `GET /v1/status` say the agent is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the agent finds itself: the machine, or what a person named instead.
pub struct Surroundings {
    /// What stands for `/`.
    pub root: PathBuf,
    /// Instead of the kernel command line.
    pub command_line: Option<String>,
    pub allowed_disks: Vec<PathBuf>,
}

impl Surroundings {
    pub fn host(&self) -> Host {
        Host::new(&self.root)
    }

    pub fn permit(&self) -> Permit {
        Permit::new(&self.host(), self.allowed_disks.clone())
    }

    fn config(&self) -> Result<Config> {
        let command_line = match &self.command_line {
            Some(text) => text.clone(),
            None => self.host().command_line()?,
        };
        Config::read(&self.host(), &command_line)
    }
}

/// Returns only to be restarted (an error) or never to run again (locked down).
pub fn run(surroundings: Surroundings) -> Result<()> {
    let (host, clock) = (surroundings.host(), Clock::real());
    let config = surroundings.config();
    logger::start(&host, config.as_ref().is_ok_and(|config| config.debug));
    let config = config.context("reading the parameters")?;
    if config.tls.insecure {
        warn!("ipa-insecure=1: certificates of servers are not verified");
    }
    wait_for_network(&host, &clock);
    if let Some(order) = &config.standalone {
        return standalone::run(&host, &clock, order, &tools(&config, &surroundings, &clock, None)?);
    }
    if config.api.urls.is_empty() {
        return Err(Error::plain("no Ironic to call: the kernel command line has neither ipa-api-url nor ironlet.image"));
    }

    let mut session = Session::restore(&host).unwrap_or_else(|error| {
        warn!("starting afresh: {error}");
        Session::default()
    });
    if session.token.is_none() {
        session.token = config.token.clone();
    }
    let macs = inventory::macs(&inventory::interfaces(&host));
    let client = Arc::new(ironic(&config)?);
    let search = Search {
        addresses: &macs,
        uuid: None,
        token: session.token.as_ref(),
        timeout: config.api.lookup_timeout,
        interval: config.api.lookup_interval,
    };
    let enrolment = match lookup(&client, &clock, &search) {
        Ok(enrolment) => enrolment,
        Err(Unfound::GaveUp(error)) => return Err(error),
        Err(Unfound::TokenTaken(error)) => {
            error!("locking down: {error}");
            return links::all_down(&host);
        }
    };
    info!("this is node {}", enrolment.uuid);
    session.token = enrolment.token.clone();

    let (lock_down, locked_down) = channel();
    let bell = Bell::default();
    let powers = Powers {
        host: host.clone(),
        clock: clock.clone(),
        client: Arc::clone(&client),
        uuid: enrolment.uuid.clone(),
        macs,
        token: enrolment.token.clone(),
        lock_down: Mutex::new(lock_down),
    };
    let tools = tools(&config, &surroundings, &clock, Some(&enrolment))?;
    let settings = settings(&config, &enrolment);
    let machine = Machine::new(host.clone(), clock.clone(), bell.clone(), tools, Box::new(powers), settings);
    machine.set_node(Powers::node(&enrolment));
    let engine = Engine::new(Arc::new(machine));

    let identity = match session.identity.take() {
        Some(identity) => identity,
        None => new_identity(&config, &host, &client, &clock)?,
    };
    let listen = &config.listen;
    let listener = api::listen(listen_address(&listen.host)?, listen.port)
        .with_context(|| format!("listening on {}:{}", listen.host, listen.port))?;
    let service = Service {
        engine: engine.clone(),
        token: enrolment.token.clone(),
        started_at: clock.unix(),
        version: VERSION,
        acceptor: acceptor(&config, &identity, &enrolment)?,
        host: host.clone(),
        limits: Limits::default(),
    };
    let mut server = api::serve(listener, service, clock.clone())?;
    info!("serving {}", identity.callback_url);
    let heartbeat = Heartbeat {
        uuid: enrolment.uuid,
        callback_url: identity.callback_url.clone(),
        token: enrolment.token,
        agent_version: VERSION.to_owned(),
        certificate: identity.tls.as_ref().map(|(certificate, _)| certificate.clone()),
        timeout: enrolment.heartbeat_timeout,
    };
    session.identity = Some(identity);
    session.keep(&host).unwrap_or_else(|error| warn!("a restarted agent will be a stranger: {error}"));

    let stop = Arc::new(AtomicBool::new(false));
    let beating = {
        let (clock, bell, stop) = (clock.clone(), bell.clone(), Arc::clone(&stop));
        let beat = move || heartbeat.run(&client, &clock, &bell, &stop);
        thread::Builder::new().name("heartbeat".into()).spawn(beat).context("starting the heartbeat")?
    };
    // Serves until a command says to lock down; the sender lives as long as the engine.
    let _ = locked_down.recv();
    warn!("locking down: no more commands, no network");
    server.stop();
    stop.store(true, Ordering::SeqCst);
    bell.ring();
    beating.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    links::all_down(&host)
}
