//! What is to be said of the parameters once there is a log: names nobody knows, settings without effect.

use crate::codec::near_miss::near_miss;
use crate::config::table::{Effect, TABLE};
use crate::config::values::Values;

/// Names told of one origin; a file may be full of them.
const NAMED: usize = 20;
/// Characters told of one name.
const LONGEST: usize = 64;

#[derive(Default)]
pub struct Notes {
    said: Vec<String>,
    /// What is the matter with some names, and each name once.
    named: Vec<(String, Vec<String>)>,
}

impl Notes {
    pub fn say(&mut self, note: String) {
        self.said.push(note);
    }

    /// Notes a name that is in no table, where it stands first.
    pub fn unknown(&mut self, origin: &str, name: &str) {
        let matter = format!("{origin} sets what nobody here knows");
        match meant(name) {
            Some(meant) => {
                let name = name.escape_debug(); // it is short, being almost that
                self.told(matter, format!("{name} (did you mean {meant}?)"));
            }
            None => self.name(matter, name),
        }
    }

    /// Notes a name of upstream's that has no meaning here.
    pub fn declined(&mut self, origin: &str, name: &str, reason: &str) {
        self.name(
            format!("{origin} sets what has no effect here ({reason})"),
            name,
        );
    }

    fn name(&mut self, matter: String, name: &str) {
        let name: String = name.chars().take(LONGEST).collect();
        self.told(matter, name.escape_debug().to_string());
    }

    fn told(&mut self, matter: String, name: String) {
        if self.named.iter().any(|(_, names)| names.contains(&name)) {
            return;
        }
        match self.named.iter_mut().find(|(of, _)| *of == matter) {
            // One more than is told, so that it is known that there are more.
            Some((_, names)) if names.len() > NAMED => {}
            Some((_, names)) => names.push(name),
            None => self.named.push((matter, vec![name])),
        }
    }

    /// Notes what was set, and does nothing in this build.
    pub fn idle(&mut self, values: &Values) {
        let idle = TABLE.iter().filter(|parameter| {
            parameter.effect == Effect::Ignored
                && values.text(parameter.title()) != default(parameter.default)
        });
        let idle: Vec<_> = idle.map(|parameter| parameter.title()).collect();
        if !idle.is_empty() {
            self.say(format!("accepted, but without effect: {}", idle.join(", ")));
        }
    }

    pub fn lines(self) -> Vec<String> {
        let named = self.named.into_iter().map(|(matter, names)| {
            let more = if names.len() > NAMED { ", …" } else { "" };
            let names = names[..names.len().min(NAMED)].join(", ");
            format!("{matter}: {names}{more}")
        });
        self.said.into_iter().chain(named).collect()
    }
}

/// The parameter that whoever wrote `name` may have meant: by the names of command lines, or where there is none by those of files.
fn meant(name: &str) -> Option<&'static str> {
    let names = TABLE.iter().flat_map(|own| [own.name, own.key]);
    near_miss(name, names.filter(|name| !name.is_empty()))
}

fn default(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}
