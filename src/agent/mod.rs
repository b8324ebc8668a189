//! Runs the agent from start to end: parameters, enrolment, API, heartbeats, lock-down. Each step's work is in the
//! rooms below.

mod actions_for_commands;
mod api_server;
mod callback_url_and_certificate;
pub mod doctor;
mod effective_config;
mod end;
mod hardware_wait;
mod inspection;
mod log_forwarding;
mod mdns_endpoints;
mod order_desk;
mod order_progress;
mod page_and_reports;
pub mod plan_by_hand;
pub mod post_inspection_by_hand;
pub mod run_step_by_hand;
mod saved_identity;
mod screen_status;
mod standalone_deploy;
mod standalone_machine;
mod system_time;
mod without_ironic;
pub mod write_image_by_hand;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use log::{error, info, warn};

use crate::agent::actions_for_commands::Powers;
use crate::agent::callback_url_and_certificate::Identity;
use crate::agent::end::End;
use crate::agent::inspection::Inspected;
use crate::agent::saved_identity::SavedIdentity;
use crate::api::Server;
use crate::clock::{Bell, Clock};
use crate::command::{Engine, Entry};
use crate::conductor::Client;
use crate::conductor::heartbeat::Heartbeat;
use crate::conductor::lookup::{Enrolment, Search, Unfound, lookup};
use crate::config::{Config, parameter_file};
use crate::disk::assemble_all;
use crate::disk::select::seen_disks::Seen;
use crate::disk::select::write_permit::Permit;
use crate::error::{Context, Error, Result};
use crate::logger::status::{Row, set};
use crate::net::address::configure;
use crate::secret::redacted;
use crate::steps::step_context::Machine;
use crate::system_root::SystemRoot;
use crate::{inventory, logger, rescue};

/// What heartbeats and `GET /v1/status` say the agent is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long the console stays silent about a missing address.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the agent finds itself: the machine, or what a person named instead.
#[derive(Clone)]
pub struct Surroundings {
    /// What stands for `/`.
    pub root: PathBuf,
    /// Instead of the kernel command line.
    pub command_line: Option<String>,
    /// Disks that may be written outside a ramdisk, from `--allow-disk`.
    pub allowed_disks: Vec<PathBuf>,
}

impl Surroundings {
    /// The files of this machine.
    pub fn host(&self) -> SystemRoot {
        SystemRoot::new(&self.root)
    }

    /// Which disks may be written here.
    pub fn permit(&self) -> Permit {
        Permit::new(&self.host(), self.allowed_disks.clone())
    }

    /// For a command: the parameters, read and logged as the agent does it.
    fn started(&self) -> Result<Config> {
        let config = self.config();
        let debug = config.as_ref().is_ok_and(|config| config.debug);
        logger::start(&self.host(), debug);
        let config = config.context("reading the parameters")?;
        let files = effective_config::check_tls_files(&config)?;
        for note in config.notes.iter().chain(&files) {
            warn!("{note}");
        }
        if config.tls.insecure {
            warn!("ipa-insecure=1: certificates of servers are not verified");
        }
        Ok(config)
    }

    fn config(&self) -> Result<Config> {
        Config::read(&self.host(), &self.parameters()?)
    }

    fn parameters(&self) -> Result<String> {
        match &self.command_line {
            Some(text) => Ok(text.clone()),
            None => parameter_file::command_line(&self.host()),
        }
    }
}

/// What all parts of the agent share.
struct Agent {
    config: Config,
    host: SystemRoot,
    clock: Clock,
    permit: Permit,
    /// Rung for a heartbeat out of turn.
    bell: Bell,
}

