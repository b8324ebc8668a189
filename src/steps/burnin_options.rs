//! What of the node's `driver_info` says how burn-in goes: upstream's names, and the values that stress-ng and fio take there.

use std::time::Duration;

use crate::burnin::cpu;
use crate::burnin::memory::{self, Amount};
use crate::codec::json::{Value, print};
use crate::disk::burnin as disk;
use crate::error::{Error, Kind, Result};
use crate::steps::node::Node;
use crate::units::{GIB, KIB, MIB};

/// A day, as upstream has it.
const DAY: Duration = Duration::from_secs(86_400);
/// Ten years: more is a typing error.
const LONGEST: u64 = 10 * 366 * 86_400;

pub fn cpu(node: &Node) -> Result<cpu::Order> {
    Ok(cpu::Order {
        threads: count(node, "agent_burnin_cpu_cpu", 0)?,
        time: time(node, "agent_burnin_cpu_timeout")?.unwrap_or(DAY),
    })
}

pub fn memory(node: &Node) -> Result<memory::Order> {
    const AMOUNT: &str = "agent_burnin_vm_vm-bytes";
    let amount = match value(node, AMOUNT) {
        None => Amount::Percent(98),
        Some(text) => amount(&text).ok_or_else(|| wrong(AMOUNT, &text, "90% or 2G"))?,
    };
    Ok(memory::Order {
        threads: count(node, "agent_burnin_vm_vm", 0)?,
        amount,
        time: time(node, "agent_burnin_vm_timeout")?.unwrap_or(DAY),
    })
}

pub fn disk(node: &Node) -> Result<disk::Order> {
    const SELF_TEST: &str = "agent_burnin_fio_disk_smart_test";
    let time = time(node, "agent_burnin_fio_disk_runtime")?;
    let self_test = match value(node, SELF_TEST) {
        None => false,
        Some(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => true,
            "false" | "no" | "off" | "0" => false,
            _ => return Err(wrong(SELF_TEST, &text, "true or false")),
        },
    };
    Ok(disk::Order {
        loops: count(node, "agent_burnin_fio_disk_loops", 4)? as u32, // below by what a count may be
        time: time.filter(|time| !time.is_zero()),
        self_test,
    })
}

/// Where upstream would write a report.
pub fn output_file(node: &Node, name: &str) -> Option<String> {
    value(node, name)
}

/// Numbers come as numbers and as text, as whoever set them wrote them.
fn value(node: &Node, name: &str) -> Option<String> {
    match node.kept("driver_info", name)? {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.trim().to_owned()),
        other => Some(print(other)),
    }
}

fn count(node: &Node, name: &'static str, default: usize) -> Result<usize> {
    let Some(text) = value(node, name) else {
        return Ok(default);
    };
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|number| *number <= 1_000_000);
    let number = number.ok_or_else(|| wrong(name, &text, "a number"))?;
    Ok(number as usize)
}

/// stress-ng(1) and fio(1): seconds, or with a unit behind.
fn time(node: &Node, name: &'static str) -> Result<Option<Duration>> {
    let Some(text) = value(node, name) else {
        return Ok(None);
    };
    let units = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 7 * 86_400),
        ("y", 365 * 86_400),
    ];
    let seconds = scaled(&text.to_ascii_lowercase(), &units).filter(|seconds| *seconds <= LONGEST);
    let seconds = seconds.ok_or_else(|| wrong(name, &text, "seconds, or 30m, 12h, 7d"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn amount(text: &str) -> Option<Amount> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent
            .trim()
            .parse()
            .ok()
            .filter(|percent| (1..=100).contains(percent));
        return percent.map(Amount::Percent);
    }
    let units = [("b", 1), ("k", KIB), ("m", MIB), ("g", GIB)];
    let bytes = scaled(&text.to_ascii_lowercase(), &units).filter(|bytes| *bytes > 0);
    bytes.map(Amount::Exactly)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = units.iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, factor) = match unit {
        Some((unit, factor)) => (text.strip_suffix(unit)?, *factor),
        None => (text, 1),
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(factor)
}

fn wrong(name: &str, text: &str, wanted: &str) -> Error {
    let why =
        format!("driver_info.{name} is '{text:.100}', which is not {wanted}; nothing was begun");
    Error::new(Kind::CleaningError, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::parse;

    fn node(info: &str) -> Node {
        let Ok(Value::Object(node)) = parse(&format!(r#"{{"driver_info":{info}}}"#)) else {
            panic!("an object: {info}")
        };
        Node::new(&node)
    }

    #[test]
    fn what_is_not_said_is_as_upstream_has_it() {
        let none = node("{}");
        let (threads, time) = (0, DAY);
        assert_eq!(cpu(&none), Ok(cpu::Order { threads, time }));
        let amount = Amount::Percent(98);
        assert_eq!(
            memory(&none),
            Ok(memory::Order {
                threads,
                amount,
                time
            })
        );
        let order = disk::Order {
            loops: 4,
            time: None,
            self_test: false,
        };
        assert_eq!(disk(&none), Ok(order));
    }

    #[test]
    fn values_are_taken_as_people_write_them() {
        for (text, seconds) in [
            ("60", 60),
            ("\"90\"", 90),
            ("\"30m\"", 1800),
            ("\"12H\"", 43_200),
            ("\"7d\"", 604_800),
        ] {
            let order = cpu(&node(&format!(r#"{{"agent_burnin_cpu_timeout":{text}}}"#)));
            assert_eq!(
                order.map(|order| order.time.as_secs()),
                Ok(seconds),
                "{text}"
            );
        }
        for (text, amount) in [
            ("\"50%\"", Amount::Percent(50)),
            ("\"2g\"", Amount::Exactly(2 << 30)),
            ("\"512M\"", Amount::Exactly(512 << 20)),
            ("1048576", Amount::Exactly(1 << 20)),
        ] {
            let order = memory(&node(&format!(r#"{{"agent_burnin_vm_vm-bytes":{text}}}"#)));
            assert_eq!(order.map(|order| order.amount), Ok(amount), "{text}");
        }
        let order = disk(&node(
            r#"{"agent_burnin_fio_disk_loops":"2","agent_burnin_fio_disk_runtime":0,"agent_burnin_fio_disk_smart_test":"True"}"#,
        ));
        assert_eq!(
            order,
            Ok(disk::Order {
                loops: 2,
                time: None,
                self_test: true
            })
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (name, text) in [
            ("agent_burnin_cpu_cpu", "\"many\""),
            ("agent_burnin_cpu_timeout", "-1"),
            ("agent_burnin_cpu_timeout", "\"99999999999d\""),
            ("agent_burnin_cpu_timeout", "[]"),
        ] {
            let error = cpu(&node(&format!(r#"{{"{name}":{text}}}"#))).expect_err(text);
            assert!(
                error.details().contains(name) && error.kind() == Kind::CleaningError,
                "{error}"
            );
        }
        for text in [
            "\"0%\"",
            "\"101%\"",
            "\"%\"",
            "0",
            "\"1t\"",
            "\"999999999999g\"",
        ] {
            assert!(
                memory(&node(&format!(r#"{{"agent_burnin_vm_vm-bytes":{text}}}"#))).is_err(),
                "{text}"
            );
        }
        assert!(disk(&node(r#"{"agent_burnin_fio_disk_smart_test":"perhaps"}"#)).is_err());
    }
}
