//! What a hint may say of one value: the operators of Ironic's matcher and what they hold of (protocol/inventory.md §7).

use std::cmp::Ordering;
use std::slice;

use crate::disk::raid::array_name::ArrayName;

/// What must hold of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A boolean hint.
    Is(bool),
    /// Compared letter by letter.
    Text(Relation, String),
    /// It has this text in it.
    Contains(String),
    /// It is one of these.
    OneOf(Vec<String>),
    /// Compared as numbers.
    Number(Relation, f64),
    /// From, to; is the end itself within?
    Range((f64, bool), (f64, bool)),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// `s==`, `=` for text, `==` for numbers.
    Equal,
    /// `s!=`, `!=`.
    Unequal,
    /// `s<`, `<`.
    Less,
    /// `s<=`, `<=`.
    AtMost,
    /// `s>`, `>`.
    More,
    /// `s>=`, `>=`, and `=` for numbers, as Ironic has it.
    AtLeast,
}

#[derive(Clone, Copy)]
enum Operator {
    Text(Relation),
    Number(Relation),
    In,
    Or,
    Range,
}

/// A longer sign stands before one it begins with. `=` alone has always meant at least.
static OPERATORS: [(&str, Operator); 16] = [
    ("<range-in>", Operator::Range),
    ("<or>", Operator::Or),
    ("<in>", Operator::In),
    ("s==", Operator::Text(Relation::Equal)),
    ("s!=", Operator::Text(Relation::Unequal)),
    ("s<=", Operator::Text(Relation::AtMost)),
    ("s>=", Operator::Text(Relation::AtLeast)),
    ("s<", Operator::Text(Relation::Less)),
    ("s>", Operator::Text(Relation::More)),
    ("==", Operator::Number(Relation::Equal)),
    ("!=", Operator::Number(Relation::Unequal)),
    ("<=", Operator::Number(Relation::AtMost)),
    (">=", Operator::Number(Relation::AtLeast)),
    ("=", Operator::Number(Relation::AtLeast)),
    ("<", Operator::Number(Relation::Less)),
    (">", Operator::Number(Relation::More)),
];

impl Test {
    /// Does it hold of a number?
    pub fn number(&self, value: f64) -> bool {
        let order = |bound: f64| value.partial_cmp(&bound);
        match self {
            Test::Number(relation, wanted) => order(*wanted).is_some_and(|it| relation.holds(it)),
            Test::Range((low, from), (high, to)) => {
                let above = order(*low);
                let below = order(*high);
                (above == Some(Ordering::Greater) || *from && above == Some(Ordering::Equal))
                    && (below == Some(Ordering::Less) || *to && below == Some(Ordering::Equal))
            }
            _ => false,
        }
    }

    /// Does it hold of a text? Letter case and blanks around it do not matter.
    pub fn text(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        match self {
            // What says nothing matches nothing.
            _ if value.is_empty() => false,
            Test::Text(relation, wanted) => relation.holds(value.cmp(wanted)),
            Test::Contains(part) => value.contains(part),
            Test::OneOf(several) => several.contains(&value),
            Test::Number(..) | Test::Range(..) => {
                value.parse().is_ok_and(|value| self.number(value))
            }
            Test::Is(_) => false,
        }
    }
}

impl Test {
    /// What a value must be, or must not be, letter by letter; empty for any other test.
    pub fn words(&self) -> &[String] {
        match self {
            Test::Text(Relation::Equal | Relation::Unequal, word) => slice::from_ref(word),
            Test::OneOf(several) => several,
            _ => &[],
        }
    }

    /// Does it hold of an array, by any of its names?
    pub fn array(&self, name: &ArrayName) -> bool {
        match self {
            Test::Text(Relation::Equal, _) | Test::OneOf(_) => {
                self.words().iter().any(|word| name.is(word))
            }
            _ => self.text(name.volume()),
        }
    }
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Unequal => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::AtMost => order.is_le(),
            Relation::More => order.is_gt(),
            Relation::AtLeast => order.is_ge(),
        }
    }
}