/// Returns only to be restarted (an error) or never to run again (locked down).
pub fn run(surroundings: Surroundings) -> Result<()> {
    let host = surroundings.host();
    if rescue::is_marked(&host) {
        // An agent that died after its last command: what comes now is process 1's.
        return Ok(());
    }
    let config = surroundings.started()?;
    let permit = surroundings.permit();
    let mut agent = Agent {
        config,
        host,
        clock: Clock::real(),
        permit,
        bell: Bell::default(),
    };
    log_forwarding::start(&agent.config, &agent.host, &agent.clock);
    screen_status::start(&agent.host, &agent.clock);
    doctor::by_itself::start(&agent, &surroundings);
    set(Row::State, "waiting for an address");
    agent.clock.sleep(agent.config.hardware_delay);
    let disks = Seen::now(&agent.host, &agent.clock);
    agent.wait_for_network();
    agent.report();
    // Steps look again: disks may come late.
    assemble_all(&agent.host);
    mdns_endpoints::find(&mut agent.config, &agent.clock)?;
    system_time::set_at_start(&agent.config, &[], &agent.host, &agent.clock)?;
    if agent.config.order.is_some() || agent.config.standalone.is_some() {
        return agent.ended(standalone_deploy::run(&agent, disks));
    }
    if agent.config.api.urls.is_empty() && !agent.config.inspection.is_wanted {
        let why = "nothing to do: neither the kernel command line nor an ironlet.conf on the boot medium sets ipa-api-url, ipa-inspection-callback-url, ironlet.order or ironlet.image";
        return Err(Error::plain(why));
    }
    agent.serve_ironic()
}

impl Agent {
    fn serve_ironic(&self) -> Result<()> {
        let mut session = SavedIdentity::take_over(&self.config, &self.host);
        let inspected = match session.identity {
            // Ironic knows this machine; only the process is new.
            Some(_) if !session.is_refused => Inspected::default(),
            _ => inspection::inspect(&self.config, &self.host, &self.clock)?,
        };
        let token = session.token.take().or_else(|| self.config.token.clone());
        let macs = inventory::macs(&inventory::interfaces(&self.host));
        let client = Arc::new(effective_config::ironic(&self.config)?);
        if self.config.api.urls.is_empty() {
            return self.serve_nobody(&client, macs);
        }
        set(
            Row::State,
            &format!(
                "asking {} which node this is",
                redacted(&self.config.api.urls.join(", "))
            ),
        );
        let search = Search {
            addresses: &macs,
            uuid: inspected.uuid.as_deref(),
            token: token.as_ref(),
            timeout: self.config.api.lookup_timeout,
            interval: self.config.api.lookup_interval,
            uninspected: inspected.failure.as_deref(),
            waits_for_token: self.config.no_bmc,
        };
        let enrolment = match lookup(&client, &self.clock, &search) {
            Ok(enrolment) => enrolment,
            Err(Unfound::GaveUp(error)) => return Err(error),
            Err(Unfound::TokenTaken(error)) => {
                error!("locking down: {error}");
                set(Row::State, &format!("locked down: {error}"));
                return End::LockDown.leave(&self.host);
            }
        };
        doctor::signs_of_life::works();
        set(Row::Node, &actions_for_commands::name(&enrolment));
        // At once: Ironic tells the token once, and what comes next may fail and be tried by a new process.
        session.enrolled(token.as_ref(), enrolment.token.clone(), &self.host);
        self.keep(&session);

        let identity = match session.identity.take() {
            Some(identity) => identity,
            None => Identity::make(&self.config, &client, &self.host, &self.clock)?,
        };
        let (over, end) = channel();
        let engine = self.engine(&client, &enrolment, macs, over.clone())?;
        let server = self.serve(engine.clone(), &identity, &enrolment)?;
        let heartbeat = self.heartbeat(&identity, &enrolment);
        session.identity = Some(identity);
        self.keep(&session);
        // Where somebody can switch the machine off and on, that is what Ironic does with an agent it has forgotten. A command that
        // runs is not left alone.
        let forgotten = || {
            if self.config.no_bmc && !engine.list().last().is_some_and(Entry::is_running) {
                // Nobody listening means that the agent is ending anyway.
                let _ = over.send(End::Forgotten);
            }
        };
        self.beat_until(end, &heartbeat, &client, server, &forgotten)
    }

