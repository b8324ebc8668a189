//! An overview of a machine as one HTML document that needs nothing else: no script, no font, no picture. Pure.
//!
//! Whatever comes from disks, servers and the log is text to it, of a bounded length.

use std::fmt::{self, Display, Write};
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
    fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A number or a size, which needs no escaping.
    fn show(&mut self, value: &dyn Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{value}");
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
    let word = status.phase.word();
    let mut html = Html::default();
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><meta http-equiv=refresh content=")
        .show(&AGAIN.as_secs())
        .raw("><title>");
    match overview.progress.as_ref().and_then(percent) {
        Some(percent) if status.phase == Phase::Working => html.show(&percent).raw(" %"),
        _ => html.raw(word),
    };
    html.raw(" · ").text(title);
    html.raw("</title><style>")
        .raw(STYLE)
        .raw("</style><body class=")
        .raw(word);
    html.raw("><header><div><h1>")
        .text(title)
        .raw("</h1><p class=m>")
        .text(&machine.vendor);
    html.raw("</p></div><span class=pill>")
        .raw(word)
        .raw("</span></header><main>");
    work(overview, &mut html);
    html.raw("<section><h2>Disks</h2><ul>");
    for disk in status.disks.iter().take(MOST) {
        one_disk(disk, &mut html);
    }
    if status.disks.is_empty() {
        html.raw("<li class=m>not looked at yet");
    }
    html.raw("</ul></section>");
    identity(overview, &mut html);
    html.raw("<section class=w><h2>Log, newest first</h2><pre>");
    for line in log.iter().rev() {
        one_line(line, &mut html);
    }
    html.raw("</pre></section></main><footer>ironlet ")
        .raw(overview.version);
    html.raw(" · up ")
        .show(&Span(overview.uptime))
        .raw(" · this page renews itself</footer>");
    html.0
}

/// What goes on and how far it is, how it failed, or that it is done.
fn work(overview: &Overview, html: &mut Html) {
    let status = &overview.status;
    let is_working = status.phase == Phase::Working;
    html.raw("<section class=\"now w ");
    html.raw(status.phase.word()).raw("\">");
    match (&overview.progress, &overview.failure) {
        (Some(reading), _) if is_working => progress(reading, html),
        (_, Some(failure)) if status.phase == Phase::Failed => why(failure, status.failures, html),
        _ => {
            html.raw("<b>").raw(status.phase.word()).raw("</b>");
        }
    }
    // What stands below already need not stand above as well.
    let image: String = status.image.chars().take(100).collect();
    let says_more = match status.phase {
        Phase::Failed => false,
        _ => image.is_empty() || !overview.state.contains(&image),
    };
    if says_more {
        html.raw("<p>").text(&overview.state).raw("</p>");
    }
    if !status.disk.is_empty() {
        html.raw("<p class=m>")
            .text(&status.image)
            .raw(" → ")
            .text(&status.disk)
            .raw("</p>");
    }
    if let Some((bytes, seconds)) = &status.written {
        html.raw("<p class=m>")
            .show(bytes)
            .raw(" written and verified in ")
            .show(&Span(*seconds))
            .raw("</p>");
    }
    html.raw("</section>");
    if let Some((words, _)) = &overview.failure
        && status.phase != Phase::Failed
    {
        html.raw("<section class=w><h2>What failed before</h2><p>");
        html.text(words).raw("</p></section>");
    }
}

fn why((words, advice): &(String, &str), times: u32, html: &mut Html) {
    html.raw("<h2 class=k>What failed");
    if times > 1 {
        html.raw(" · attempt ").show(&times);
    }
    html.raw("</h2><p>")
        .text(words)
        .raw("</p><h2>What to try</h2><p>")
        .raw(advice)
        .raw("</p>");
}

