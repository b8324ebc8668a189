//! Inspection: what the machine is made of goes to Ironic before Ironic is asked for the node (protocol/inventory.md §9).

use log::{error, info};

use crate::agent::{effective_config, hardware_wait};
use crate::clock::Clock;
use crate::conductor::inspection::{self, Callback, Unposted};
use crate::config::Config;
use crate::disk::{Wishes, assemble_all};
use crate::error::{Error, Kind, Result};
use crate::inventory::BootFacts;
use crate::inventory::collectors::{self, Collected, Subject};
use crate::logger::status::{Row, set};
use crate::steps::find_boot_medium::boot_medium;
use crate::system_logs;
use crate::system_root::SystemRoot;

/// What the lookup makes of an inspection.
#[derive(Debug, Default)]
pub struct Inspected {
    /// Of the node, if Ironic took all of it.
    pub uuid: Option<String>,
    /// Why it did not.
    pub failure: Option<String>,
}

/// Does what was asked for, if anything was. The error is one that a fresh start may mend.
pub fn inspect(config: &Config, host: &SystemRoot, clock: &Clock) -> Result<Inspected> {
    let asked = &config.inspection;
    if !asked.is_wanted {
        return Ok(Inspected::default());
    }
    info!("inspection: collecting {}", asked.collectors.join(", "));
    set(
        Row::State,
        "inspection: looking at the hardware, then telling Ironic",
    );
    // What others tell needs no disks, no addresses.
    if asked.collectors.iter().any(|name| name == "default") {
        hardware_wait::for_disks(config, host, clock, &wishes(config, host));
        assemble_all(host);
        hardware_wait::for_links(config, host, clock);
        hardware_wait::for_addresses(config, host, clock);
    }
    let urls = inspection::urls(&asked.urls, &config.api.urls);
    match post(config, &urls, collect(config, host, clock), clock) {
        Ok(uuid) => Ok(Inspected {
            uuid,
            failure: None,
        }),
        Err(Unposted::Refused(error)) => {
            error!("{error}");
            Ok(Inspected {
                uuid: None,
                failure: Some(error.details().to_owned()),
            })
        }
        Err(Unposted::GaveUp(error)) => Err(error),
    }
}

/// The disk that is told of is a deploy's without hints, as upstream has it. Nothing is written, so nothing guards it.
fn wishes(config: &Config, host: &SystemRoot) -> Wishes {
    Wishes {
        unguarded: true,
        medium: boot_medium(host, config.medium.as_deref()),
        ..Wishes::default()
    }
}

/// What the collectors that were asked for find now.
pub fn collect(config: &Config, host: &SystemRoot, clock: &Clock) -> Collected {
    let boot = BootFacts {
        bootif: config.boot_interface.clone(),
        lldp: (config.collect_lldp).then_some(config.inspection.lldp_timeout),
        // That is known only after the lookup.
        skips_bmc: false,
    };
    let started = clock.elapsed();
    let collected = collectors::run(&Subject {
        host,
        clock,
        boot: &boot,
        wishes: &wishes(config, host),
        names: &config.inspection.collectors,
        lldp_timeout: config.inspection.lldp_timeout,
        archive: system_logs::archive,
    });
    let took = clock.elapsed().saturating_sub(started);
    info!("inspection: collected in {} ms", took.as_millis());
    collected
}

/// The UUID Ironic answers with. Data with an `error` in it is posted, and is a refusal all the same.
pub fn post(
    config: &Config,
    urls: &[String],
    collected: Collected,
    clock: &Clock,
) -> Result<Option<String>, Unposted> {
    let Collected { data, mut failures } = collected;
    let body = inspection::body(data, &mut failures);
    let http = effective_config::trust(config, None)
        .and_then(|trust| effective_config::http_client(config, trust))
        .map_err(Unposted::GaveUp)?;
    let callback = Callback {
        http: &http,
        urls,
        request_id: config.api.request_id.as_deref(),
    };
    let uuid = inspection::post(&callback, clock, &body)?;
    if let Some(why) = inspection::error_text(&failures) {
        return Err(Unposted::Refused(Error::new(Kind::InspectionError, why)));
    }
    match &uuid {
        Some(uuid) => info!("inspection: Ironic has taken it, this is node {uuid:.100}"),
        None => info!("inspection: taken, without a word of which node this is"),
    }
    Ok(uuid)
}
