//! A flow: commands one after the other, as one.

mod support;

use support::fake_agent::{Surroundings, post, post_and_wait, text_at};

fn flow(tasks: &str) -> String {
    format!(r#"{{"name":"flow.start_flow","params":{{"flow":{tasks}}}}}"#)
}

#[test]
fn its_commands_run_in_order_and_only_the_flow_is_listed() {
    let mut around = Surroundings::new();
    let engine = around.engine();
    let done = post_and_wait(
        &engine,
        &flow(
            r#"[{"standby.sync":{}},{"poll.get_hardware_info":{},"standby.power_off":{}},{"system.lockdown":{}}]"#,
        ),
    );
    engine.join();
    assert_eq!(text_at(&done, &["command_status"]), "SUCCEEDED");
    assert_eq!(around.told.all(), ["flush", "power off", "lock down"]);
    assert_eq!(engine.list().len(), 1);
    let empty = post_and_wait(&engine, &flow("[]"));
    assert_eq!(text_at(&empty, &["command_status"]), "SUCCEEDED");
}

#[test]
fn it_ends_with_the_first_that_fails() {
    for (task, why) in [
        (
            r#"{"standby.run_image":{}}"#,
            "standby.run_image was failed: ",
        ),
        (r#"{"standby.sync":{"x":1}}"#, "sync has no argument 'x'"),
        (
            r#"{"standby.prepare_image":{"image_info":{"id":"x"}}}"#,
            "Image is missing 'urls' field.",
        ),
        (
            r#"{"deploy.execute_deploy_step":{"node":{},"ports":[],"step":{"step":"execute_bootc_install"}}}"#,
            "by a container, and this agent runs none",
        ),
        (
            r#"{"standby.execute_bootc_install":{}}"#,
            "by a container, and this agent runs none",
        ),
        (r#"{"rescue.finalize_rescue":{}}"#, "--rescue"),
    ] {
        let mut around = Surroundings::new();
        let tasks = format!(r#"[{{"standby.sync":{{}}}},{task},{{"standby.power_off":{{}}}}]"#);
        let done = post_and_wait(&around.engine(), &flow(&tasks));
        assert_eq!(text_at(&done, &["command_status"]), "FAILED", "{task}");
        let told = text_at(&done, &["command_error", "details"]);
        assert!(told.contains(why), "{task}: {told}");
        let kind = text_at(&done, &["command_error", "type"]);
        assert_eq!(kind, "CommandExecutionError");
        assert!(!around.told.all().contains(&"power off"), "{task}");
    }
}

#[test]
fn what_is_no_flow_is_refused_before_anything_runs() {
    let nested = r#"[{"standby.sync":{}},{"flow.start_flow":{"flow":[]}}]"#;
    for (tasks, status, why) in [
        ("null", 400, "'flow' must be a list"),
        ("{}", 400, "'flow' must be a list"),
        (r#"["standby.sync"]"#, 400, "'flow' must be a list"),
        (r#"[{"standby.sync":[]}]"#, 400, "must be an object"),
        (
            r#"[{"standby.sync":{}},{"sync":{}}]"#,
            400,
            "must be of the form",
        ),
        (
            r#"[{"standby.sync":{}},{"standby.x":{}}]"#,
            400,
            "Unknown command: x",
        ),
        (
            r#"[{"standby.sync":{}},{"x.sync":{}}]"#,
            404,
            "Extension with id x not found",
        ),
        (nested, 400, "a flow holds no flow.start_flow"),
    ] {
        let mut around = Surroundings::new();
        let engine = around.engine();
        let error = post(&engine, &flow(tasks)).expect_err(tasks);
        assert_eq!(error.kind().code(), status, "{tasks}: {error}");
        assert!(error.to_string().contains(why), "{tasks}: {error}");
        assert!(engine.list().is_empty() && around.told.all().is_empty());
    }
}

#[test]
fn only_ironic_describes_the_node() {
    let body = r#"{"name":"poll.set_node_info","params":{"node_info":{}}}"#;
    let error = post(&Surroundings::new().engine(), body).expect_err("it is refused");
    assert_eq!(error.kind().code(), 400);
    assert!(error.to_string().contains("standalone mode"), "{error}");
}