fn progress(reading: &Reading, html: &mut Html) {
    html.raw("<h2>").text(&reading.stage).raw("</h2>");
    let percent = percent(reading);
    if let Some(percent) = percent {
        html.raw("<div class=sum><b>").show(&percent).raw(" %</b>");
        if let Some(left) = reading.left {
            html.raw("<span>").show(&Span(left)).raw(" left</span>");
        }
        html.raw("</div><div class=bar><i style=width:")
            .show(&percent)
            .raw("%></i></div>");
    }
    if reading.done.0 == 0 {
        return;
    }
    html.raw("<div class=sum><span>").show(&reading.done);
    if let Some(total) = reading.total {
        html.raw(" of ").show(&total);
    }
    let rate = reading.rate as f64 / MIB as f64;
    html.raw("</span><span>")
        .show(&format_args!("{rate:.0} MiB/s"))
        .raw("</span></div>");
}

fn percent(reading: &Reading) -> Option<u64> {
    let total = reading.total.filter(|total| total.0 > 0)?;
    let percent = u128::from(reading.done.0) * 100 / u128::from(total.0);
    Some(percent.min(100) as u64)
}

fn one_disk(disk: &DiskLine, html: &mut Html) {
    html.raw("<li><div class=sum><strong>")
        .text(&disk.name)
        .raw("</strong>");
    if disk.is_chosen {
        html.raw("<em>chosen</em>");
    }
    html.raw("<span>")
        .show(&disk.size)
        .raw("</span></div><p>")
        .text(&disk.known_as);
    html.raw("</p><p class=m>").text(&disk.why).raw("</p>");
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
    html.fact("Firmware", &machine.firmware.to_uppercase());
    html.fact("Switch", status.row(Row::Switch));
    for card in overview.cards.iter().take(MOST) {
        one_card(card, html);
    }
    html.raw("</dl></section>");
}

fn one_card(card: &Interface, html: &mut Html) {
    html.raw("<dt>").text(&card.name).raw("</dt><dd>");
    for address in card.ipv4.iter().chain(&card.ipv6) {
        html.text(address).raw("<br>");
    }
    html.raw("<code class=m>").text(&card.mac).raw("</code>");
    if !card.carrier {
        html.raw("<br>no carrier");
    }
    html.raw("</dd>");
}

/// `[   12.345] error image: what`: when and what; how bad it is shows.
fn one_line(line: &str, html: &mut Html) {
    let (time, rest) = line.split_once("] ").unwrap_or(("", line));
    let (level, text) = rest.split_at_checked(6).unwrap_or(("", rest));
    html.raw("<div class=").raw(match level {
        "error " => "failed",
        "warn  " => "warn",
        _ => "m",
    });
    html.raw("><i>")
        .text(time.trim_start_matches(['[', ' ']))
        .raw("</i>")
        .text(text)
        .raw("</div>");
}

/// A time for people: `12 s`, `3 min 20 s`, `2 h 5 min`.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_opens_and_closes_nothing() {
        for (text, shown) in [
            (
                "<b a='1' c=\"2\">&amp;",
                "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;",
            ),
            (
                "a\u{202e}b\u{0}c\u{2067}\n",
                "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}",
            ),
            ("GET http://u:p@h/x?sig=1", "GET http://h/x"),
            ("token=abc ü", "token=(secret) ü"),
        ] {
            assert_eq!(Html::default().text(text).0, shown);
        }
        let long = Html::default().text(&"<".repeat(9999)).0.len();
        assert_eq!(long, LONGEST * 4);
    }

    #[test]
    fn a_line_of_the_log_is_told_by_its_level() {
        for (line, class) in [
            ("[    1.5] error x: y", "failed"),
            ("[    1.5] warn  x: y", "warn"),
            ("[    1.5] info  x: y", "m"),
        ] {
            let mut html = Html::default();
            one_line(line, &mut html);
            assert_eq!(html.0, format!("<div class={class}><i>1.5</i>x: y</div>"));
        }
        let mut html = Html::default();
        one_line("é", &mut html);
        assert_eq!(html.0, "<div class=m><i></i>é</div>");
    }

    #[test]
    fn times_are_told_as_people_do() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (200, "3 min 20 s"),
            (7500, "2 h 5 min"),
        ] {
            assert_eq!(Span(Duration::from_secs(seconds)).to_string(), told);
        }
    }
}
