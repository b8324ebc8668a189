//! URLs with fields of the node and its ports, as `{node[uuid]}` and `{ports[0][address]}`; a closed set of fields, and nothing
//! but texts, numbers and booleans.
//!
//! Upstream hands such a URL to Python's `format`, which reaches everything of every object.

use crate::codec::json::{Array, Number, Object, Value, print};

/// What of the node may be in a URL: of the last two, whatever is in them.
pub const OF_NODE: [&str; 9] = [
    "uuid",
    "name",
    "instance_uuid",
    "resource_class",
    "conductor_group",
    "owner",
    "lessee",
    "properties",
    "extra",
];
/// The same of a port.
pub const OF_PORT: [&str; 6] = [
    "uuid",
    "name",
    "address",
    "physical_network",
    "local_link_connection",
    "extra",
];
const LONGEST: usize = 8192;

/// The URL, or why it is none. `{{` and `}}` stand for braces.
pub fn fill(template: &str, node: &Object, ports: &Array) -> Result<String, String> {
    let mut url = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, from) = rest.split_at(at);
        url += text;
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            url += &from[..1];
            rest = after;
            continue;
        }
        let field = from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let Some((field, after)) = field else {
            return Err("a '{' or '}' stands alone; '{{' and '}}' stand for themselves".to_owned());
        };
        url += &value(field, node, ports).map_err(|why| {
            format!(
                "'{{{}}}': {why}",
                field
                    .escape_debug()
                    .to_string()
                    .chars()
                    .take(80)
                    .collect::<String>()
            )
        })?;
        rest = after;
        if url.len() > LONGEST {
            break;
        }
    }
    url += rest;
    match url.len() > LONGEST {
        true => Err(format!("the URL is longer than {LONGEST} bytes")),
        false => Ok(url),
    }
}

fn value(field: &str, node: &Object, ports: &Array) -> Result<String, String> {
    let keys = keys(field)?;
    let closed = |allowed: &[&str], key: &str| match allowed.contains(&key) {
        true => Ok(()),
        false => Err(format!("only {} can be in a URL", allowed.join(", "))),
    };
    let (mut found, below) = match keys[..] {
        ["node", key, ..] => {
            closed(&OF_NODE, key)?;
            (node.get(key), &keys[2..])
        }
        ["ports", index, key, ..] => {
            closed(&OF_PORT, key)?;
            let index: usize = index
                .parse()
                .map_err(|_| "ports are counted from 0".to_owned())?;
            match ports.get(index) {
                Some(Value::Object(port)) => (port.get(key), &keys[3..]),
                _ => return Err(format!("the node has {} ports", ports.len())),
            }
        }
        _ => return Err("it is neither node[…] nor ports[…][…]".to_owned()),
    };
    for key in below {
        found = match found {
            Some(Value::Object(object)) => object.get(*key),
            Some(Value::Array(list)) => key.parse().ok().and_then(|index: usize| list.get(index)),
            _ => None,
        };
    }
    match found {
        Some(Value::String(text)) => Ok(text.clone()),
        // As Python has them.
        Some(Value::Bool(true)) => Ok("True".to_owned()),
        Some(Value::Bool(false)) => Ok("False".to_owned()),
        Some(Value::Number(Number::U64(number))) => Ok(number.to_string()),
        Some(number @ Value::Number(_)) => Ok(print(number)),
        None | Some(Value::Null) => Err("it is not set".to_owned()),
        Some(_) => Err("it is not one value".to_owned()),
    }
}

/// `node[extra][rack]` and `node.extra.rack` are node, extra, rack.
fn keys(field: &str) -> Result<Vec<&str>, String> {
    let odd = || "it is not of the form node[key] or ports[number][key]".to_owned();
    let end = field.find(['[', '.']).unwrap_or(field.len());
    let (first, mut rest) = field.split_at(end);
    let mut keys = vec![first];
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or_else(odd)?,
            None => {
                let inner = rest.strip_prefix('.').ok_or_else(odd)?;
                inner.split_at(inner.find(['[', '.']).unwrap_or(inner.len()))
            }
        };
        if key.is_empty() || key.contains(['[', '!', ':']) {
            return Err(odd());
        }
        keys.push(key);
        rest = after;
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::parse;

    #[test]
    fn fields_are_filled_in_and_no_others() {
        let node = r#"{"uuid":"u-1","name":null,"extra":{"rack":{"row":7,"hot":true}},"driver_info":{"password":"x"},"properties":{"list":["a","b"]}}"#;
        let Ok(Value::Object(node)) = parse(node) else {
            panic!("an object");
        };
        let Ok(Value::Array(ports)) =
            parse(r#"[{"address":"52:54:00:00:00:01","internal_info":{"x":1}}]"#)
        else {
            panic!("a list");
        };
        for (template, expected) in [
            ("http://a/b", Ok("http://a/b")),
            ("http://a/{node[uuid]}.key", Ok("http://a/u-1.key")),
            ("http://a/{node.uuid}", Ok("http://a/u-1")),
            (
                "http://a/{node[extra][rack][row]}/{node[extra][rack][hot]}",
                Ok("http://a/7/True"),
            ),
            ("http://a/{node[properties][list][1]}", Ok("http://a/b")),
            (
                "http://a/{ports[0][address]}",
                Ok("http://a/52:54:00:00:00:01"),
            ),
            (
                "http://a/{ports[0].address}",
                Ok("http://a/52:54:00:00:00:01"),
            ),
            ("http://a/{{x}}", Ok("http://a/{x}")),
            (
                "http://a/{node[driver_info][password]}",
                Err("only uuid, name,"),
            ),
            (
                "http://a/{ports[0][internal_info][x]}",
                Err("only uuid, name, address"),
            ),
            ("http://a/{ports[1][address]}", Err("the node has 1 ports")),
            ("http://a/{ports[-1][address]}", Err("counted from 0")),
            ("http://a/{node[name]}", Err("it is not set")),
            ("http://a/{node[extra]}", Err("it is not one value")),
            (
                "http://a/{node[extra][rack][row][deep]}",
                Err("it is not set"),
            ),
            ("http://a/{node}", Err("neither node")),
            ("http://a/{node.__class__}", Err("only uuid")),
            ("http://a/{node[uuid]!r}", Err("not of the form")),
            ("http://a/{node[uuid]:>9}", Err("not of the form")),
            ("http://a/{}", Err("neither node")),
            ("http://a/{self}", Err("neither node")),
            ("http://a/{node[uuid]", Err("stands alone")),
            ("http://a/}", Err("stands alone")),
            ("http://a/{node[uuid}", Err("not of the form")),
            ("http://a/{node[[uuid]]}", Err("not of the form")),
        ] {
            match (fill(template, &node, &ports), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected, "{template}"),
                (Err(why), Err(said)) => assert!(why.contains(said), "{template}: {why}"),
                (got, _) => panic!("{template}: {got:?}"),
            }
        }
        let bomb = "http://a/".to_owned() + &"{node[uuid]}".repeat(10_000);
        assert!(fill(&bomb, &node, &ports).is_err());
    }
}
