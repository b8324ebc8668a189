//! Parses request bodies as JSON without copying what nobody needs, so that a hostile body cannot ask for endless
//! memory.
//!
//! A request may hold the same config drive three times, each of tens of MiB; the sieve keeps one.

use std::cell::RefCell;
use std::rc::Rc;

use crate::codec::json::de::{Deserialize, Map, Seq, Visitor};
use crate::codec::json::{Array, Number, Object, Unfit, Value, decode, make_place};
use crate::error;
use crate::error::{Error, Kind};

type Result<T> = std::result::Result<T, Unfit>;

/// Ironic's largest body, a node with its cached steps, has some hundred values and is 8 deep.
const DEPTH: usize = 128;
const VALUES: usize = 250_000;
/// An object takes as much memory as so many values, for there is room in it for eleven; and each name in it as so many.
const OBJECT: usize = 16;
const NAMED: usize = 2;
const NAME: usize = 1024;

/// Says of each text whether to keep it; the place of one that is not kept reads null.
pub trait Sieve: Default {
    /// `path` holds the names of the objects around the text and of the text itself; `[]` for a list.
    fn keeps(&mut self, path: &[String], text: &str) -> bool;
}

/// The document, and the sieve with what it remembered.
pub fn parse<S: Sieve>(text: &str) -> error::Result<(Value, S)> {
    let refused = || {
        let details = match text.trim().is_empty() {
            true => "there is nothing to decode".to_owned(),
            false => format!("not JSON, cut short, or beyond {DEPTH} levels or {VALUES} values"),
        };
        Error::new(Kind::InvalidContentError, details)
    };
    let Sifted(node) = decode(text).map_err(|_| refused())?;
    let Node { shared, value } = node;
    let shared = Rc::into_inner(shared).ok_or_else(refused)?;
    Ok((value.unwrap_or_default(), shared.into_inner().sieve))
}

/// The whole document.
pub fn parse_all(text: &str) -> error::Result<Value> {
    #[derive(Default)]
    struct All;
    impl Sieve for All {
        fn keeps(&mut self, _: &[String], _: &str) -> bool {
            true
        }
    }
    parse::<All>(text).map(|(value, _)| value)
}

/// The root, which miniserde makes without asking us.
struct Sifted<S>(Node<S>);

make_place!(Place);

impl<S: Sieve> Deserialize for Sifted<S> {
    fn begin(out: &mut Option<Self>) -> &mut dyn Visitor {
        Place::new(out)
    }
}

impl<S: Sieve> Place<Sifted<S>> {
    fn root(&mut self) -> &mut Node<S> {
        let shared = Rc::default();
        &mut self.out.insert(Sifted(Node::beside(&shared))).0
    }
}

impl<S: Sieve> Visitor for Place<Sifted<S>> {
    fn null(&mut self) -> Result<()> {
        self.root().null()
    }

    fn boolean(&mut self, value: bool) -> Result<()> {
        self.root().boolean(value)
    }

    fn string(&mut self, text: &str) -> Result<()> {
        self.root().string(text)
    }

    fn negative(&mut self, number: i64) -> Result<()> {
        self.root().negative(number)
    }

    fn nonnegative(&mut self, number: u64) -> Result<()> {
        self.root().nonnegative(number)
    }

    fn float(&mut self, number: f64) -> Result<()> {
        self.root().float(number)
    }

    fn seq(&mut self) -> Result<Box<dyn Seq + '_>> {
        self.root().seq()
    }

    fn map(&mut self) -> Result<Box<dyn Map + '_>> {
        self.root().map()
    }
}

/// What all visitors of one document share.
#[derive(Default)]
struct Shared<S> {
    sieve: S,
    path: Vec<String>,
    values: usize,
}

/// The place of one value.
struct Node<S> {
    shared: Rc<RefCell<Shared<S>>>,
    value: Option<Value>,
}

impl<S> Node<S> {
    fn beside(shared: &Rc<RefCell<Shared<S>>>) -> Self {
        let shared = Rc::clone(shared);
        Node {
            shared,
            value: None,
        }
    }

    fn put(&mut self, value: Value) -> Result<()> {
        self.weigh(1)?;
        self.value = Some(value);
        Ok(())
    }

    /// Something as large as so many values.
    fn weigh(&self, values: usize) -> Result<()> {
        let mut shared = self.shared.borrow_mut();
        shared.values += values;
        match shared.values > VALUES {
            true => Err(Unfit),
            false => Ok(()),
        }
    }

    /// One level down, under `name`.
    fn enter(&mut self, name: &str) -> Result<()> {
        let mut shared = self.shared.borrow_mut();
        if shared.path.len() >= DEPTH {
            return Err(Unfit);
        }
        shared.path.push(name.to_owned());
        Ok(())
    }

    fn leave(&mut self) {
        self.shared.borrow_mut().path.pop();
    }
}

