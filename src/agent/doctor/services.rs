//! Who answers at the end of the way, by the code that the work itself asks with: Ironic, an order, an image.

use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::agent::order_desk::{Desk, Ordered};
use crate::agent::{Agent, effective_config};
use crate::error::{Kind, Result};
use crate::image;
use crate::image::Tools;
use crate::inventory;
use crate::logger::status;
use crate::secret::redacted;
use crate::units::Bytes;

fn wrong(step: Step, why: String, remedy: &str) -> State {
    State::Wrong(Trouble {
        step,
        why,
        remedy: remedy.to_owned(),
    })
}

/// Ironic's root document, which wants no login and tells nobody's token; and what a lookup of the agent's own was told last.
pub fn ironic(agent: &Agent) -> State {
    let place = redacted(&agent.config.api.urls.join(", "));
    let client = match effective_config::ironic(&agent.config) {
        Ok(client) => client,
        Err(error) => {
            return wrong(
                Step::Api,
                error.to_string(),
                "correct the parameter it names",
            );
        }
    };
    let version = match client.greet() {
        Ok(version) => version,
        Err((status, why)) => {
            let why = format!("{place} is not Ironic's API: {why}");
            return wrong(Step::Api, why, remedy(status));
        }
    };
    match status::now().stranger {
        None => State::Fine(format!("{place} is an Ironic of API version {version}")),
        Some(why) => {
            let macs = inventory::macs(&inventory::interfaces(&agent.host)).join(", ");
            let why = format!("Ironic at {place} does not know this machine ({macs}): {why}");
            let remedy = "enrol the node with a port for one of these MAC addresses, and bring it into a state that waits for an agent: \
                          openstack baremetal port create MAC --node NODE";
            wrong(Step::Api, why, remedy)
        }
    }
}

/// What may be meant where something else than Ironic answers with this status.
fn remedy(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => {
            "Ironic's root asks for no login: is there a portal or a proxy before it? Check host and port of ipa-api-url, and whether it is let through"
        }
        404 => "check the path of ipa-api-url: it ends before /v1, and http://host:6385 has none",
        500.. => "look into the log of Ironic's API, or of the balancer before it",
        _ => {
            "check host, port and path of ipa-api-url: some other service answers there, such as a web page that wants a login"
        }
    }
}

/// The order for this machine, read as it would be carried out.
pub fn order(desk: &Desk) -> Result<Ordered, Trouble> {
    desk.read().map_err(|unready| match unready.error.kind() {
        Kind::InvalidImage => Trouble {
            step: Step::Image,
            why: unready.error.details().to_owned(),
            remedy: "correct these fields of the order: they say which image it is, of which format, and what it hashes to".to_owned(),
        },
        _ => Trouble {
            step: Step::Order,
            why: unready.error.to_string(),
            remedy: "put the document where it is looked for, or correct what is said of it; nginx's log names each place that was asked for".to_owned(),
        },
    })
}

/// An error unless the config drive that an order names by its URL is there.
pub fn drive(request: &image::Request, tools: &Tools) -> Result<(), Trouble> {
    let Some(drive) = &request.drive else {
        return Ok(());
    };
    image::drive_offered(drive, request, tools).map_err(|failure| Trouble {
        step: Step::Order,
        why: failure.error.details().to_owned(),
        remedy: "put the config drive where the order says that it is, or correct configdrive in the order".to_owned(),
    })
}

/// The image as its server has it, and its checksum; and the bytes that it takes on a disk, as far as that is known.
pub fn image(request: &image::Request, tools: &Tools) -> (State, Option<Bytes>) {
    let place = redacted(&request.urls.join(", "));
    let failure = match image::offered(request, tools) {
        Ok(offer) => {
            let fine = State::Fine(match offer.length {
                Some(length) => format!("{place}, {} bytes", length),
                None => place,
            });
            return (fine, offer.takes);
        }
        Err(failure) => failure,
    };
    let why = failure.error.to_string();
    if failure.by_proxy {
        let remedy = "have the proxy let this machine go there, and check the user and password in its URL; or take it out (image_no_proxy)";
        return (wrong(Step::Proxy, why, remedy), None);
    }
    let remedy = match failure.error.kind() {
        Kind::InvalidImage => {
            "convert the image (qemu-img convert -O qcow2), or correct its URL or format in the order or in ironlet.image"
        }
        _ if why.contains("checksum file") => {
            "make the checksum file anew where the images lie (sha256sum *.raw >SHA256SUMS), or correct the URL of the image or of that file"
        }
        _ if why.contains("web page") => {
            "open that URL from another machine: a login or a portal may be before it; correct it in the order or in ironlet.image"
        }
        _ => {
            "open that URL from another machine; correct it in the order or in ironlet.image, or make a temporary one anew"
        }
    };
    (wrong(Step::Image, why, remedy), None)
}
