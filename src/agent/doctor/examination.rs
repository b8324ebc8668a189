//! The steps of an examination, one after the other; what depends on a step that is wrong is not tried.

use crate::agent::doctor::findings::{Findings, State, Step, Trouble};
use crate::agent::doctor::ways::{PATIENCE, Ways};
use crate::agent::doctor::{disk_choice, network, parameters, services};
use crate::agent::order_desk::{Desk, Ordered};
use crate::agent::{Agent, Surroundings, effective_config, mdns_endpoints};
use crate::calendar::Day;
use crate::clock::{Bell, Clock};
use crate::config::Config;
use crate::disk::select::seen_disks::Seen;
use crate::error::{Error, Result};
use crate::net::http::client::Proxies;
use crate::system_root::SystemRoot;
use crate::units::Bytes;

/// The machine, and what it is to do.
pub struct Patient {
    host: SystemRoot,
    clock: Clock,
    agent: Result<Agent>,
    /// Why multicast DNS, which was to say where Ironic is or who takes inspections, does not.
    unannounced: Option<String>,
}

impl Patient {
    /// With an agent of its own, which asks but does nothing, and waits less long.
    pub fn read(surroundings: &Surroundings) -> Self {
        let (host, clock) = (surroundings.host(), Clock::real());
        let mut unannounced = None;
        let agent = surroundings.config().map(|config| {
            let mut config = impatient(config);
            let asked = mdns_endpoints::find(&mut config, &clock);
            let api = &config.api.urls;
            let is_left = config.mdns.is_wanted && api.is_empty();
            if is_left
                || api
                    .iter()
                    .chain(&config.inspection.urls)
                    .any(|url| !is_url(url))
            {
                let nobody = || "no Ironic announces itself on this network".to_owned();
                let why = asked.err().map_or_else(nobody, |error| error.to_string());
                unannounced = Some(format!("nobody answers by mDNS: {why}"));
            }
            Agent {
                config,
                host: host.clone(),
                clock: clock.clone(),
                permit: surroundings.permit(),
                bell: Bell::default(),
            }
        });
        Patient {
            host,
            clock,
            agent,
            unannounced,
        }
    }
}

/// A URL, and not a word for where one is to be found.
fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// The same, but somebody waits for what is asked.
pub fn impatient(mut config: Config) -> Config {
    config.mdns.attempts = 1;
    config.api.timeout = config.api.timeout.min(PATIENCE);
    config.image.timeout = config.image.timeout.min(PATIENCE);
    config.image.max_duration = Some(PATIENCE * 3);
    config
}

/// Every step.
pub fn examine(patient: &Patient) -> Findings {
    let host = &patient.host;
    let mut findings = Findings::default();
    findings.note(Step::Parameters, parameters::state(&patient.agent));
    findings.note(Step::Link, network::link(host));
    findings.note(
        Step::Dhcp,
        match findings.is_wrong(Step::Link) {
            true => State::needs(Step::Link),
            false => network::address(host),
        },
    );
    let blocked = [Step::Parameters, Step::Link, Step::Dhcp];
    let blocked = blocked.into_iter().find(|step| findings.is_wrong(*step));
    let agent = patient.agent.as_ref().ok();
    let (ordered, takes) = match (agent, blocked) {
        (Some(agent), None) => servers(&mut findings, agent, patient),
        _ => {
            let needed = blocked.unwrap_or(Step::Parameters);
            for step in [
                Step::Dns,
                Step::Route,
                Step::Proxy,
                Step::Tls,
                Step::Clock,
                Step::Api,
                Step::Image,
                Step::Order,
            ] {
                findings.note(step, State::needs(needed));
            }
            (None, None)
        }
    };
    let config = agent.map(|agent| &agent.config);
    let order = ordered.as_ref().map(|ordered| &ordered.order);
    let disk = disk_choice::disk(host, config, order, takes);
    findings.note(
        Step::Disks,
        match (disk, agent) {
            (State::Wrong(none), Some(agent)) if only_inspects(&agent.config) => State::Untried(
                format!("an inspection needs none; for a deploy: {}", none.why),
            ),
            (disk, _) => disk,
        },
    );
    findings
}

/// Nobody has ordered more yet than that the machine tells what it is made of.
fn only_inspects(config: &Config) -> bool {
    config.inspection.is_wanted && config.order.is_none() && config.standalone.is_none()
}

