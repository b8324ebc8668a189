//! Deploys without Ironic: the image named on the kernel command line is written and booted, again and again until it
//! works.

use std::path::{Path, PathBuf};
use std::time::Duration;

use log::{error, warn};

use crate::agent::Surroundings;
use crate::clock::Clock;
use crate::config::Standalone;
use crate::disk;
use crate::disk::Wishes;
use crate::disk::raid::apart;
use crate::disk::select::boot_medium::{BootMedium, is_external};
use crate::error::{Context, Error, Kind, Result};
use crate::image;
use crate::image::decode::format::Format;
use crate::image::download::retry_policy::RetryPolicy;
use crate::image::verify::checksum::Checksum;
use crate::image::{Layout, Request, Tools};
use crate::logger;
use crate::logger::status::{Row, set};
use crate::net::http::client::Timeouts;
use crate::net::http::url;
use crate::power::{How, going, power};
use crate::secret::redacted;
use crate::steps::find_boot_medium::{boot_medium, is_unknown};
use crate::system_root::SystemRoot;
use crate::work_progress::WorkProgress;

/// Between two attempts: a server that was off for a minute should not cost an hour.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);
/// Slow controllers show their disks some seconds late.
const LOOKS: u32 = 10;
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// One image, named by a person.
pub struct Image {
    /// The same image at several places.
    pub urls: Vec<String>,
    /// `algorithm:digest`, a bare digest or the URL of a checksum file.
    pub checksum: String,
    /// The disk to write; none lets the agent choose.
    pub disk: Option<PathBuf>,
}

impl Image {
    fn request(&self) -> Result<Request> {
        if let Some(url) = self.urls.iter().find(|url| !url::is_http(url)) {
            return Err(wrong(format!(
                "'{}' is no image: an http:// or https:// URL is needed",
                redacted(url)
            )));
        }
        // A name for messages, and all that declares a format here.
        let id = self.urls.first().map_or(String::new(), |url| redacted(url));
        Ok(Request {
            urls: self.urls.clone(),
            checksum: Checksum::parse(&self.checksum)?,
            format: Format::of_file(&id)?,
            authorization: None,
            proxies: Default::default(),
            layout: Layout::Bytes,
            drive: None,
            id,
        })
    }
}

/// Writes one image to the disk a person named, and ends: the image path alone.
pub fn write(surroundings: Surroundings, image: Image, readback: bool) -> Result<()> {
    logger::start(&surroundings.host(), false);
    let Some(disk) = &image.disk else {
        return Err(Error::new(
            Kind::DeviceNotFound,
            "no disk named: --disk PATH says which",
        ));
    };
    let tools = tools(&surroundings, readback);
    if let Some(array) = apart::member_on(disk).kind(Kind::BlockDeviceError)? {
        let disk = disk.display();
        let why = format!(
            "refusing to write {disk}: it holds a member of an array that is not put together: {array}. If nobody needs that, \
             `ironlet --step erase_devices_metadata` or `wipefs -a` removes it"
        );
        return Err(Error::new(Kind::BlockDeviceError, why));
    }
    image::deploy(&image.request()?, disk, &tools).map(drop)
}

/// What a person's own orders are done with.
pub(super) fn tools(surroundings: &Surroundings, readback: bool) -> Tools {
    let clock = Clock::real();
    Tools {
        trust: Default::default(),
        timeouts: Timeouts {
            connect: Duration::from_secs(60),
            read: Duration::from_secs(60),
        },
        patience: RetryPolicy {
            retries: 2,
            interval: Duration::from_secs(10),
            limit: None,
        },
        permit: surroundings.permit(),
        readback,
        gauge: WorkProgress::new(clock.clone()),
        clock,
    }
}

