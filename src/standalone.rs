//! Deploying without Ironic: an image named on the kernel command line, written and booted.

use std::path::PathBuf;
use std::time::Duration;

use crate::agent::Surroundings;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::image::checksum::Checksum;
use crate::image::fetch::Patience;
use crate::image::format::Format;
use crate::image::{self, Request, Tools};
use crate::logger;
use crate::net::http::Timeouts;

/// One image, named by a person.
pub struct Image {
    pub url: String,
    pub checksum: String,
    pub disk: Option<PathBuf>,
}

impl Image {
    fn request(&self) -> Result<Request> {
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            let why = format!(
                "'{}' is no image: an http:// or https:// URL is needed",
                self.url
            );
            return Err(Error::new(Kind::InvalidCommandParamsError, why));
        }
        Ok(Request {
            id: self.url.clone(),
            urls: vec![self.url.clone()],
            checksum: Checksum::parse(&self.checksum)?,
            format: Format::Raw,
            authorization: None,
            proxies: Default::default(),
        })
    }
}

/// Writes one image to the disk a person named, and ends: the image path alone.
pub fn write(surroundings: Surroundings, image: Image) -> Result<()> {
    logger::start(&surroundings.host(), false);
    let Some(disk) = &image.disk else {
        return Err(Error::new(
            Kind::DeviceNotFound,
            "no disk named: --disk PATH says which",
        ));
    };
    let tools = Tools {
        trust: Default::default(),
        timeouts: Timeouts {
            connect: Duration::from_secs(60),
            read: Duration::from_secs(60),
        },
        patience: Patience {
            retries: 2,
            interval: Duration::from_secs(10),
            limit: None,
        },
        permit: surroundings.permit(),
        clock: Clock::real(),
    };
    image::deploy(&image.request()?, disk, &tools).map(drop)
}
