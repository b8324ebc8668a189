//! Names that are almost another: for whoever must not take a slip of the fingers for silence. Pure.

/// No name that anybody means is longer; the work grows by the square.
const LONGEST: usize = 64;

/// Which of `known` somebody who wrote `word` will have meant: the same but for letter case and `-`, `_` and `.`, or for two letters at the
/// most, one in short ones. None where the word is one of them.
pub fn near_miss<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let bare = bare(word);
    known.into_iter().find(|other| {
        let own = self::bare(other);
        let slips = if own.len() < 8 { 1 } else { 2 };
        *other != word && distance(&bare, &own) <= slips
    })
}

fn bare(word: &str) -> Vec<u8> {
    let bytes = word.bytes().filter(|byte| !b"-_.".contains(byte));
    bytes.map(|byte| byte.to_ascii_lowercase()).collect()
}

/// How many letters are too many, too few, others or in their neighbour's place (optimal string alignment).
fn distance(one: &[u8], two: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut row = vec![at + 1];
        for (to, other) in two.iter().enumerate() {
            let put = (last[to + 1] + 1).min(row[to] + 1);
            let kept = last[to] + usize::from(letter != other);
            let is_swap = at > 0 && to > 0 && *letter == two[to - 1] && one[at - 1] == *other;
            let swapped = if is_swap {
                before[to - 1] + 1
            } else {
                usize::MAX
            };
            row.push(put.min(kept).min(swapped));
        }
        before = std::mem::replace(&mut last, row);
    }
    last[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["ironlet.order-key", "cafile", "ironlet.disk"];
        for (word, meant) in [
            ("ironlet.order_key", Some("ironlet.order-key")),
            ("Ironlet.Order-Key", Some("ironlet.order-key")),
            ("ironlet-order-key", Some("ironlet.order-key")),
            ("ironlet.oder-keys", Some("ironlet.order-key")),
            ("irnolet.order-key", Some("ironlet.order-key")),
            ("ironlet.order-key", None),
            ("ironlet.order", None),
            ("ironlet.disks", Some("ironlet.disk")),
            ("ca_file", Some("cafile")),
            ("cafil", Some("cafile")),
            ("certfile", None),
            ("console", None),
            ("", None),
        ] {
            assert_eq!(near_miss(word, known), meant, "{word}");
        }
        assert_eq!(near_miss(&"ironlet.disk".repeat(9), known), None);
    }
}
