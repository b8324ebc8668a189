//! Items as Ironic may send them: every fault of every one is told.

use ironlet::error::Kind;
use ironlet::steps::inject_files::item::{Change, Content, Wanted, parse};

use super::json;

#[test]
fn what_is_wrong_is_told_of_every_item_at_once() {
    for (item, said) in [
        ("7", "the argument 'files' [0] must be an object"),
        ("{}", "expected a path"),
        (r#"{"path":"","content":""}"#, "expected a path"),
        (r#"{"path":7,"content":""}"#, "expected a path"),
        (
            r#"{"path":"/etc/","content":""}"#,
            "is a directory, which is not supported",
        ),
        (r#"{"path":"/","content":""}"#, "is a directory"),
        (
            r#"{"path":"/.","content":"","partition":1}"#,
            "is no path of a file",
        ),
        (r#"{"path":"/etc/../../x","content":""}"#, "'..' in path"),
        (
            r#"{"path":"/etc/a\u0000b","content":""}"#,
            "is no name of a file",
        ),
        (
            r#"{"path":"/etc/a\nb","content":""}"#,
            "is no name of a file",
        ),
        (
            r#"{"path":"/x","content":""}"#,
            "a file in the root directory requires 'partition'",
        ),
        (
            r#"{"path":"x","content":"","partition":""}"#,
            "a file in the root directory requires 'partition'",
        ),
        (
            r#"{"path":"/a/b"}"#,
            "needs 'content', a text, or 'deleted'",
        ),
        (
            r#"{"path":"/a/b","content":7}"#,
            "needs 'content', a text, or 'deleted'",
        ),
        (
            r#"{"path":"/a/b","content":"no base64!"}"#,
            "is neither base64 nor a URL",
        ),
        (
            r#"{"path":"/a/b","content":"eA==","deleted":true}"#,
            "content cannot be used with deleted",
        ),
        (
            r#"{"path":"/a/b","deleted":"yes"}"#,
            "'deleted' must be true or false",
        ),
        (r#"{"path":"/a/b","deleted":false}"#, "needs 'content'"),
        (
            r#"{"path":"/a/b","content":"","mode":"0644"}"#,
            "'mode' must be a number from 0 to 4095",
        ),
        (
            r#"{"path":"/a/b","content":"","mode":4096}"#,
            "'mode' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","mode":-1}"#,
            "'mode' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","mode":true}"#,
            "'mode' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","dirmode":6.5}"#,
            "'dirmode' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","owner":"root"}"#,
            "'owner' must be a number from 0 to 4294967294",
        ),
        (
            r#"{"path":"/a/b","content":"","group":4294967295}"#,
            "'group' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","group":-2}"#,
            "'group' must be a number",
        ),
        (
            r#"{"path":"/a/b","content":"","user":0}"#,
            "unexpected fields [\"user\"]",
        ),
        (
            r#"{"path":"/a/b","content":"","partition":0}"#,
            "'partition' must be a number from 1 on",
        ),
        (
            r#"{"path":"/a/b","content":"","partition":"0"}"#,
            "'partition' must be a number from 1 on",
        ),
        (
            r#"{"path":"/a/b","content":"","partition":-1}"#,
            "'partition' must be",
        ),
        (
            r#"{"path":"/a/b","content":"","partition":true}"#,
            "'partition' must be",
        ),
        (
            r#"{"path":"/a/b","content":"","partition":["x"]}"#,
            "'partition' must be",
        ),
        (
            r#"{"path":"/a/b","content":""},{"path":"/a/b/c","content":""}"#,
            "/a/b cannot be a file and the folder of /a/b/c",
        ),
    ] {
        let error = parse(None, Some(json(&format!("[{item}]"))))
            .err()
            .unwrap_or_else(|| panic!("{item}"));
        assert_eq!(error.kind(), Kind::InvalidCommandParamsError);
        for said in [said, "Validation of files failed", "no file was touched"] {
            assert!(error.details().contains(said), "{item}: {error}");
        }
    }
    let both = r#"[{"path":"/x","content":"!","mode":"x"},{"path":"y/../z"},3]"#;
    let error = parse(Some(json("{}")), Some(json(both)))
        .err()
        .expect("all of it is wrong");
    for said in [
        "node.properties.inject_files must be a list",
        "[0] (/x): a file in the root directory",
        "[0] (/x): 'mode' must be",
        "[0] (/x): 'content' is neither",
        "[1]: '..' in path",
        "[2] must be an object",
    ] {
        assert!(error.details().contains(said), "{said}: {error}");
    }
    let many = format!("[{}]", vec!["7"; 10_000].join(","));
    let error = parse(None, Some(json(&many)))
        .err()
        .expect("all of it is wrong");
    assert!(
        error.details().len() < 3000 && error.details().contains("and 9970 more"),
        "{error}"
    );
    let long = format!(r#"[{{"path":"/etc/{}","content":""}}]"#, "n".repeat(256));
    assert!(parse(None, Some(json(&long))).is_err());
}

#[test]
fn items_of_the_node_come_first() {
    let node = r#"[{"path":"etc//./a","content":"http://x/{node[uuid]}","partition":" 3 "}]"#;
    let step = r#"[{"path":"/etc/b","content":"e\nA==","mode":420,"owner":0},{"path":"/c","deleted":true,"partition":"LABEL=x"}]"#;
    let items = parse(Some(json(node)), Some(json(step))).expect("all is well");
    let paths: Vec<_> = items
        .iter()
        .map(|item| (&*item.path, item.partition.clone()))
        .collect();
    let named = Wanted::Named("LABEL=x".to_owned());
    assert_eq!(
        paths,
        [
            ("etc/a", Wanted::Number(3)),
            ("etc/b", Wanted::Any),
            ("c", named)
        ]
    );
    match (&items[0].change, &items[1].change, &items[2].change) {
        (Change::Put(first), Change::Put(second), Change::Delete) => {
            assert!(matches!(&first.content, Content::At(url) if url == "http://x/{node[uuid]}"));
            assert!(matches!(&second.content, Content::Bytes(bytes) if bytes == b"x"));
            assert_eq!(
                (second.mode, second.owner, second.group),
                (Some(0o644), Some(0), None)
            );
        }
        _ => panic!("they are what they are called"),
    }
    for none in [None, Some(json("null")), Some(json("[]"))] {
        assert!(parse(none.clone(), none).expect("nothing to do").is_empty());
    }
}
