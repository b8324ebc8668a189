//! What became of each step of an examination, and how that is told: a line for each, the first wrong one last and in full, or JSON.

use crate::codec::json::{Value, gather, object, print, text, text_or_null};
use crate::logger::harmless;
use crate::redaction::clean;

/// Of what a step is told with, in characters.
const LONGEST: usize = 4000;

/// A step, in the order in which they depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// What was set.
    Parameters,
    /// A network card whose other end is there.
    Link,
    /// An address.
    Dhcp,
    /// Names.
    Dns,
    /// The way to each server.
    Route,
    /// The proxies that are to be asked.
    Proxy,
    /// Certificates.
    Tls,
    /// The time.
    Clock,
    /// Ironic.
    Api,
    /// The image.
    Image,
    /// The document that says what to do.
    Order,
    /// The disk an image would go to.
    Disks,
}

/// By the names people call them.
const NAMES: [(Step, &str); 12] = [
    (Step::Parameters, "parameters"),
    (Step::Link, "link"),
    (Step::Dhcp, "dhcp"),
    (Step::Dns, "dns"),
    (Step::Route, "route"),
    (Step::Proxy, "proxy"),
    (Step::Tls, "tls"),
    (Step::Clock, "clock"),
    (Step::Api, "api"),
    (Step::Image, "image"),
    (Step::Order, "order"),
    (Step::Disks, "disks"),
];

impl Step {
    /// As it is told.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }
}

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub step: Step,
    /// What was seen.
    pub why: String,
    /// What to try.
    pub remedy: String,
}

impl Trouble {
    fn told(&self) -> [String; 2] {
        [
            format!(">>> {}: {}", self.step.name().to_uppercase(), self.why),
            format!(">>> TRY: {}", self.remedy),
        ]
    }
}

/// How a step stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Well: the fact that matters.
    Fine(String),
    /// Not well.
    Wrong(Trouble),
    /// Well enough to go on, but hardly as it was meant.
    Doubtful(Trouble),
    /// Nobody knows: why it was not tried.
    Untried(String),
}

impl State {
    /// Not tried: that step is to be mended first.
    pub fn needs(step: Step) -> Self {
        State::Untried(format!("{} comes first", step.name()))
    }
}

/// All steps of one examination.
#[derive(Default)]
pub struct Findings(Vec<(Step, State)>);

impl Findings {
    /// Notes a step, without any secret that came into its words, nor anything that a terminal would obey.
    pub fn note(&mut self, step: Step, state: State) {
        let told = |trouble: Trouble| Trouble {
            why: harmless(&clean(trouble.why.as_bytes()), LONGEST),
            ..trouble
        };
        let state = match state {
            State::Fine(fact) => State::Fine(harmless(&clean(fact.as_bytes()), LONGEST)),
            State::Wrong(trouble) => State::Wrong(told(trouble)),
            State::Doubtful(trouble) => State::Doubtful(told(trouble)),
            untried => untried,
        };
        self.0.push((step, state));
    }

    /// The first step that is wrong: until that is mended, nothing else need be looked at.
    pub fn first(&self) -> Option<&Trouble> {
        self.0.iter().find_map(|(_, state)| match state {
            State::Wrong(trouble) => Some(trouble),
            _ => None,
        })
    }

    /// Is this step wrong?
    pub fn is_wrong(&self, step: Step) -> bool {
        let is_it = |(of, state): &(Step, State)| *of == step && matches!(state, State::Wrong(_));
        self.0.iter().any(is_it)
    }

    /// A line for each step.
    pub fn lines(&self) -> Vec<String> {
        let line = |(step, state): &(Step, State)| {
            let (mark, said) = match state {
                State::Fine(fact) => ("fine   ", fact.clone()),
                State::Wrong(trouble) => ("WRONG  ", trouble.why.clone()),
                State::Doubtful(trouble) => ("DOUBT  ", trouble.why.clone()),
                State::Untried(why) => ("-      ", format!("not tried: {why}")),
            };
            format!("{mark} {:<10} {said}", step.name())
        };
        self.0.iter().map(line).collect()
    }

    /// What to do first, in two lines; none if all is fine.
    pub fn verdict(&self) -> Option<[String; 2]> {
        self.first().map(Trouble::told)
    }

