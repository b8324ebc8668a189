//! JSON values: parsing without recursion, printing, and fields by name whose errors say which field is wrong.

pub use miniserde::json::{Array, Number, Object, Value};
pub(super) use miniserde::{Error as Unfit, de, json::from_str as decode, make_place}; // for json_low_memory.rs

use crate::error::{Error, Kind, Result};

/// Parses any depth without growing the stack.
pub fn parse(text: &str) -> Result<Value> {
    miniserde::json::from_str(text)
        .map_err(|_| Error::new(Kind::InvalidContentError, "not valid JSON"))
}

/// As text, without blanks; never fails.
pub fn print(value: &Value) -> String {
    miniserde::json::to_string(value)
}

/// `object([("id", text("x")), …])`
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    Value::Object(gather(fields.into_iter().map(named)))
}

/// An object of any number of fields. Collecting one would bring a sort of its own for every kind of iterator.
pub fn gather(fields: impl IntoIterator<Item = (String, Value)>) -> Object {
    fn insert(fields: &mut dyn Iterator<Item = (String, Value)>) -> Object {
        let mut object = Object::new();
        for (name, value) in fields {
            object.insert(name, value);
        }
        object
    }
    insert(&mut fields.into_iter())
}

/// A JSON string.
pub fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// A JSON number.
pub fn number(number: u64) -> Value {
    Value::Number(Number::U64(number))
}

/// Text, or null for none.
pub fn text_or_null(text: Option<impl Into<String>>) -> Value {
    text.map_or(Value::Null, |text| Value::String(text.into()))
}

/// Fields of an object by name. A missing field and a null one are the same: none.
/// A field of another type is an `InvalidCommandParamsError` that names it.
pub trait Fields {
    /// The value under `name`; none if there is none or it is null.
    fn field(&self, name: &str) -> Option<&Value>;

    /// A string; an error if there is something else.
    fn string(&self, name: &str) -> Result<Option<&str>> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// A boolean; an error if there is something else.
    fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A whole number that is not negative; an error if there is something else.
    fn integer(&self, name: &str) -> Result<Option<u64>> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Number(Number::U64(value))) => Ok(Some(*value)),
            Some(_) => Err(wrong(name, "a whole number of 0 or more")),
        }
    }

    /// An object; an error if there is something else.
    fn object(&self, name: &str) -> Result<Option<&Object>> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Object(value)) => Ok(Some(value)),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// An array; an error if there is something else.
    fn array(&self, name: &str) -> Result<Option<&Array>> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Array(value)) => Ok(Some(value)),
            Some(_) => Err(wrong(name, "a list")),
        }
    }
}

impl Fields for Object {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !matches!(value, Value::Null))
    }
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::new(
        Kind::InvalidCommandParamsError,
        format!("'{name}' must be {wanted}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_does_not_grow_the_stack() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        drop(parse(&deep));
        assert!(parse(&"{\"a\":".repeat(200_000)).is_err());
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        let Ok(Value::Object(object)) = parse(r#"{"a":1,"b":null}"#) else {
            panic!("an object")
        };
        assert!(
            object
                .string("a")
                .expect_err("a number")
                .details()
                .contains("'a' must be a string")
        );
        assert_eq!(object.string("b"), Ok(None));
        assert_eq!(object.integer("a"), Ok(Some(1)));
    }
}
