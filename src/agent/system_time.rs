//! The system clock, set at the start and before the machine goes: by the time server that a person or a lease names, and where
//! certificates could not be checked otherwise, by the Date of the server that shows one.

use std::time::Duration;

use log::{info, warn};

use crate::agent::effective_config;
use crate::calendar::Day;
use crate::clock::Clock;
use crate::config::{Config, Ntp};
use crate::error::{Context, Error, Result};
use crate::net::address::resolv_conf;
use crate::net::http::client::{Cause, Fault, Method, Request};
use crate::net::http::{date, url};
use crate::net::link::links::must_be_ours;
use crate::net::sntp;
use crate::net::tls::trust_settings::Trust;
use crate::power;
use crate::sys::kernel;
use crate::system_root::SystemRoot;

/// For the answers of one time server: a machine without any is to go on.
const AT_START: Duration = Duration::from_secs(24);
/// Ironic looks for half a minute whether the machine is off by itself.
const BEFORE_POWER_OFF: Duration = Duration::from_secs(6);
/// For the head of one web page.
const WEB_PAGE: Duration = Duration::from_secs(10);

/// Sets the clock if somebody says the time: a dead battery must not stop a deploy. An error only if it must be set, and cannot be.
/// What is at `images` will be asked for, too.
pub fn set_at_start(
    config: &Config,
    images: &[String],
    host: &SystemRoot,
    clock: &Clock,
) -> Result<()> {
    let is_named = config.ntp.server.is_some();
    if is_named && by_named_server(&config.ntp, host, clock, AT_START)? {
        return Ok(());
    }
    if clock.is_set() && !is_out_of_date(config, images) {
        return Ok(());
    }
    let mut leases = resolv_conf::known_time_servers(host).into_iter();
    if !is_named && leases.any(|server| by(&server.to_string(), host, clock, AT_START)) {
        return Ok(());
    }
    let Some(server) = certified_server(config, images) else {
        warn!("the clock is wrong and nobody says the time: name a server with ipa-ntp-server");
        return Ok(());
    };
    by_web_server(config, host, clock, &server).unwrap_or_else(|error| {
        warn!(
            "the clock is wrong and nobody says the time: https will fail unless ipa-ntp-server names a server; nor does its Date help: {error}"
        );
    });
    Ok(())
}

/// Sets the clock once more, for the hardware's sake. An error only if it must be set, and cannot be.
pub fn set_before_power_off(ntp: &Ntp, host: &SystemRoot, clock: &Clock) -> Result<()> {
    by_named_server(ntp, host, clock, BEFORE_POWER_OFF).map(drop)
}

/// True if it is set now; false if there is no such server, or it fails and need not do better.
fn by_named_server(ntp: &Ntp, host: &SystemRoot, clock: &Clock, limit: Duration) -> Result<bool> {
    let Some(server) = &ntp.server else {
        return Ok(false);
    };
    let set = by(server, host, clock, limit);
    if !set && ntp.is_required {
        return Err(Error::plain(format!(
            "the clock is not set by {server}, and fail_if_clock_not_set is true"
        )));
    }
    Ok(set)
}

fn by(server: &str, host: &SystemRoot, clock: &Clock, limit: Duration) -> bool {
    let set = sntp::synchronise(host, clock, server, limit);
    if let Err(error) = &set {
        warn!("the clock stays as it is: {error}");
    } else if let Err(error) = power::believe_system_clock(host, true) {
        warn!("the hardware clock will stay as it is: {error}");
    }
    set.is_ok()
}

/// The first server whose certificate will have to be checked: scheme, name and port.
fn certified_server(config: &Config, images: &[String]) -> Option<String> {
    if config.tls.insecure {
        return None;
    }
    let own = config.standalone.iter().flat_map(|order| &order.images);
    let order = config.order.iter().map(|order| &order.place);
    let callbacks = &config.inspection.urls;
    let standalone = own.chain(order).chain(images);
    let mut urls = callbacks.iter().chain(&config.api.urls).chain(standalone);
    urls.find_map(|url| {
        let url = url::parse(url).filter(|url| url.https)?;
        Some(format!("https://{}/", url::place(&url.reached(), url.port)))
    })
}

/// Does a certificate fail by this clock? Not if nobody is there to show one.
fn is_out_of_date(config: &Config, images: &[String]) -> bool {
    let Some(server) = certified_server(config, images) else {
        return false;
    };
    let heard = effective_config::trust(config, None)
        .map(|trust| head(config, trust, &server).map_err(|fault| fault.cause));
    matches!(heard, Ok(Err(Cause::CertificateDate)))
}

/// Whoever has the key of a certificate that was good once is believed, so far that it can be checked: nothing else goes by this
/// time, and the hardware clock does not get it.
fn by_web_server(config: &Config, host: &SystemRoot, clock: &Clock, server: &str) -> Result<()> {
    must_be_ours(host).context("setting the clock")?;
    let trust = Trust {
        at_its_own_dates: true,
        ..effective_config::trust(config, None)?
    };
    let sent = clock.elapsed();
    let told = head(config, trust, server)?.and_then(|text| date::parse(&text));
    let way = (clock.elapsed() - sent) / 2;
    let time = told
        .filter(|time| *time >= Clock::OLDEST)
        .ok_or_else(|| Error::plain(format!("{server} tells no date that can be right")))?;
    power::believe_system_clock(host, false)?;
    kernel::set_clock(Duration::from_secs(time) + way).context("setting the clock")?;
    info!(
        "the clock is set to {} by the Date of {server}, for checking certificates alone: no time server answers",
        Day(time)
    );
    Ok(())
}

/// The Date of an answer, whatever else it says.
fn head(config: &Config, trust: Trust, server: &str) -> Result<Option<String>, Fault> {
    let request = Request {
        method: Method::Head,
        url: server,
        headers: &[],
        body: None,
        verified: false,
    };
    let client = effective_config::http_client(config, trust)
        .map_err(|error| Fault::new(Cause::Protocol, error))?;
    let answer = client.within(WEB_PAGE).send(&request)?;
    Ok(answer.header("date").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_server_that_fails_stops_nothing_unless_it_must_not_fail() {
        // Nobody sets the clock of a machine that is not ours.
        let (host, clock) = (SystemRoot::new("/nonexistent"), Clock::fake());
        let go = |server: Option<&str>, is_required| {
            let ntp = Ntp {
                server: server.map(str::to_owned),
                is_required,
            };
            set_before_power_off(&ntp, &host, &clock)
        };
        assert!(go(None, true).is_ok(), "no server, as upstream has it");
        assert!(go(Some("192.0.2.1"), false).is_ok());
        let error = go(Some("192.0.2.1"), true).expect_err("it must be set");
        assert!(error.details().contains("fail_if_clock_not_set"), "{error}");
    }
}