impl<S: Sieve> Visitor for Node<S> {
    fn null(&mut self) -> Result<()> {
        self.put(Value::Null)
    }

    fn boolean(&mut self, value: bool) -> Result<()> {
        self.put(Value::Bool(value))
    }

    fn string(&mut self, text: &str) -> Result<()> {
        let mut shared = self.shared.borrow_mut();
        let Shared { sieve, path, .. } = &mut *shared;
        let keep = sieve.keeps(path, text);
        drop(shared);
        self.put(match keep {
            true => Value::String(text.to_owned()),
            false => Value::Null,
        })
    }

    fn negative(&mut self, number: i64) -> Result<()> {
        self.put(Value::Number(Number::I64(number)))
    }

    fn nonnegative(&mut self, number: u64) -> Result<()> {
        self.put(Value::Number(Number::U64(number)))
    }

    fn float(&mut self, number: f64) -> Result<()> {
        self.put(Value::Number(Number::F64(number)))
    }

    fn seq(&mut self) -> Result<Box<dyn Seq + '_>> {
        self.enter("[]")?;
        Ok(Box::new(Elements {
            child: Node::beside(&self.shared),
            array: Array::new(),
            whole: self,
        }))
    }

    fn map(&mut self) -> Result<Box<dyn Map + '_>> {
        self.enter("{}")?;
        self.weigh(OBJECT)?;
        Ok(Box::new(Members {
            child: Node::beside(&self.shared),
            object: Object::new(),
            name: String::new(),
            whole: self,
        }))
    }
}

struct Elements<'a, S> {
    whole: &'a mut Node<S>,
    array: Array,
    child: Node<S>,
}

impl<S: Sieve> Seq for Elements<'_, S> {
    fn element(&mut self) -> Result<&mut dyn Visitor> {
        self.array.extend(self.child.value.take());
        Ok(&mut self.child)
    }

    fn finish(&mut self) -> Result<()> {
        self.array.extend(self.child.value.take());
        self.whole.leave();
        self.whole
            .put(Value::Array(std::mem::take(&mut self.array)))
    }
}

struct Members<'a, S> {
    whole: &'a mut Node<S>,
    object: Object,
    name: String,
    child: Node<S>,
}

impl<S> Members<'_, S> {
    fn shift(&mut self) {
        if let Some(value) = self.child.value.take() {
            self.object.insert(std::mem::take(&mut self.name), value);
        }
    }
}

impl<S: Sieve> Map for Members<'_, S> {
    fn key(&mut self, name: &str) -> Result<&mut dyn Visitor> {
        self.shift();
        if name.len() > NAME {
            return Err(Unfit);
        }
        self.child.weigh(NAMED)?;
        name.clone_into(&mut self.name);
        let mut shared = self.child.shared.borrow_mut();
        if let Some(here) = shared.path.last_mut() {
            name.clone_into(here);
        }
        drop(shared);
        Ok(&mut self.child)
    }

    fn finish(&mut self) -> Result<()> {
        self.shift();
        self.whole.leave();
        self.whole
            .put(Value::Object(std::mem::take(&mut self.object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::print;

    /// Drops every `a.big` and counts.
    #[derive(Default)]
    struct Drops(usize);

    impl Sieve for Drops {
        fn keeps(&mut self, path: &[String], _text: &str) -> bool {
            let big = path.iter().map(String::as_str).eq(["a", "big"]);
            self.0 += usize::from(big);
            !big
        }
    }

    #[test]
    fn all_but_what_the_sieve_drops_comes_through() {
        let text =
            r#"{"a":{"big":"x","n":[1,-2,0.5,null,true,{"big":"kept"}],"o":{}},"big":"kept"}"#;
        let (value, drops) = parse::<Drops>(text).expect("good JSON");
        assert_eq!(print(&value), text.replace(r#""big":"x""#, r#""big":null"#));
        assert_eq!(drops.0, 1);
    }

    #[test]
    fn a_document_may_be_any_value() {
        for text in ["null", "true", "1", "-1", "0.5", "[]", "\"t\"", "{}"] {
            let (value, _) = parse::<Drops>(text).expect("good JSON");
            assert_eq!(print(&value), text);
        }
    }

    #[test]
    fn bad_deep_and_endless_documents_are_refused() {
        let deep = "[".repeat(DEPTH + 1) + &"]".repeat(DEPTH + 1);
        let many = format!("[{}0]", "0,".repeat(VALUES));
        let objects = format!("[{}0]", "{},".repeat(VALUES / OBJECT));
        let names = format!("{{{}\"n\":0}}", "\"n\":0,".repeat(VALUES / 3));
        let name = format!("{{\"{}\":0}}", "n".repeat(NAME + 1));
        for text in [
            "", "not json", "{\"a\":1", "{} {}", &deep, &many, &objects, &names, &name,
        ] {
            assert!(parse::<Drops>(text).is_err(), "{:.20}", text);
        }
        let least = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
        assert!(parse::<Drops>(&least).is_ok());
    }
}
