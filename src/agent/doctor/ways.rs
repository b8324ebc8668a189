//! The way to each server, by the dialer that the work itself goes by: its name, the route, a proxy, TLS; and what is wrong first on it.

use std::time::Duration;

use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::calendar::Day;
use crate::clock::{Clock, Deadline};
use crate::net::address::{configure, names};
use crate::net::http::client::{Cause, Fault, Proxies, Timeouts};
use crate::net::http::dial::{Dialer, Line};
use crate::net::http::url::{self, Url};
use crate::net::tls::connection::Connector;
use crate::net::tls::trust_settings::Trust;
use crate::net::tls::x509::Fields;
use crate::secret::redacted;

/// For each part of an examination: whoever looks at the screen waits for it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How far one gets.
#[derive(Default)]
struct Way {
    /// What of it is fine, and the fact that matters.
    passed: Vec<(Step, String)>,
    /// What is wrong first; none: somebody takes connections at its end.
    trouble: Option<Trouble>,
}

/// The ways to all servers there are.
pub struct Ways {
    trust: Trust,
    gone: Vec<Way>,
}

impl Ways {
    /// By whom to believe; none is gone yet.
    pub fn new(trust: Trust) -> Self {
        Ways {
            trust,
            gone: Vec::new(),
        }
    }

    /// Goes to the first of `urls` that can be reached, or else to the first: what is wrong on the way. `what` is at its end.
    pub fn go(&mut self, what: Step, urls: &[String], proxies: &Proxies) -> Option<Trouble> {
        let way = to_any(what, urls, &self.trust, proxies);
        let trouble = way.trouble.clone();
        self.gone.push(way);
        trouble
    }

    /// What is wrong with this step of any way.
    pub fn trouble_at(&self, step: Step) -> Option<&Trouble> {
        let mut troubles = self.gone.iter().filter_map(|way| way.trouble.as_ref());
        troubles.find(|trouble| trouble.step == step)
    }

    /// The facts of those ways that came through this step; `without` where it was nobody's.
    pub fn passed(&self, step: Step, without: &str) -> State {
        let mut facts: Vec<&str> = Vec::new();
        for (of, fact) in self.gone.iter().flat_map(|way| &way.passed) {
            if *of == step && !facts.contains(&fact.as_str()) {
                facts.push(fact);
            }
        }
        if !facts.is_empty() {
            return State::Fine(facts.join("; "));
        }
        let stuck = self.gone.iter().filter_map(|way| way.trouble.as_ref());
        match stuck
            .map(|trouble| trouble.step)
            .filter(|at| *at < step)
            .min()
        {
            Some(before) => State::needs(before),
            None if without.is_empty() => State::Untried("no server is named".to_owned()),
            None => State::Fine(without.to_owned()),
        }
    }
}

/// The way to the first of `urls` that can be reached, or else to the first; `what` is at its end.
fn to_any(what: Step, urls: &[String], trust: &Trust, proxies: &Proxies) -> Way {
    let mut first = None;
    for url in urls {
        let way = to(what, url, trust, proxies);
        if way.trouble.is_none() {
            return way;
        }
        first = first.or(Some(way));
    }
    first.unwrap_or_default()
}

