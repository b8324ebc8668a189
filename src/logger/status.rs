//! What the machine is and what it is at, for whoever stands before its screen.

use std::sync::{Mutex, PoisonError};

use crate::logger::{LOGGER, harmless};

/// A row of the status block, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Who made it, and its serial number.
    Machine,
    /// Those of its network cards.
    Addresses,
    /// The switch and the port it is connected to.
    Switch,
    /// Who it is to Ironic.
    Node,
    /// What it does, or waits for.
    State,
    /// How far the work is.
    Progress,
}

/// Named as in the block; the name of the program stands before all of them.
const ROWS: [(Row, &str); 6] = [
    (Row::Machine, "machine"),
    (Row::Addresses, "addresses"),
    (Row::Switch, "switch"),
    (Row::Node, "node"),
    (Row::State, "state"),
    (Row::Progress, "progress"),
];
/// Characters of one value; no screen is wider than that.
const WIDEST: usize = 200;

static SHOWN: Mutex<[String; ROWS.len()]> = Mutex::new([const { String::new() }; ROWS.len()]);

/// Shows `text` from now on, on screens alone: the log has a line of its own for whatever changes.
pub fn set(row: Row, text: &str) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = harmless(text, WIDEST);
    let place = &mut shown[row as usize];
    if *place == text {
        return;
    }
    *place = text;
    if let Some(consoles) = LOGGER.get().and_then(|logger| logger.consoles.as_ref()) {
        consoles.block(rows(&shown));
    }
}

/// As many for every text: a block that grew would take lines of the log.
fn rows(shown: &[String; ROWS.len()]) -> Vec<String> {
    let title = format!(" ironlet {}", env!("CARGO_PKG_VERSION"));
    let values = ROWS.iter().zip(shown);
    let values = values.map(|((_, name), text)| format!(" {name:<10} {text}"));
    [title].into_iter().chain(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_a_row_for_each_whatever_is_known() {
        let mut shown = [const { String::new() }; ROWS.len()];
        let none = rows(&shown);
        shown[4] = "waiting for an address".to_owned();
        let some = rows(&shown);
        assert_eq!((none.len(), some.len()), (7, 7));
        assert_eq!(some[5], " state      waiting for an address");
        for (place, (row, _)) in ROWS.iter().enumerate() {
            assert_eq!(*row as usize, place, "{row:?}");
        }
    }

    #[test]
    fn a_text_from_outside_stays_in_its_row() {
        set(Row::Switch, &format!("a\u{1b}[2Jb\n{}", "x".repeat(900)));
        let shown = SHOWN.lock().expect("nobody panics")[2].clone();
        assert!(shown.starts_with("a\\u{1b}[2Jb\\n"), "{shown}");
        assert!(shown.len() < WIDEST + 20);
    }
}