/// All that is asked of others.
fn servers(
    findings: &mut Findings,
    agent: &Agent,
    patient: &Patient,
) -> (Option<Ordered>, Option<Bytes>) {
    let config = &agent.config;
    let trust = match effective_config::trust(config, None) {
        Ok(trust) => trust,
        Err(error) => {
            let why = error.to_string();
            let remedy = "correct the file or parameter it names".to_owned();
            findings.note(
                Step::Tls,
                State::Wrong(Trouble {
                    step: Step::Tls,
                    why,
                    remedy,
                }),
            );
            return (None, None);
        }
    };
    let mut ways = Ways::new(trust);
    let http = |urls: &[String]| -> Vec<String> {
        urls.iter().filter(|url| is_url(url)).cloned().collect()
    };
    let urls = match config.api.urls.is_empty() {
        true => http(&config.inspection.urls),
        false => http(&config.api.urls),
    };
    let unannounced = patient.unannounced.as_ref().map(|why| Trouble {
        step: Step::Dns,
        why: why.clone(),
        remedy: "have Ironic announced on this network segment (enable_mdns in its configuration; switches that filter multicast drop it), or name it: \
                 ipa-api-url=http://…, ipa-inspection-callback-url=http://…".to_owned(),
    });
    let api = match urls.is_empty() {
        true if unannounced.is_some() => State::needs(Step::Dns),
        true => State::Untried("no Ironic is named".to_owned()),
        false => match ways.go(Step::Api, &urls, &Proxies::default()) {
            Some(trouble) => at_its_end(Step::Api, trouble),
            None if config.api.urls.is_empty() => {
                State::Fine("somebody takes connections for the inspection".to_owned())
            }
            None => services::ironic(agent),
        },
    };
    let (ordered, order, (image, takes)) =
        match config.order.is_some() || config.standalone.is_some() {
            false => {
                let none = || State::Untried("there is an Ironic to say it".to_owned());
                (None, none(), (none(), None))
            }
            true => without_ironic(agent, &mut ways),
        };
    let mut refused = None;
    let image = match image {
        State::Wrong(trouble) if trouble.step == Step::Proxy => {
            refused = Some(trouble);
            State::needs(Step::Proxy)
        }
        other => other,
    };
    let steps = [
        (Step::Dns, "every server is named by its address"),
        (Step::Route, ""),
        (Step::Proxy, "none is to be asked"),
        (Step::Tls, "no https anywhere"),
    ];
    let by_date = ways.trouble_at(Step::Clock).cloned();
    for (step, without) in steps {
        let unannounced = unannounced.as_ref().filter(|_| step == Step::Dns);
        let trouble = unannounced.or_else(|| ways.trouble_at(step));
        let trouble = trouble.or(refused.as_ref().filter(|_| step == Step::Proxy));
        let state = match trouble {
            Some(trouble) => State::Wrong(trouble.clone()),
            None if step == Step::Tls && by_date.is_some() => State::needs(Step::Clock),
            None => ways.passed(step, without),
        };
        findings.note(step, state);
    }
    findings.note(Step::Clock, time(&patient.clock, by_date));
    findings.note(Step::Api, api);
    findings.note(Step::Image, image);
    findings.note(Step::Order, order);
    (ordered, takes)
}

/// What is wrong at the end of a way, or that something on the way to it is.
fn at_its_end(what: Step, trouble: Trouble) -> State {
    match trouble.step == what {
        true => State::Wrong(trouble),
        false => State::needs(trouble.step),
    }
}

fn time(clock: &Clock, needed: Option<Trouble>) -> State {
    let today = Day(clock.unix().max(0.0) as u64);
    match (clock.is_set(), needed) {
        (true, None) => State::Fine(format!("it is {today}")),
        (false, None) => State::Fine(format!(
            "{today} cannot be right, and nothing here needs the date"
        )),
        (_, Some(trouble)) => State::Wrong(Trouble {
            step: Step::Clock,
            why: format!("this machine's date is {today}, which cannot be right, and certificates go by it: {}", trouble.why),
            remedy: "set the clock: ipa-ntp-server=HOST on the kernel command line, a time server in the lease (option 42), or the firmware's setup; its battery may be empty".to_owned(),
        }),
    }
}

/// The order, and the image that it or the parameters name, with the bytes that it takes on a disk.
fn without_ironic(
    agent: &Agent,
    ways: &mut Ways,
) -> (Option<Ordered>, State, (State, Option<Bytes>)) {
    let wrong = |error: &Error| Trouble {
        step: Step::Order,
        why: error.to_string(),
        remedy: "correct it on the kernel command line".to_owned(),
    };
    let desk = effective_config::tools(&agent.config, None, agent.permit.clone(), &agent.clock)
        .and_then(|tools| {
            let disks = Seen::now(&agent.host, &agent.clock);
            Ok((Desk::new(agent, disks, tools.clone())?, tools))
        });
    let (desk, tools) = match desk {
        Ok(both) => both,
        Err(error) => {
            let image = (State::needs(Step::Order), None);
            return (None, State::Wrong(wrong(&error)), image);
        }
    };
    let place = desk.first_place();
    let on_the_way = match place.as_ref().filter(|place| is_url(place)) {
        Some(place) => ways.go(
            Step::Order,
            std::slice::from_ref(place),
            &Proxies::default(),
        ),
        None => None,
    };
    let order = match on_the_way {
        Some(trouble) => Err(trouble),
        None => services::order(&desk),
    };
    let ordered = match order {
        Err(trouble) => {
            let (order, image) = match trouble.step {
                // It is what the order says of the image that cannot be meant.
                Step::Image => (State::needs(Step::Image), State::Wrong(trouble)),
                _ => (at_its_end(Step::Order, trouble), State::needs(Step::Order)),
            };
            return (None, order, (image, None));
        }
        Ok(ordered) => ordered,
    };
    let request = &ordered.order.request;
    let image = match ways.go(Step::Image, &request.urls, &request.proxies) {
        Some(trouble) => (at_its_end(Step::Image, trouble), None),
        None => services::image(request, &tools),
    };
    let told = match (services::drive(request, &tools), &ordered.place) {
        (Err(trouble), _) => State::Wrong(trouble),
        (Ok(()), Some(place)) => State::Fine(place.clone()),
        (Ok(()), None) => State::Untried("the kernel command line is the order".to_owned()),
    };
    (Some(ordered), told, image)
}
