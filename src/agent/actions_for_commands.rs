//! The agent's actions that commands may ask for: look the node up again, flush, power off, restart, lock down, leave it to a tenant.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use log::error;

use crate::agent::end::End;
use crate::agent::system_time;
use crate::clock::Clock;
use crate::codec::json::Value;
use crate::conductor::Client;
use crate::conductor::lookup::{Enrolment, Search, Unfound, lookup};
use crate::config::Ntp;
use crate::drivers::modules;
use crate::error::Result;
use crate::logger::status::{self, Row, set};
use crate::power;
use crate::power::How;
use crate::secret::Secret;
use crate::steps::node::Node;
use crate::steps::step_context::Agent;
use crate::system_root::SystemRoot;

pub struct Powers {
    pub host: SystemRoot,
    pub clock: Clock,
    pub client: Arc<Client>,
    pub uuid: String,
    pub macs: Vec<String>,
    pub token: Option<Secret>,
    pub ntp: Ntp,
    pub end: Mutex<Sender<End>>,
    /// Nobody can switch this machine on again.
    pub no_bmc: bool,
}

/// A second lookup is a courtesy: the first one said enough to go on.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The node of a lookup reply, as steps see it.
pub fn node(enrolment: &Enrolment) -> Node {
    match &enrolment.node {
        Value::Object(node) => Node::new(node),
        _ => Node::default(),
    }
}

/// The node as people know it: its UUID, and its name if it has one.
pub fn name(enrolment: &Enrolment) -> String {
    let name = match &enrolment.node {
        Value::Object(node) => node.get("name"),
        _ => None,
    };
    match name {
        Some(Value::String(name)) => format!("{} ({name})", enrolment.uuid),
        _ => enrolment.uuid.clone(),
    }
}

impl Powers {
    fn end(&self, why: End) {
        let sender = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listening means that the agent is ending anyway.
        let _ = sender.send(why);
    }

    fn go(&self, how: How) -> Result<()> {
        set(Row::State, power::going(how));
        status::end(&self.clock);
        system_time::set_before_power_off(&self.ntp, &self.host, &self.clock)?;
        power::power(&self.host, &self.clock, how)
    }
}

impl Agent for Powers {
    fn look_up(&self) -> Result<Node> {
        let search = Search {
            addresses: &self.macs,
            uuid: Some(&self.uuid),
            token: self.token.as_ref(),
            timeout: LOOKUP_TIMEOUT,
            interval: Duration::from_secs(1),
            uninspected: None,
            waits_for_token: false,
        };
        match lookup(&self.client, &self.clock, &search) {
            Ok(enrolment) => Ok(node(&enrolment)),
            Err(Unfound::GaveUp(error) | Unfound::TokenTaken(error)) => Err(error),
        }
    }

    fn flush(&self) -> Result<()> {
        power::flush_disks(&self.host);
        Ok(())
    }

    fn power_off(&self) -> Result<()> {
        self.go(match self.no_bmc {
            true => How::Reboot,
            false => How::Off,
        })
    }

    fn reboot(&self) -> Result<()> {
        self.go(How::Reboot)
    }

    fn load_module(&self, name: &str) {
        if self.host.is_ramdisk() {
            modules::load_named(&self.host, name);
        }
    }

    fn lock_down(&self) {
        // Locked down a machine waits for whoever resets it.
        match self.no_bmc.then(|| self.go(How::Reboot)) {
            Some(Err(error)) => error!("{error}"),
            _ => self.end(End::LockDown),
        }
    }

    fn hand_over(&self) {
        self.end(End::Rescue);
    }
}
