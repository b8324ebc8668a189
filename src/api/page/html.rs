//! An overview of a machine as one HTML document that needs nothing else: no script, no font, no picture. Pure.
//!
//! Whatever comes from disks, servers and the log is text to it, of a bounded length.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::inventory::Interface;
use crate::logger::status::{DiskLine, Phase, Row};
use crate::redaction::clean;
use crate::report::overview::Overview;
use crate::units::MIB;
use crate::work_progress::Reading;

const STYLE: &str = include_str!("style.css");
/// Between two looks of a browser.
const AGAIN: Duration = Duration::from_secs(2);
/// Characters of one text; disks and cards shown.
const LONGEST: usize = 600;
const MOST: usize = 64;

#[derive(Default)]
struct Html(String);

impl Html {
    /// Markup of our own.
    fn raw(&mut self, markup: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{markup}");
        self
    }

    /// Anybody's text, without its secrets.
    fn text(&mut self, text: &str) -> &mut Self {
        for character in clean(text.as_bytes()).chars().take(LONGEST) {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What turns the order of characters around, and what steers a terminal.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                control if control.is_control() => self.0.push('\u{fffd}'),
                plain => self.0.push(plain),
            }
        }
        self
    }

    /// A row of a list; nothing of what is not known.
    fn fact(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.raw("<dt>").raw(name).raw("</dt><dd>");
            self.text(text).raw("</dd>");
        }
    }
}

/// The whole document; `log` are its last lines.
pub fn page(overview: &Overview, log: &[String]) -> String {
    let (machine, status) = (&overview.machine, &overview.status);
    let title = match machine.product.as_str() {
        "" => "This machine",
        product => product,
    };
    let pill = match overview.progress.as_ref().and_then(percent) {
        Some(percent) if status.phase == Phase::Working => format!("{percent} %"),
        _ => status.phase.word().to_owned(),
    };
    let mut html = Html::default();
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><meta http-equiv=refresh content=")
        .raw(AGAIN.as_secs()).raw("><link rel=icon href=\"data:,\"><title>").raw(&pill).raw(" · ").text(title)
        .raw("</title><style>").raw(STYLE).raw("</style><body class=").raw(status.phase.word())
        .raw("><header><div><h1>").text(title).raw("</h1><p class=m>");
    let known = [&machine.vendor, &machine.serial];
    let known: Vec<&str> = known
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    html.text(&known.join(" · "))
        .raw("</p></div><span class=pill>")
        .raw(status.phase.word())
        .raw("</span></header><main>");
    work(overview, &mut html);
    if let Some((words, advice)) = &overview.failure {
        html.raw("<section class=\"f w\"><h2>What failed")
            .raw(match status.failures {
                0 | 1 => String::new(),
                times => format!(" · {times} times"),
            });
        html.raw("</h2><p>")
            .text(words)
            .raw("</p><h2>What to try</h2><p>")
            .raw(advice)
            .raw("</p></section>");
    }
    html.raw("<section><h2>Disks</h2><ul>");
    for disk in status.disks.iter().take(MOST) {
        one_disk(disk, &mut html);
    }
    if status.disks.is_empty() {
        html.raw("<li class=m>not looked at yet");
    }
    html.raw("</ul></section>");
    identity(overview, &mut html);
    html.raw("<section class=w><h2>Log</h2><pre>");
    for line in log {
        let bad = line.contains("] error ");
        html.raw(if bad { "<span class=e>" } else { "" })
            .text(line)
            .raw(if bad { "</span>\n" } else { "\n" });
    }
    html.raw("</pre></section></main><footer>ironlet ")
        .raw(overview.version)
        .raw(" · up ")
        .raw(Span(overview.uptime))
        .raw(" · this page renews itself</footer>");
    html.0
}

/// What goes on, how far it is.
fn work(overview: &Overview, html: &mut Html) {
    let status = &overview.status;
    html.raw("<section class=\"now w\">");
    if status.phase == Phase::Working
        && let Some(reading) = &overview.progress
    {
        progress(reading, html);
    }
    html.raw("<p>").text(&overview.state).raw("</p>");
    if !status.disk.is_empty() {
        html.raw("<p class=m>")
            .text(&status.image)
            .raw(" → ")
            .text(&status.disk)
            .raw("</p>");
    }
    html.raw("</section>");
}

fn progress(reading: &Reading, html: &mut Html) {
    html.raw("<h2>").text(&reading.stage).raw("</h2>");
    let percent = percent(reading);
    if let Some(percent) = percent {
        html.raw("<b>")
            .raw(percent)
            .raw(" %</b><div class=bar><i style=width:")
            .raw(percent)
            .raw("%></i></div>");
    }
    if reading.done.0 == 0 {
        return;
    }
    html.raw("<div class=sum><span>").raw(reading.done);
    if let Some(total) = reading.total {
        html.raw(" of ").raw(total);
    }
    html.raw("</span><span>")
        .raw(format_args!(
            "{:.0} MiB/s",
            reading.rate as f64 / MIB as f64
        ))
        .raw("</span>");
    if let Some(left) = reading.left {
        html.raw("<span>").raw(Span(left)).raw(" left</span>");
    }
    html.raw("</div>");
}

fn percent(reading: &Reading) -> Option<u64> {
    let total = reading.total.filter(|total| total.0 > 0)?;
    Some((u128::from(reading.done.0) * 100 / u128::from(total.0)).min(100) as u64)
}

fn one_disk(disk: &DiskLine, html: &mut Html) {
    html.raw("<li><div class=d><strong>")
        .text(&disk.name)
        .raw("</strong>");
    if disk.is_chosen {
        html.raw("<em>chosen</em>");
    }
    html.raw("<span class=m>")
        .raw(disk.size)
        .raw("</span></div><p>")
        .text(&disk.known_as)
        .raw("</p><p class=m>")
        .text(&disk.why)
        .raw("</p>");
}

fn identity(overview: &Overview, html: &mut Html) {
    let (machine, status) = (&overview.machine, &overview.status);
    html.raw("<section><h2>Machine</h2><dl>");
    html.fact("Serial", &machine.serial);
    html.fact("UUID", &machine.uuid);
    html.fact("Node", status.row(Row::Node));
    let processors = match machine.processors {
        0 | 1 => machine.processor.clone(),
        many => format!("{many} × {}", machine.processor),
    };
    html.fact("Processor", &processors);
    html.fact("Memory", &machine.memory.to_string());
    html.fact(
        "Firmware",
        if machine.firmware == "uefi" {
            "UEFI"
        } else {
            "BIOS"
        },
    );
    html.fact("Switch", status.row(Row::Switch));
    for card in overview.cards.iter().take(MOST) {
        one_card(card, html);
    }
    html.raw("</dl></section>");
}

fn one_card(card: &Interface, html: &mut Html) {
    html.raw("<dt>").text(&card.name).raw("</dt><dd>");
    let addresses = card.ipv4.iter().chain(&card.ipv6);
    for address in addresses {
        html.text(address).raw("<br>");
    }
    html.raw("<code class=m>").text(&card.mac).raw("</code>");
    if !card.carrier {
        html.raw("<br><span class=e>no carrier</span>");
    }
    html.raw("</dd>");
}

/// A time for people: `12 s`, `3 min 20 s`, `2 h 5 min`.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}
