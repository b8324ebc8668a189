//! Sorts short lists: the names in a folder, the disks of a machine.
//!
//! The standard library's sorts are made for long lists and cost four kilobytes of this binary for every type sorted;
//! these lists have some hundred items at most.

/// Orders `items` so that no `key` is smaller than the one before it; equals stay as they stood.
pub fn by_key<T, K: PartialOrd>(items: &mut [T], key: impl Fn(&T) -> K) {
    by(items, |one, other| key(one) < key(other));
}

/// Orders `items` by what comes `before` what; equals stay as they stood.
pub fn by<T>(items: &mut [T], before: impl Fn(&T, &T) -> bool) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && before(&items[at], &items[at - 1]) {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn equals_stay_as_they_stood() {
        let mut words = ["bb", "a", "cc", "", "d", "ee"];
        crate::small_sort::by_key(&mut words, |word| word.len());
        assert_eq!(words, ["", "a", "d", "bb", "cc", "ee"]);
        crate::small_sort::by(&mut words, |one, other| one > other);
        assert_eq!(words, ["ee", "d", "cc", "bb", "a", ""]);
    }
}