    /// All of it for a person: the lines, and last what stands out.
    pub fn text(&self) -> String {
        let mut lines = self.lines();
        lines.push(String::new());
        match self.verdict() {
            Some(verdict) => lines.extend(verdict),
            None => {
                let doubts = self.0.iter().filter_map(|(_, state)| match state {
                    State::Doubtful(doubt) => Some(doubt.told()),
                    _ => None,
                });
                let doubts: Vec<_> = doubts.flatten().collect();
                let well = match doubts.is_empty() {
                    true => "all that was tried is fine",
                    false => "nothing that was tried is wrong",
                };
                lines.extend(doubts);
                lines.push(well.to_owned());
            }
        }
        lines.join("\n")
    }

    /// `{"first": "dns", "steps": [{"step", "state", "what", "try"}, …]}`: `state` is `fine`, `doubtful`, `wrong` or `not tried`; `first`
    /// is null where nothing is wrong, `try` where there is nothing to.
    pub fn json(&self) -> String {
        let step = |(step, state): &(Step, State)| {
            let (word, what, remedy) = match state {
                State::Fine(fact) => ("fine", fact, None),
                State::Wrong(trouble) => ("wrong", &trouble.why, Some(trouble.remedy.as_str())),
                State::Doubtful(doubt) => ("doubtful", &doubt.why, Some(doubt.remedy.as_str())),
                State::Untried(why) => ("not tried", why, None),
            };
            object([
                ("step", text(step.name())),
                ("state", text(word)),
                ("what", text(what.as_str())),
                ("try", text_or_null(remedy)),
            ])
        };
        let first = self.first().map(|first| first.step.name());
        print(&Value::Object(gather([
            ("first".to_owned(), text_or_null(first)),
            (
                "steps".to_owned(),
                Value::Array(self.0.iter().map(step).collect()),
            ),
        ])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        let mut findings = Findings::default();
        findings.note(Step::Link, State::Fine("eth0".into()));
        for (step, why) in [(Step::Dns, "no name"), (Step::Disks, "no disk")] {
            let wrong = Trouble {
                step,
                why: format!("{why} at http://u:hunter2@h/x?sig=hunter2"),
                remedy: format!("mend {}", step.name()),
            };
            findings.note(step, State::Wrong(wrong));
        }
        findings.note(Step::Route, State::Untried("dns is wrong".into()));
        findings
    }

    #[test]
    fn the_first_wrong_step_comes_last_and_in_full() {
        let text = findings().text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "fine    link       eth0");
        assert_eq!(lines[3], "-       route      not tried: dns is wrong");
        assert_eq!(lines[5], ">>> DNS: no name at http://h/x");
        assert_eq!(lines[6], ">>> TRY: mend dns");
        assert!(!text.contains("hunter2"), "{text}");
        let json = findings().json();
        assert!(json.contains("\"first\":\"dns\""), "{json}");
        assert!(json.contains("\"state\":\"not tried\""), "{json}");
        assert!(!json.contains("hunter2"), "{json}");
        let mut fine = Findings::default();
        fine.note(Step::Link, State::Fine("eth0".into()));
        assert!(fine.first().is_none() && fine.text().ends_with("is fine"));
        assert!(fine.json().contains("\"first\":null"));
        let doubt = Trouble {
            step: Step::Parameters,
            why: "odrer".into(),
            remedy: "order".into(),
        };
        fine.note(Step::Parameters, State::Doubtful(doubt));
        let (text, json) = (fine.text(), fine.json());
        let last = ">>> PARAMETERS: odrer\n>>> TRY: order\nnothing that was tried is wrong";
        assert!(fine.first().is_none() && text.ends_with(last), "{text}");
        assert!(text.contains("DOUBT   parameters odrer"), "{text}");
        let told = "\"state\":\"doubtful\",\"step\":\"parameters\",\"try\":\"order\"";
        assert!(
            json.contains("\"first\":null") && json.contains(told),
            "{json}"
        );
    }

    #[test]
    fn every_step_has_its_name() {
        for (place, (step, _)) in NAMES.iter().enumerate() {
            assert_eq!(*step as usize, place);
        }
    }
}
