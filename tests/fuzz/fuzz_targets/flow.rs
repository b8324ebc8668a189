#![no_main]

// A flow: what is let pass is a list of objects whose commands all exist, none of them a flow.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let body = [br#"{"name":"flow.start_flow","params":"#, bytes, b"}"].concat();
    let Ok(call) = ironlet::command::request::Call::parse(body) else {
        return;
    };
    match ironlet::command::check_flow(&call.params) {
        Ok(()) => assert!(call.params.contains_key("flow")),
        Err(error) => assert!(!error.details().is_empty(), "an error says what is wrong"),
    }
});
