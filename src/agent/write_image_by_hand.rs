//! Writes one image to the disk that a person at the machine named (`--write-image`): the image path alone.

use std::path::PathBuf;

use log::warn;

use crate::agent::{Surroundings, effective_config};
use crate::clock::Clock;
use crate::config::Config;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::raid::apart;
use crate::error::{Context, Error, Kind, Result};
use crate::image;
use crate::image::decode::format::Format;
use crate::image::verify::checksum::Checksum;
use crate::image::verify::image_signature::ImageSignature;
use crate::image::write::disk_sink::DiskSink;
use crate::image::{Layout, Request, Tools};
use crate::logger::progress_bar;
use crate::net::http::url;
use crate::secret::redacted;
use crate::steps::step_context::Login;

/// Whoever waits at a terminal tries again by hand; of what is said twice the last word counts.
const RETRIES: &str = "ipa-image-download-connection-retries=2";

/// One image, named by a person.
pub struct Image {
    /// The same image at several places.
    pub urls: Vec<String>,
    /// `algorithm:digest`, a bare digest or the URL of a checksum file.
    pub checksum: Option<String>,
    /// Where its signature is: a URL or a word for it.
    pub signature: Option<String>,
    /// Public keys of minisign that count.
    pub keys: Vec<String>,
    /// For HTTP basic authentication.
    pub login: Option<Login>,
    /// The disk to write; none lets the agent choose.
    pub disk: Option<PathBuf>,
}

impl Image {
    /// For the image path, by what the URL's ending says.
    pub(super) fn request(&self, md5: bool) -> Result<Request> {
        if let Some(url) = self.urls.iter().find(|url| !url::is_http(url)) {
            return Err(wrong(format!(
                "'{}' is no image: an http:// or https:// URL is needed",
                redacted(url)
            )));
        }
        // A name for messages, and all that declares a format here.
        let id = self.urls.first().map_or(String::new(), |url| redacted(url));
        let checksum = self.checksum.as_deref().map(Checksum::parse);
        let checksum = checksum.transpose().context("checksum")?;
        if !md5 && checksum.as_ref().is_some_and(Checksum::is_md5) {
            let why = "the checksum is MD5, which vouches for nothing: take sha256, or set md5_enabled in a file of parameters";
            return Err(wrong(why.to_owned()));
        }
        Ok(Request {
            urls: self.urls.clone(),
            checksum: match md5 {
                true => checksum,
                false => checksum.map(Checksum::without_md5),
            },
            signature: ImageSignature::parse(&self.keys, self.signature.as_deref())?,
            format: Format::of_file(&id)?,
            authorization: self.login.as_ref().and_then(Login::header),
            proxies: Default::default(),
            layout: Layout::Bytes,
            drive: None,
            id,
        })
    }
}

/// Writes one image to the disk a person named, and ends: the image path alone.
pub fn write(mut surroundings: Surroundings, mut image: Image, readback: bool) -> Result<()> {
    // What is wrong with them is told below.
    if let Ok(given) = surroundings.parameters() {
        surroundings.command_line = Some(format!("{RETRIES} {given}"));
    }
    let config = surroundings.started()?;
    if config.standalone.is_some() || config.order.is_some() {
        warn!(
            "ironlet.image, ironlet.order and their like are for the agent: what is written, and where, is what was typed"
        );
    }
    image.keys.extend(config.image.keys.iter().cloned());
    image.signature = image.signature.or(config.image.signature.clone());
    image.login = effective_config::login(&config);
    let Some(disk) = &image.disk else {
        return Err(Error::new(
            Kind::DeviceNotFound,
            "no disk named: --disk PATH says which",
        ));
    };
    if image.checksum.is_none() && image.signature.is_none() {
        let why = "no checksum: --checksum sha256:… (sha512:…, md5:… or the URL of a checksum file) says what the image must hash to, or \
                   --signature and --image-key who signed it; \
                   one that nobody can verify is not written";
        return Err(wrong(why.to_owned()));
    }
    let request = image.request(true)?;
    let mut tools = tools(&surroundings, &config)?;
    tools.readback |= readback;
    // Whatever forbids writing it is told before any server is asked.
    drop(DiskSink::new(ExclusiveDisk::open(disk, &tools.permit)?)?);
    if let Some(why) = apart::objection(disk).kind(Kind::BlockDeviceError)? {
        let disk = disk.display();
        let why = format!(
            "refusing to write {disk}: it {why}. If nobody needs that, `ironlet erase metadata` or `wipefs -a` removes it"
        );
        return Err(Error::new(Kind::BlockDeviceError, why));
    }
    let _bar = progress_bar::draw(&tools.gauge, &tools.clock);
    image::deploy(&request, disk, &tools).map(drop)
}

/// What a person's own orders are done with.
pub(super) fn tools(surroundings: &Surroundings, config: &Config) -> Result<Tools> {
    let permit = surroundings.permit().of_person();
    effective_config::tools(config, None, permit, &Clock::real())
}

fn wrong(why: String) -> Error {
    Error::new(Kind::InvalidCommandParamsError, why)
}
