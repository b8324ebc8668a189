#![no_main]

use ironlet::codec::json::{Array, Object, Value, parse};
use ironlet::steps::inject_files::item;
use ironlet::steps::inject_files::item::{Change, Content};
use ironlet::steps::inject_files::template::fill;

// Items as anybody may have set them who may order a step or change a node; an array of items, or of those, the node and its ports.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(given) = parse(text) else {
        return;
    };
    let (own, files, node, ports) = match given {
        Value::Array(mut parts) if parts.len() == 4 => {
            let ports = parts.pop();
            let node = parts.pop();
            (parts.pop(), parts.pop(), node, ports)
        }
        other => (None, Some(other), None, None),
    };
    let node = match node {
        Some(Value::Object(node)) => node,
        _ => Object::new(),
    };
    let ports = match ports {
        Some(Value::Array(ports)) => ports,
        _ => Array::new(),
    };
    if let Value::String(template) = &node.get("uuid").cloned().unwrap_or(Value::Null) {
        let _ = fill(template, &node, &ports);
    }
    for item in item::parse(own, files).into_iter().flatten() {
        let names = item.path.split('/');
        assert!(names.clone().count() > 0);
        for name in names {
            assert!(!matches!(name, "" | "." | "..") && !name.contains('\0'), "{}", item.path);
        }
        if let Change::Put(put) = item.change
            && let Content::At(url) = put.content
        {
            let _ = fill(&url, &node, &ports);
        }
    }
});
