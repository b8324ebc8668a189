//! Inspects the machine and posts what it found for a person at the machine (`--inventory --post`), as the agent would at its start.

use log::{info, warn};

use crate::agent::{Surroundings, effective_config, inspection};
use crate::clock::Clock;
use crate::codec::json::print;
use crate::conductor::inspection::Unposted;
use crate::conductor::lookup::Enrolment;
use crate::error::{Context, Error, Result};
use crate::inventory;
use crate::net::http::url;
use crate::secret::redacted;

/// What Ironic would be told of this machine, as JSON.
pub fn inventory(surroundings: &Surroundings) -> Result<String> {
    let config = surroundings.config().context("reading the parameters")?;
    let facts = effective_config::settings(&config, &Enrolment::default()).boot;
    Ok(print(&inventory::collect(&surroundings.host(), facts)))
}

/// Collects, and posts to `urls`, commas between; the UUID Ironic answers with. With `introspection_daemon` again and again,
/// whatever becomes of it after the first time.
pub fn post(surroundings: &Surroundings, urls: &str) -> Result<String> {
    let config = surroundings.started()?;
    let (host, clock) = (surroundings.host(), Clock::real());
    let urls = urls.split(',').map(str::trim).filter(|url| !url.is_empty());
    let urls: Vec<String> = urls.map(str::to_owned).collect();
    let unusable = urls.iter().find(|url| url::parse(url).is_none());
    if let Some(url) = unusable
        .map(String::as_str)
        .or(urls.is_empty().then_some(""))
    {
        let shown = redacted(url);
        return Err(Error::plain(format!(
            "--post: '{shown}' is no http:// or https:// URL"
        )));
    }
    let once = || match inspection::post(
        &config,
        &urls,
        inspection::collect(&config, &host, &clock),
        &clock,
    ) {
        Ok(uuid) => Ok(uuid.unwrap_or_default()),
        Err(Unposted::Refused(error) | Unposted::GaveUp(error)) => Err(error),
    };
    let first = once()?;
    let Some(interval) = config.inspection.again_after else {
        return Ok(first);
    };
    let mut pause = interval;
    loop {
        let rest = clock.between(pause.mul_f64(0.7)..pause.mul_f64(1.2));
        info!("inspection: the next post is due in {} s", rest.as_secs());
        clock.sleep(rest);
        pause = match once() {
            Ok(_) => interval,
            Err(error) => {
                warn!("{error}");
                pause.mul_f64(2.7).min(interval * 4)
            }
        };
    }
}
