//! The first step of an examination: what was set. Nobody is asked.

use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::agent::order_desk::image_by_parameters;
use crate::agent::{Agent, effective_config};
use crate::conductor::lookup::Enrolment;
use crate::error::Result;
use crate::secret::redacted;

/// Whether they can be meant, and say what to do; what the log says of them at the start is told, too.
pub fn state(agent: &Result<Agent>) -> State {
    let wrong = |why: String, remedy: &str| {
        State::Wrong(Trouble {
            step: Step::Parameters,
            why,
            remedy: remedy.to_owned(),
        })
    };
    let config = match agent {
        Ok(agent) => &agent.config,
        Err(error) => {
            return wrong(
                error.to_string(),
                "correct it on the kernel command line, or in the file it names",
            );
        }
    };
    let files = match effective_config::check_tls_files(config) {
        Ok(files) => files,
        Err(error) => {
            return wrong(
                error.to_string(),
                "correct the file that is named, or what names it",
            );
        }
    };
    let settings = effective_config::settings(config, &Enrolment::default());
    let alone = config
        .standalone
        .as_ref()
        .filter(|_| config.order.is_none());
    if let Some(Err(error)) = alone.map(|alone| image_by_parameters(alone, &settings)) {
        return wrong(
            error.details().to_owned(),
            "correct ironlet.image, ironlet.checksum or ironlet.signature, wherever they are set: the kernel command line, or ironlet.conf on the boot medium",
        );
    }
    let notes: Vec<_> = config.notes.iter().chain(&files).cloned().collect();
    let notes = notes.join("; ");
    let told = match (&config.order, &config.standalone) {
        (Some(order), _) => format!("the order at {}", redacted(&order.place)),
        (_, Some(alone)) => format!("the image {}", redacted(&alone.images.join(","))),
        _ if !config.api.urls.is_empty() => {
            format!("Ironic at {}", redacted(&config.api.urls.join(",")))
        }
        _ if config.mdns.is_wanted => "Ironic, to be found by mDNS".to_owned(),
        _ if config.inspection.is_wanted => "an inspection alone".to_owned(),
        _ => {
            let nothing = "nothing says what to do";
            return wrong(
                match notes.is_empty() {
                    true => nothing.to_owned(),
                    false => format!("{nothing}; {notes}"),
                },
                "set ipa-api-url, ironlet.order or ironlet.image on the kernel command line, or in ironlet.conf on the boot medium",
            );
        }
    };
    match notes.is_empty() {
        true => State::Fine(told),
        false => State::Doubtful(Trouble {
            step: Step::Parameters,
            why: format!("{told}; {notes}"),
            remedy:
                "correct or take away what is named there: ironlet parameters lists what there is"
                    .to_owned(),
        }),
    }
}
