//! `GET /metrics` in OpenMetrics 1.0, for those who watch many machines: what commands did, how far the work is, and what the
//! kernel counts of disks, network and memory.

use std::fmt::Write;

use crate::api::reply::Reply;
use crate::api::service_settings::Service;
use crate::available_memory::Memory;
use crate::codec::json::Value;
use crate::logger::status;
use crate::sys::kernel;
use crate::system_root::{attribute, names};

/// OpenMetrics 1.0, "Overall Structure".
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Documentation/block/stat.rst: sectors there have 512 bytes, whatever the disk's own are.
const SECTOR: u64 = 512;
/// Of a machine with more disks or links, the first.
const MOST: usize = 1024;

/// A document under way.
#[derive(Default)]
struct Metrics(String);

impl Metrics {
    /// The head of a family; `kind` is `gauge`, `counter` or `info`.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample without labels; nothing of what is not known.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.family(name, kind, help);
            let total = if kind == "counter" { "_total" } else { "" };
            self.sample(&format!("{name}{total}"), &[], value);
        }
    }
}

/// OpenMetrics 1.0, "escaped-string".
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// All there is to tell now.
pub fn reply(service: &Service) -> Reply {
    let mut metrics = Metrics::default();
    agent(service, &mut metrics);
    commands(service, &mut metrics);
    work(service, &mut metrics);
    machine(service, &mut metrics);
    metrics.0.push_str("# EOF\n");
    Reply {
        status: 200,
        headers: vec![("Content-Type", CONTENT_TYPE.to_owned())],
        body: metrics.0,
    }
}

fn agent(service: &Service, metrics: &mut Metrics) {
    metrics.family("ironlet_build", "info", "Which build this is.");
    metrics.sample("ironlet_build_info", &[("version", service.version)], 1);
    metrics.family(
        "ironlet_start_time_seconds",
        "gauge",
        "When the agent began, in seconds since 1970.",
    );
    metrics.sample("ironlet_start_time_seconds", &[], service.started_at);
    metrics.family(
        "ironlet_machine_uptime_seconds",
        "gauge",
        "How long ago the kernel began.",
    );
    metrics.sample(
        "ironlet_machine_uptime_seconds",
        &[],
        kernel::uptime().as_secs_f64(),
    );
}

/// How many commands of each name are at each status.
fn commands(service: &Service, metrics: &mut Metrics) {
    let mut counts: Vec<(String, String, u64)> = Vec::new();
    let Some(engine) = &service.engine else {
        return;
    };
    for entry in engine.list() {
        let status = match entry.to_json() {
            Value::Object(shown) => shown.get("command_status").cloned(),
            _ => None,
        };
        let Some(Value::String(status)) = status else {
            continue;
        };
        let name = entry.full_name();
        match counts
            .iter_mut()
            .find(|(of, at, _)| of == name && *at == status)
        {
            Some((.., count)) => *count += 1,
            None => counts.push((name.to_owned(), status, 1)),
        }
    }
    metrics.family(
        "ironlet_commands",
        "gauge",
        "Commands of Ironic's by name and status.",
    );
    for (name, status, count) in &counts {
        metrics.sample(
            "ironlet_commands",
            &[("command", name), ("status", status)],
            count,
        );
    }
}

/// How far the work at hand is, and how much there was of it.
fn work(service: &Service, metrics: &mut Metrics) {
    let own = service.engine.as_ref();
    let Some(progress) = own.map_or_else(status::gauge, |engine| Some(engine.progress().clone()))
    else {
        return;
    };
    if let Some(reading) = progress.read() {
        let stage = [("stage", &*reading.stage)];
        metrics.family(
            "ironlet_stage_bytes",
            "gauge",
            "How far the stage of the work at hand is.",
        );
        metrics.sample("ironlet_stage_bytes", &stage, reading.done.0);
        if let Some(total) = reading.total {
            metrics.family(
                "ironlet_stage_size_bytes",
                "gauge",
                "How far that stage goes.",
            );
            metrics.sample("ironlet_stage_size_bytes", &stage, total.0);
        }
    }
    let sums = progress.sums();
    let mut sum = |name, help, value| metrics.one(name, "counter", help, Some(value));
    sum(
        "ironlet_work_bytes",
        "Bytes that all stages of all work came through.",
        sums.bytes,
    );
    sum("ironlet_work_stages", "Stages that began.", sums.stages);
    sum(
        "ironlet_work_interruptions",
        "How often a stage stood still, to be tried again.",
        sums.interruptions,
    );
}

/// What the kernel counts.
fn machine(service: &Service, metrics: &mut Metrics) {
    let host = &service.host;
    let available = Memory::of(host).available().map(|bytes| bytes.0);
    metrics.one(
        "ironlet_memory_available_bytes",
        "gauge",
        "Memory that can be had without swapping.",
        available,
    );
    let resident = attribute(host.proc("self/statm")).and_then(|text| {
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * kernel::page_size() as u64)
    });
    metrics.one(
        "ironlet_resident_memory_bytes",
        "gauge",
        "Memory of the agent itself.",
        resident,
    );
    let disks = names(host.sys("block"));
    let stat = |disk: &str| -> Option<Vec<u64>> {
        let text = attribute(host.sys("block").join(disk).join("stat"))?;
        text.split_whitespace()
            .map(|word| word.parse().ok())
            .collect()
    };
    let disks: Vec<_> = disks
        .iter()
        .take(MOST)
        .filter_map(|disk| Some((disk, stat(disk)?)))
        .collect();
    // Documentation/block/stat.rst: the third field are sectors read, the seventh sectors written.
    for (name, at, help) in [
        (
            "ironlet_disk_read_bytes",
            2,
            "Bytes read from each block device, as the kernel counts.",
        ),
        (
            "ironlet_disk_written_bytes",
            6,
            "Bytes written to each block device, as the kernel counts.",
        ),
    ] {
        metrics.family(name, "counter", help);
        for (disk, fields) in &disks {
            if let Some(sectors) = fields.get(at) {
                let bytes = sectors.saturating_mul(SECTOR);
                metrics.sample(&format!("{name}_total"), &[("device", disk)], bytes);
            }
        }
    }
    let links = names(host.sys("class/net"));
    for (name, file, help) in [
        (
            "ironlet_network_received_bytes",
            "rx_bytes",
            "Bytes received by each network card.",
        ),
        (
            "ironlet_network_sent_bytes",
            "tx_bytes",
            "Bytes sent by each network card.",
        ),
    ] {
        metrics.family(name, "counter", help);
        for link in links.iter().take(MOST) {
            let path = host
                .sys("class/net")
                .join(link)
                .join("statistics")
                .join(file);
            if let Some(bytes) = attribute(path).and_then(|text| text.parse::<u64>().ok()) {
                metrics.sample(&format!("{name}_total"), &[("device", link)], bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_end_themselves() {
        let mut metrics = Metrics::default();
        metrics.sample("x", &[("a", "1\"}\n\\"), ("b", "")], 1.5);
        assert_eq!(metrics.0, "x{a=\"1\\\"}\\n\\\\\",b=\"\"} 1.5\n");
    }
}
