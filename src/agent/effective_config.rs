//! Parameters and what the lookup reply changed about them, as the plain values that clients, images and commands take.

use std::path::Path;

use crate::clock::Clock;
use crate::conductor::lookup::Enrolment;
use crate::conductor::{ApiVersion, Client};
use crate::config::Config;
use crate::disk::select::write_permit::Permit;
use crate::error::{Context, Error, Kind, Result};
use crate::image::Tools;
use crate::image::download::retry_policy::RetryPolicy;
use crate::inventory::BootFacts;
use crate::net::http::client;
use crate::net::http::client::Timeouts;
use crate::net::tls::connection::{Acceptor, Connector};
use crate::net::tls::trust_settings::{Identity, Trust, Version};
use crate::steps::step_context::{Login, Settings};
use crate::work_progress::WorkProgress;

/// Whom to believe: the parameters, tightened by the lookup reply once there is one.
pub fn trust(config: &Config, enrolment: Option<&Enrolment>) -> Result<Trust> {
    let tls = &config.tls;
    let identity = match &tls.identity {
        Some((certificate, key)) => Some(Identity {
            certificate: read(certificate)?,
            key: read(key)?,
        }),
        None => None,
    };
    Ok(Trust {
        ca_pem: Vec::new(),
        ca_files: tls.cafile.iter().cloned().collect(),
        insecure: tls.insecure,
        at_its_own_dates: false,
        identity,
        min: tls_minimum(config, enrolment)?,
        ciphers: enrolment
            .and_then(|enrolment| enrolment.tls_ciphers.clone())
            .or(tls.ciphers.clone()),
    })
}

/// Before anything is tried: an error if a file that parameters name for TLS cannot be used; where nobody is asked by TLS yet, what is to
/// be said of it.
pub fn check_tls_files(config: &Config) -> Result<Option<String>> {
    if let Some((certificate, key)) = &config.tls.fixed {
        let made = Acceptor::new(&read(certificate)?, &read(key)?, Version::default());
        made.context("tls_cert_file and tls_key_file")?;
    }
    if config.tls.cafile.is_none() && config.tls.identity.is_none() {
        return Ok(None);
    }
    let checked = trust(config, None).and_then(|trust| Connector::new(trust).check());
    let Err(error) = checked else {
        return Ok(None);
    };
    let named = config.tls.cafile.iter().map(|file| ("cafile", file));
    let own = config.tls.identity.iter();
    let own = own.flat_map(|(shown, key)| [("certfile", shown), ("keyfile", key)]);
    let named = named.chain(own);
    let named: Vec<_> = named
        .map(|(name, file)| format!("{name} = {}", file.display()))
        .collect();
    let why = format!(
        "{}: {}; a file of your own gets into the ramdisk in an archive behind the initramfs (README: Files of your own)",
        named.join(", "),
        error.details()
    );
    match is_tls_wanted(config) {
        true => Err(Error::plain(why)),
        false => Ok(Some(why)),
    }
}

/// Is anybody named who is to be asked by TLS?
fn is_tls_wanted(config: &Config) -> bool {
    let alone = config.standalone.iter();
    let images = alone.flat_map(|alone| alone.images.iter().chain(&alone.checksum));
    let order = config.order.iter().map(|order| &order.place);
    let mut urls = (config.api.urls.iter())
        .chain(&config.inspection.urls)
        .chain(images)
        .chain(order)
        .chain(&config.report)
        .chain(&config.syslog);
    urls.any(|url| url.contains("https://") || url.starts_with("tls://"))
}

/// The oldest TLS spoken, on calls and on the port.
pub fn tls_minimum(config: &Config, enrolment: Option<&Enrolment>) -> Result<Version> {
    let own = Version::parse(&config.tls.min_version).ok_or_else(|| {
        let why = format!(
            "ipa-tls-min-version is 1.2 or 1.3, not '{}'",
            config.tls.min_version
        );
        Error::new(Kind::RESTError, why)
    })?;
    Ok(enrolment
        .and_then(|enrolment| enrolment.tls_min)
        .unwrap_or(own))
}

/// A client for Ironic's own API.
pub fn ironic(config: &Config) -> Result<Client> {
    let api = &config.api;
    let http = http_client(config, trust(config, None)?)?;
    let version = api.version.map(|(major, minor)| ApiVersion(major, minor));
    Ok(Client::new(
        http,
        &api.urls,
        api.request_id.clone(),
        version,
    ))
}

pub fn http_client(config: &Config, trust: Trust) -> Result<client::Client> {
    let timeouts = Timeouts {
        connect: config.api.timeout,
        read: config.api.timeout,
    };
    client::Client::new(&trust, &Default::default(), timeouts)
}

/// What images are fetched and written with.
pub fn tools(
    config: &Config,
    enrolment: Option<&Enrolment>,
    permit: Permit,
    clock: &Clock,
) -> Result<Tools> {
    let image = &config.image;
    Ok(Tools {
        trust: trust(config, enrolment)?,
        timeouts: Timeouts {
            connect: image.timeout,
            read: image.timeout,
        },
        patience: RetryPolicy {
            retries: image.retries,
            interval: image.retry_interval,
            limit: image.max_duration,
        },
        permit,
        readback: image.readback,
        rate: image.rate,
        clock: clock.clone(),
        gauge: WorkProgress::new(clock.clone()),
    })
}

/// What image servers are shown unless an image says that.
pub fn login(config: &Config) -> Option<Login> {
    let login = config.image.login.as_ref();
    login.map(|(user, password)| Login {
        user: Some(user.clone()),
        password: Some(password.clone()),
    })
}

/// What commands go by.
pub fn settings(config: &Config, enrolment: &Enrolment) -> Settings {
    let image = &config.image;
    Settings {
        formats: match enrolment.any_format.unwrap_or(image.any_format) {
            true => Settings::default().formats,
            false => enrolment
                .permitted_formats
                .clone()
                .unwrap_or_else(|| image.permitted_formats.clone()),
        },
        image_keys: image.keys.clone(),
        image_signature: image.signature.clone(),
        unpack: image.unpack,
        rebuild_drive: image.rebuild_drive,
        md5: enrolment.md5_allowed.unwrap_or(config.image.md5_allowed),
        login: login(config),
        ignore_bootloader_failure: config.ignore_bootloader_failure,
        bios_bootloader: config.bios_bootloader || enrolment.bios_bootloader,
        guard: config.guard,
        discard: config.discard,
        efi_mib: Some(image.efi_mib),
        bios_boot_mib: Some(image.bios_boot_mib),
        partition_attempts: image.partition_attempts,
        inject_files_priority: config.inject_files_priority,
        medium: config.medium.clone(),
        own_disks_first: false,
        seen_disks: None,
        boot: BootFacts {
            bootif: config.boot_interface.clone(),
            skips_bmc: enrolment.skips_bmc,
            lldp: (config.collect_lldp).then_some(config.inspection.lldp_timeout),
        },
        disk_wait: (config.disk_wait.attempts, config.disk_wait.delay),
    }
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}