fn to(what: Step, url: &str, trust: &Trust, proxies: &Proxies) -> Way {
    let mut way = Way::default();
    let shown = redacted(url);
    let trouble = |step, why: String, remedy: &str| {
        Some(Trouble {
            step,
            why: format!("{shown}: {why}"),
            remedy: remedy.to_owned(),
        })
    };
    let Some(target) = url::parse(url) else {
        way.trouble = trouble(what, "is no URL".to_owned(), "check how it is spelled");
        return way;
    };
    let proxy = proxies.choose(&target);
    let hop = proxy.as_ref().unwrap_or(&target);
    let name = hop.reached();
    let addresses = match names::resolve(&name, hop.port) {
        Ok(addresses) => addresses,
        Err(error) => {
            way.trouble = trouble(Step::Dns, error.details().to_owned(), DNS);
            return way;
        }
    };
    if names::literal(&name, hop.port).is_none() {
        let told: Vec<_> = addresses.iter().map(|at| at.ip().to_string()).collect();
        way.passed
            .push((Step::Dns, format!("{name} is {}", told.join(", "))));
    }
    let source = addresses.iter().find_map(|at| {
        let own = configure::source_address(at.ip()).ok()?;
        Some(format!("from {own} to {at}"))
    });
    let dialer = Dialer::new(Connector::new(trust.clone()), proxies.clone(), TIMEOUTS);
    let line = dialer.dial(&target, Deadline::within(PATIENCE * 2));
    let failed = line.as_ref().err().map(|fault| step(fault, what));
    let is_there = match &line {
        Err(fault) if fault.cause == Cause::ProxyDenied => true,
        _ => failed.is_none_or(|step| step > Step::Proxy),
    };
    if let Some(source) = source.filter(|_| is_there) {
        way.passed.push((Step::Route, source));
    }
    if let Some(proxy) = proxy.filter(|_| failed.is_none_or(|step| step > Step::Proxy)) {
        let fact = format!("{} for {shown}", url::place(proxy.host, proxy.port));
        way.passed.push((Step::Proxy, fact));
    }
    match line {
        Ok(line) if target.https => way.passed.push((Step::Tls, certificate(&target, &line))),
        Ok(_) => {}
        Err(fault) => {
            let step = step(&fault, what);
            way.trouble = trouble(step, fault.error.details().to_owned(), remedy(step, &fault));
        }
    }
    way
}

const TIMEOUTS: Timeouts = Timeouts {
    connect: PATIENCE,
    read: PATIENCE,
};

fn certificate(target: &Url, line: &Line) -> String {
    let host = target.host;
    match line.certificate().and_then(Fields::of) {
        Some(fields) => format!(
            "{host} shows the certificate of '{}', good until {}",
            fields.name.escape_debug(),
            Day(fields.to)
        ),
        None => format!("{host} shows a certificate that is believed"),
    }
}

/// Where on the way it failed.
fn step(fault: &Fault, what: Step) -> Step {
    match fault.cause {
        Cause::Dns => Step::Dns,
        Cause::Unreachable => Step::Route,
        Cause::Proxy | Cause::ProxyDenied => Step::Proxy,
        // Whose certificate is judged by a clock that nobody set is not to blame.
        Cause::CertificateDate if !Clock::real().is_set() => Step::Clock,
        // The connection was there: what went silent or away is who was to speak TLS.
        Cause::Tls | Cause::CertificateDate | Cause::Timeout | Cause::Cut | Cause::HungUp => {
            Step::Tls
        }
        Cause::Refused | Cause::Protocol => what,
    }
}

const DNS: &str = "ask these servers for this name from another machine; check which DNS servers the lease names (option 6), how the name is spelled, or use an address";
const ROUTE: &str = "check the gateway that the lease names (option router), the VLAN, a firewall on the way, and that the server is on";
const PROXY: &str = "check that the proxy runs, that its rules let this machine go there, and the user and password in its URL; or take it out (no_proxy)";
const REFUSED: &str = "start the service there, or correct the port in the URL";

/// By the words of the fault, what to try.
const TLS: [(&str, &str); 6] = [
    (
        "nobody trusted signed",
        "put the authority that signed it into the ramdisk and name it with cafile (README: Files of your own)",
    ),
    (
        "certificate is for",
        "call the server by a name in its certificate, or give it one for this name",
    ),
    (
        "expired",
        "renew the server's certificate; if this machine's date is wrong, set its clock (ipa-ntp-server)",
    ),
    (
        "valid only from",
        "set this machine's clock: ipa-ntp-server, a time server in the lease, or the firmware's setup",
    ),
    (
        "does not speak TLS",
        "write http instead of https, or take the port that speaks TLS",
    ),
    (
        "",
        "check that this is the port of a server that speaks TLS 1.2 or later; its log says what it did not like",
    ),
];

fn remedy(step: Step, fault: &Fault) -> &'static str {
    match step {
        Step::Dns => DNS,
        Step::Route => ROUTE,
        Step::Proxy => PROXY,
        Step::Tls => {
            let said = fault.error.details();
            let found = TLS.iter().find(|(words, _)| said.contains(words));
            found.map_or("", |(_, remedy)| remedy)
        }
        _ => REFUSED,
    }
}
