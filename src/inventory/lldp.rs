//! What switches say at each interface, in the words of Ironic's LLDP hooks; heard once for all who ask within minutes.

use std::fs;
use std::time::Duration;

use crate::clock::Clock;
use crate::codec::hex;
use crate::codec::json::{self, Fields, Value, gather, number, object, text};
use crate::error::{Context, Error, Result};
use crate::inventory::collectors::Subject;
use crate::net::lldp::{self, Neighbours, Tlv, firmware_agent};
use crate::system_root::{SystemRoot, attribute};

/// Below /run/ironlet: process 1 and the agent listen for one another.
const KEPT: &str = "lldp";
/// Seconds for which what was heard is as good as new.
const FRESH: u64 = 300;

/// The neighbours of the interfaces of the inventory: what was heard in the last five minutes of this machine, or else
/// within `timeout` from now. Nobody's where the machine does not let us listen; the log says why.
pub fn neighbours(host: &SystemRoot, clock: &Clock, timeout: Duration) -> Neighbours {
    if !host.is_here() {
        return Neighbours::new();
    }
    if let Some(kept) = kept(host) {
        return kept;
    }
    if host.is_ramdisk() {
        firmware_agent::stop(host);
    }
    let names: Vec<String> = super::interfaces(host)
        .into_iter()
        .map(|nic| nic.name)
        .collect();
    let heard = match lldp::listen(clock, &names, timeout) {
        Ok(heard) => heard,
        Err(error) => {
            log::warn!("no LLDP: {error}");
            return Neighbours::new();
        }
    };
    if host.is_ramdisk()
        && let Err(error) = keep(host, &heard)
    {
        log::warn!("LLDP will be heard again when it is asked for: {error}");
    }
    heard
}

/// The collector `lldp`.
pub fn collect(subject: &Subject) -> Result<Value> {
    let heard = neighbours(subject.host, subject.clock, subject.lldp_timeout);
    Ok(lldp_raw(&heard))
}

/// `{"eth0": [[1, "04…"], …], "eth1": []}`: the inspection's `lldp_raw`.
pub fn lldp_raw(neighbours: &Neighbours) -> Value {
    let named = |(name, tlvs): &(String, Vec<Tlv>)| (name.clone(), of_interface(tlvs));
    Value::Object(gather(neighbours.iter().map(named)))
}

/// `[[1, "04…"], …]`: an interface's `lldp`.
pub fn of_interface(tlvs: &[Tlv]) -> Value {
    let pair = |tlv: &Tlv| {
        let pair = [number(tlv.kind.into()), text(hex::encode(&tlv.value))];
        Value::Array(pair.into_iter().collect())
    };
    Value::Array(tlvs.iter().map(pair).collect())
}

fn keep(host: &SystemRoot, heard: &Neighbours) -> Result<()> {
    let at = uptime(host)
        .ok_or_else(|| Error::plain("the kernel does not say how long it has been up"))?;
    let text = json::print(&object([
        ("uptime", number(at)),
        ("interfaces", lldp_raw(heard)),
    ]));
    let path = host.run(KEPT);
    let new = path.with_extension("new");
    fs::create_dir_all(host.run(""))
        .and_then(|()| fs::write(&new, text))
        .and_then(|()| fs::rename(&new, &path))
        .with_context(|| format!("writing {}", path.display()))
}

fn kept(host: &SystemRoot) -> Option<Neighbours> {
    let text = fs::read_to_string(host.run(KEPT)).ok()?;
    let (at, heard) = parse(&text)?;
    (uptime(host)?.checked_sub(at)? < FRESH).then_some(heard)
}

fn parse(text: &str) -> Option<(u64, Neighbours)> {
    let Ok(Value::Object(kept)) = json::parse(text) else {
        return None;
    };
    let mut heard = Neighbours::new();
    for (name, pairs) in kept.object("interfaces").ok()??.iter() {
        let Value::Array(pairs) = pairs else {
            return None;
        };
        let tlvs: Option<Vec<Tlv>> = pairs.iter().map(tlv).collect();
        heard.push((name.clone(), tlvs?));
    }
    Some((kept.integer("uptime").ok()??, heard))
}

fn tlv(pair: &Value) -> Option<Tlv> {
    let Value::Array(pair) = pair else {
        return None;
    };
    let (Value::Number(json::Number::U64(kind)), Value::String(digits)) =
        (pair.first()?, pair.get(1)?)
    else {
        return None;
    };
    Some(Tlv {
        kind: u8::try_from(*kind).ok()?,
        value: hex::decode(digits)?,
    })
}

fn uptime(host: &SystemRoot) -> Option<u64> {
    attribute(host.proc("uptime"))?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_heard() {
        let tlv = |kind, value: &[u8]| Tlv {
            kind,
            value: value.to_vec(),
        };
        let heard = vec![
            ("eth0".to_owned(), vec![tlv(1, b"\x04\x02"), tlv(0, b"")]),
            ("eth1".to_owned(), Vec::new()),
        ];
        let raw = json::print(&lldp_raw(&heard));
        assert_eq!(raw, r#"{"eth0":[[1,"0402"],[0,""]],"eth1":[]}"#);
        let text = format!(r#"{{"uptime":7,"interfaces":{raw}}}"#);
        assert_eq!(parse(&text), Some((7, heard)));
        for broken in ["", "{}", r#"{"uptime":7,"interfaces":{"eth0":[[1,"0"]]}}"#] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }
}
