#![no_main]

use ironlet::image::Layout;
use ironlet::order::facts::Facts;
use ironlet::order::location::Template;
use ironlet::order::{Names, Then, document, fields};
use ironlet::steps::step_context::Settings;
use ironlet::system_root::SystemRoot;

// An order as any server may send it, whole; and what firmware may call the machine in the place it is asked for at.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (settings, host) = (Settings::default(), SystemRoot::new("/nonexistent"));
    let name = String::from_utf8_lossy(bytes).into_owned();
    let names = Names {
        serial: Some(name.clone()),
        ..Names::default()
    };
    let facts = Facts {
        settings: &settings,
        host: &host,
        names: &names,
        least_serial: 0,
        signed: bytes.first().is_some_and(|byte| byte % 2 == 1),
        then: Then::PowerOff,
    };
    if let Ok(found) = document::fields(bytes) {
        match fields::order(&found, &facts) {
            Ok(order) => {
                let fetched = |_: &str| Ok(b"fetched".to_vec());
                let _ = order.drive.map(|drive| drive.source(Layout::Disk, &fetched).map(drop));
            }
            Err(error) => assert!(error.details().contains("wrong with the order"), "{error}"),
        }
    }
    let template = Template::parse("ironlet-order", "http://h/a/{serial}/b").expect("a place");
    for place in template.places(&names) {
        assert_eq!(place.matches('/').count(), 5, "{place}");
        assert_eq!(ironlet::net::http::url::tidy(&place), place);
    }
    if let Ok(template) = Template::parse("ironlet-order", &name) {
        assert!(template.places(&names).len() < 100);
    }
});
