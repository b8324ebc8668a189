//! Requests and replies as Ironic and ironic-python-agent really exchanged them.

use std::fs;

use ironlet::codec::json::{Object, Value, object as build, print};

use super::fake_agent::{object, text_at};

/// The recorded exchange of this command: the request and upstream's reply.
pub fn recorded(file: &str, name: &str) -> (Object, Object) {
    let path = format!(
        "{}/tests/fixtures/wire/commands/{file}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    let lines = fs::read_to_string(&path).expect(&path);
    let mut exchanges = lines.lines().map(object).map(|mut exchange| {
        match (exchange.remove("request"), exchange.remove("reply")) {
            (Some(Value::Object(request)), Some(Value::Object(reply))) => (request, reply),
            _ => panic!("{path}: a request and a reply"),
        }
    });
    exchanges
        .find(|(request, _)| text_at(request, &["name"]) == name)
        .expect(name)
}

/// Puts a value at a path of names, making objects on the way.
pub fn put(object: &mut Object, path: &[&str], value: Value) {
    let (first, rest) = path.split_first().expect("a path has a name");
    if rest.is_empty() {
        object.insert((*first).to_owned(), value);
        return;
    }
    let inner = object
        .entry((*first).to_owned())
        .or_insert_with(|| build([]));
    match inner {
        Value::Object(inner) => put(inner, rest, value),
        other => panic!("{first} is {other:?}"),
    }
}

pub fn printed(object: Object) -> String {
    print(&Value::Object(object))
}