    /// No Ironic was named but for the inspection: this machine has nothing more to do, and is not to start all over either.
    fn serve_nobody(&self, client: &Arc<Client>, macs: Vec<String>) -> Result<()> {
        doctor::signs_of_life::works();
        let nobody = Enrolment {
            token: self.config.token.clone(),
            ..Enrolment::default()
        };
        let (over, end) = channel();
        let engine = self.engine(client, &nobody, macs, over)?;
        let server = self.serve(engine, &Identity::of_nobody(&self.config), &nobody)?;
        info!("inspection is all this machine was started for: waiting to be switched off");
        // Only a client with the token of the command line could end it.
        let end = end.recv().unwrap_or(End::LockDown);
        server.stop();
        end.leave(&self.host)
    }

    fn keep(&self, session: &SavedIdentity) {
        if let Err(error) = session.keep(&self.host) {
            warn!("a restarted agent will be a stranger to Ironic: {error}");
        }
    }

    /// The commands; one that ends them says so to `end`.
    fn engine(
        &self,
        client: &Arc<Client>,
        enrolment: &Enrolment,
        macs: Vec<String>,
        end: Sender<End>,
    ) -> Result<Engine> {
        let powers = Powers {
            host: self.host.clone(),
            clock: self.clock.clone(),
            client: Arc::clone(client),
            uuid: enrolment.uuid.clone(),
            macs,
            token: enrolment.token.clone(),
            ntp: self.config.ntp.clone(),
            end: Mutex::new(end),
            no_bmc: self.config.no_bmc,
        };
        let machine = Machine::new(
            self.host.clone(),
            self.clock.clone(),
            self.bell.clone(),
            effective_config::tools(
                &self.config,
                Some(enrolment),
                self.permit.clone(),
                &self.clock,
            )?,
            Box::new(powers),
            effective_config::settings(&self.config, enrolment),
        );
        screen_status::follow(&self.host, machine.gauge().clone(), &self.clock);
        machine.set_node(actions_for_commands::node(enrolment));
        Ok(Engine::new(Arc::new(machine)))
    }

    fn heartbeat(&self, identity: &Identity, enrolment: &Enrolment) -> Heartbeat {
        Heartbeat {
            uuid: enrolment.uuid.clone(),
            callback_url: identity.callback_url.clone(),
            token: enrolment.token.clone(),
            agent_version: VERSION.to_owned(),
            certificate: identity
                .tls
                .as_ref()
                .map(|(certificate, _)| certificate.clone()),
            timeout: enrolment.heartbeat_timeout,
        }
    }

    /// Tells Ironic that the agent is here until a command ends that; then takes all of it away.
    fn beat_until(
        &self,
        end: Receiver<End>,
        heartbeat: &Heartbeat,
        client: &Client,
        server: Server,
        forgotten: &(dyn Fn() + Sync),
    ) -> Result<()> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| -> Result<()> {
            let beat = || heartbeat.run(client, &self.clock, &self.bell, &stop, forgotten);
            thread::Builder::new()
                .name("heartbeat".into())
                .spawn_scoped(scope, beat)
                .context("starting the heartbeat")?;
            // An error would mean that the engine is gone, and it lives as long as the server.
            let end = end.recv().unwrap_or(End::LockDown);
            end.say(&self.clock);
            server.stop();
            stop.store(true, Ordering::SeqCst);
            self.bell.ring();
            // A heartbeat under way ends by itself, and may take its time.
            end.leave(&self.host)
        })
    }

    /// pid 1 brings the network up; without any there is nobody to talk to.
    fn wait_for_network(&self) {
        if !self.host.is_ramdisk() {
            return;
        }
        loop {
            match configure::wait_for_address(&self.clock, NETWORK_TIMEOUT) {
                Ok(true) => return,
                Ok(false) => {
                    warn!("no network interface has an address yet; init says above what it tried");
                }
                // It did not wait: without a pause this would be a flood of lines.
                Err(error) => {
                    warn!("{error}");
                    self.clock.sleep(NETWORK_TIMEOUT / 10);
                }
            }
        }
    }
}
