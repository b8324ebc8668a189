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
    /// How many messages, and the last cause, since there was a lease or a cable; was that a server's refusal?
    count: u32,
    last: String,
    is_no: bool,
}

impl Refusals {
    /// A message that came on `card`, and what is wrong with it.
    pub fn note(&mut self, card: &str, level: Level, why: String) {
        if level > Level::Warn {
            return self.tell(card, level, why);
        }
        self.count(&why, false);
        self.tell(card, level, format!("an answer of no use: {why}"));
    }

    /// The server that was asked said no on `card`, as `why` tells.
    pub fn refuse(&mut self, card: &str, why: String) {
        self.count(&why, true);
        self.tell(card, Level::Warn, why);
    }

    fn count(&mut self, why: &str, is_no: bool) {
        self.count = self.count.saturating_add(1);
        why.clone_into(&mut self.last);
        self.is_no = is_no;
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
            1 if self.is_no => Some(self.last.clone()),
            count if self.is_no => Some(format!("{} (answer {count} in vain)", self.last)),
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
        refusals.refuse("eth0", "the server 192.0.2.9 refused 192.0.2.1".into());
        let told = "the server 192.0.2.9 refused 192.0.2.1 (answer 101 in vain)";
        assert_eq!(refusals.summary().as_deref(), Some(told));
        refusals.forget();
        assert_eq!(refusals.summary(), None);
        let refused = "the server 192.0.2.9 refused 192.0.2.1";
        refusals.refuse("eth0", refused.into());
        assert_eq!(refusals.summary().as_deref(), Some(refused));
    }
}