/// Deploys what the kernel command line named, then goes; a failure is told and tried again for ever. `medium` is what a
/// person calls the disk it came from: that is taken only if it is named as the one to write.
pub fn run(
    host: &SystemRoot,
    order: &Standalone,
    medium: Option<&str>,
    tools: &Tools,
) -> Result<()> {
    let how = match order.then.as_str() {
        "reboot" => How::Reboot,
        "poweroff" => How::Off,
        other => {
            return Err(wrong(format!(
                "ironlet.then is poweroff or reboot, not '{other}'"
            )));
        }
    };
    let image = Image {
        urls: order.images.clone(),
        checksum: order.checksum.clone(),
        disk: order.disk.as_ref().map(PathBuf::from),
    };
    let mut failures = 0;
    let names: Vec<String> = image.urls.iter().map(|url| redacted(url)).collect();
    loop {
        set(Row::State, &format!("deploying {}", names.join(", ")));
        let Err(error) = deploy(host, &image, (medium, order.guard), tools) else {
            return leave(host, &tools.clock, how);
        };
        failures += 1;
        let pause = tools.clock.backoff(failures, SHORTEST, LONGEST);
        error!(
            "the deploy failed (attempt {failures}): {error}; next in {:.0} s",
            pause.as_secs_f64()
        );
        set(
            Row::State,
            &format!("the deploy failed, trying again soon: {error}"),
        );
        tools.clock.sleep(pause);
    }
}

/// The disk is done: whatever keeps the machine on, it is not written again.
fn leave(host: &SystemRoot, clock: &Clock, how: How) -> Result<()> {
    set(Row::State, going(how));
    while let Err(error) = power(host, clock, how) {
        error!(
            "the image is on the disk, but: {error}; next try in {:.0} s",
            LONGEST.as_secs_f64()
        );
        clock.sleep(LONGEST);
    }
    Ok(())
}

fn deploy(
    host: &SystemRoot,
    image: &Image,
    (medium, guard): (Option<&str>, bool),
    tools: &Tools,
) -> Result<()> {
    let request = image.request()?;
    let mut tools = tools.clone();
    let medium = boot_medium(host, medium);
    let disk = match &image.disk {
        Some(disk) => {
            is_meant(host, disk, &medium, guard)?;
            disk.clone()
        }
        None => {
            let any = Wishes {
                medium: medium.clone(),
                own_first: true,
                unguarded: !guard,
                ..Wishes::default()
            };
            let chosen = disk::wait_for_root(host, &tools.clock, LOOKS, LOOK_PAUSE, &any)?;
            if let Some(why) = is_unknown(host, &medium, &disk::list(host)) {
                return Err(Error::new(Kind::DeviceNotFound, why));
            }
            let disk = chosen.disk;
            tools.permit = tools.permit.of_chosen(std::slice::from_ref(&disk));
            disk.path
        }
    };
    image::deploy(&request, &disk, &tools).map(drop)
}

/// An error unless a person can have meant the disk they named: a whole one, not the stick that the machine was started from, and not
/// what an array lacks.
fn is_meant(host: &SystemRoot, named: &Path, medium: &BootMedium, guard: bool) -> Result<()> {
    let disks = disk::list(host);
    let named = std::fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
    let name = named
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let of = |disk: &&disk::Disk| disk.numbers.iter().any(|(_, kernel)| kernel == name);
    let Some(disk) = disks.iter().find(of) else {
        return Ok(());
    };
    if disk.kernel() != name {
        return Err(wrong(format!(
            "ironlet.disk: {name} is a partition of {}, and an image is for a whole disk",
            disk.name
        )));
    }
    if guard && let Some(array) = apart::member_on(&disk.path)? {
        return Err(wrong(format!(
            "ironlet.disk: {} holds a member of an array that is not put together: {array}; \
             ipa-guard-special-filesystems=false has it overwritten",
            disk.name
        )));
    }
    match medium.protects(host, disk, &disks) {
        Some(why) if is_external(disk) => Err(wrong(format!(
            "ironlet.disk: {} {why}; is another disk meant? If that is wrong, start the machine from something else",
            disk.name
        ))),
        Some(why) => {
            warn!(
                "{} {why}; it is written, as ironlet.disk names it",
                disk.name
            );
            Ok(())
        }
        None => Ok(()),
    }
}

fn wrong(why: String) -> Error {
    Error::new(Kind::InvalidCommandParamsError, why)
}
