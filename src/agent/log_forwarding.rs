//! Has the log sent to a syslog server, if `ironlet.syslog` names one.

use log::error;

use crate::agent::effective_config;
use crate::clock::Clock;
use crate::config::Config;
use crate::syslog;
use crate::syslog::Destination;
use crate::system_root::SystemRoot;

/// A log that cannot be sent is no reason not to work.
pub fn start(config: &Config, host: &SystemRoot, clock: &Clock) {
    let Some(to) = &config.syslog else {
        return;
    };
    let started = Destination::parse(to).and_then(|to| {
        let trust = effective_config::trust(config, None)?;
        syslog::start(host, clock, to, trust)
    });
    if let Err(error) = started {
        error!("the log is not sent: {error}");
    }
}
