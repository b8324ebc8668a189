//! What servers said that gained nothing: told once for each cause, and in a few words to whoever asks why there is
//! no address.

use std::collections::BTreeSet;

use log::Level;

/// Causes remembered; whoever invents more is not heard any more.
const CAUSES: usize = 32;

/// Of one card.
#[derive(Default)]
pub struct Refusals {
    told: BTreeSet<String>,
    /// How many messages, and the last cause, since there was a lease or a cable.
    count: u32,
    last: String,
}

impl Refusals {
    /// A message that came on `card`, and what is wrong with it.
    pub fn note(&mut self, card: &str, level: Level, why: String) {
        if level > Level::Warn {
            return self.tell(card, level, why);
        }
        self.count = self.count.saturating_add(1);
        self.last.clone_from(&why);
        self.tell(card, level, format!("an answer of no use: {why}"));
    }

    /// The same of a message that is of use all the same.
    pub fn tell(&mut self, card: &str, level: Level, why: String) {
        if self.told.len() < CAUSES && !self.told.contains(&why) {
            log::log!(level, "{card}: DHCP: {why}");
            self.told.insert(why);
            if self.told.len() == CAUSES {
                log::warn!("{card}: DHCP: what else is wrong with answers is not told any more");
            }
        }
    }

    /// How many messages were refused, and why; none if none was.
    pub fn summary(&self) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("an answer came and was of no use: {}", self.last)),
            count => Some(format!(
                "{count} answers came and were of no use, the last one: {}",
                self.last
            )),
        }
    }

    /// There is a lease, or another cable: what was refused before says nothing any more.
    pub fn forget(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cause_is_told_and_what_is_no_refusal_is_not() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.summary(), None);
        refusals.note(
            "eth0",
            Level::Info,
            "another server offers an address, too".into(),
        );
        refusals.tell("eth0", Level::Warn, "option 26 makes no sense".into());
        assert_eq!(refusals.summary(), None);
        for cause in 0..100 {
            refusals.note("eth0", Level::Warn, format!("cause {cause}"));
        }
        assert_eq!(refusals.told.len(), CAUSES);
        let told = "100 answers came and were of no use, the last one: cause 99";
        assert_eq!(refusals.summary().as_deref(), Some(told));
        refusals.forget();
        assert_eq!(refusals.summary(), None);
    }
}