/// The operator an expression begins with, if any, and what follows.
fn operator(expression: &str) -> Result<(Option<Operator>, &str), String> {
    if expression.starts_with("<all-in>") {
        return Err(unfit(|_| true)); // for lists, which disks have none of
    }
    for (sign, operator) in &OPERATORS {
        if let Some(rest) = expression.strip_prefix(sign) {
            return match rest.trim() {
                "" => Err(format!("has nothing after {sign}")),
                rest => Ok((Some(*operator), rest)),
            };
        }
    }
    Ok((None, expression))
}

/// The operator that a value begins with or has in it. Whoever writes `a <or> b` or `<in> a <in> b` means more
/// than a disk's text with these signs in it, and must not be taken to mean that no disk fits.
fn sign_within(value: &str) -> Option<&'static str> {
    let mut signs = OPERATORS.iter().map(|(sign, _)| *sign);
    signs.find(|sign| match sign.strip_suffix('>') {
        Some(word) if word.len() > 1 => value.contains(sign),
        _ => sign.len() > 1 && value.starts_with(sign),
    })
}

/// A test of a text; the error says what is wrong with it.
pub fn text(expression: &str) -> Result<Test, String> {
    let (operator, rest) = operator(expression)?;
    let values: Vec<_> = match operator {
        Some(Operator::Or) => rest.split("<or>").map(str::trim).collect(),
        _ => vec![rest],
    };
    if let Some(sign) = values.iter().find_map(|value| sign_within(value)) {
        return Err(format!(
            "has {sign} where a value belongs; an operator stands before it all, and only <or> between values as well"
        ));
    }
    Ok(match operator {
        None => Test::Text(Relation::Equal, rest.to_owned()),
        Some(Operator::Text(relation)) => Test::Text(relation, rest.to_owned()),
        Some(Operator::In) => Test::Contains(rest.to_owned()),
        Some(Operator::Or) => Test::OneOf(values.into_iter().map(str::to_owned).collect()),
        Some(Operator::Number(relation)) => Test::Number(relation, number(rest)?),
        Some(Operator::Range) => range(rest, number)?,
    })
}

/// A test of a size in GiB.
pub fn size(expression: &str) -> Result<Test, String> {
    let (operator, rest) = operator(expression)?;
    match operator {
        None => Ok(Test::Number(Relation::Equal, whole(rest)?)),
        Some(Operator::Number(relation)) => Ok(Test::Number(relation, whole(rest)?)),
        Some(Operator::Range) => range(rest, whole),
        Some(Operator::Text(_) | Operator::In | Operator::Or) => {
            let numeric = |other| matches!(other, Operator::Number(_) | Operator::Range);
            Err(unfit(numeric))
        }
    }
}

/// `[ 10 20 )`: a square bracket takes the end in.
fn range(rest: &str, number: fn(&str) -> Result<f64, String>) -> Result<Test, String> {
    let words: Vec<_> = rest.split_whitespace().collect();
    let [from @ ("[" | "("), low, high, to @ ("]" | ")")] = words[..] else {
        return Err("is no range: <range-in> [ 10 20 ], with ( and ) for ends outside".to_owned());
    };
    let (low, high) = (number(low)?, number(high)?);
    match low <= high {
        true => Ok(Test::Range((low, from == "["), (high, to == "]"))),
        false => Err("ends before it begins".to_owned()),
    }
}

fn number(word: &str) -> Result<f64, String> {
    word.parse().map_err(|_| "is no number".to_owned())
}

/// Sizes are whole GiB.
fn whole(word: &str) -> Result<f64, String> {
    let number = word.parse::<u32>().ok().filter(|number| *number > 0);
    number
        .map(f64::from)
        .ok_or_else(|| "is no whole number of GiB above 0".to_owned())
}

/// A boolean in the words oslo.utils takes; an error names them.
pub fn boolean(word: &str) -> Result<Test, String> {
    match word {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(Test::Is(true)),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(Test::Is(false)),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// Which operators would go.
fn unfit(fit: impl Fn(Operator) -> bool) -> String {
    let fit = OPERATORS.iter().filter(|(_, operator)| fit(*operator));
    let signs: Vec<_> = fit.map(|(sign, _)| *sign).collect();
    let signs = signs.join(" ");
    format!("has an operator that does not go with it; these do: {signs}")
}
