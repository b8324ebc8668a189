//! What the README promises about parameters is what the table in the code says.

use ironlet::config::table::{Effect, TABLE};

/// The README's table, from the one in the code.
fn rows() -> String {
    let mut rows =
        String::from("| parameter | in files | what it does | default |\n|---|---|---|---|\n");
    for parameter in TABLE {
        let code = |text: &str| {
            if text.is_empty() {
                "–".to_owned()
            } else {
                format!("`{text}`")
            }
        };
        let ignored = match parameter.effect {
            Effect::Works => "",
            Effect::Ignored => " *(accepted, has no effect)*",
        };
        let (name, key, default) = (
            code(parameter.name),
            code(parameter.key),
            code(parameter.default),
        );
        rows += &format!(
            "| {name} | {key} | {}{ignored} | {default} |\n",
            parameter.help
        );
    }
    rows
}

#[test]
fn the_readme_lists_every_parameter_as_the_code_has_it() {
    let readme = include_str!("../README.md");
    let rows = rows();
    assert!(
        readme.contains(&rows),
        "README.md should have this table:\n\n{rows}"
    );
}
