//! Files that are injected come from servers that are who they say, unless it is said that nobody need be.

use std::fs::{self, File};

use ironlet::image::download::plain_file::fetch;
use ironlet::net::tls::trust_settings::{Trust, Version};

use super::openssl::{Folder, P256, Server};
use super::support::image_requests::tools;

#[test]
fn a_file_comes_from_a_server_that_is_believed() {
    let folder = Folder::new("plain-file");
    for name in ["own", "other"] {
        folder.authority(name, P256, "sha256");
    }
    folder.server("server", P256, "own", "sha256");
    let server = Server::new(&folder, "server");
    let path = folder.0.join("fetched");
    let insecure = Trust {
        insecure: true,
        ..folder.trusting("other.crt", Version::Tls12)
    };
    for (trust, believed) in [
        (folder.trusting("own.crt", Version::Tls12), true),
        (folder.trusting("other.crt", Version::Tls12), false),
        (insecure, true),
    ] {
        let mut file = File::create(&path).expect("room");
        let mut tools = tools(&path, 1);
        tools.trust = trust;
        tools.timeouts.read = std::time::Duration::from_secs(2);
        let done = fetch(&tools, &server.1, &mut file);
        let fetched = fs::read_to_string(&path).expect("it is there");
        match (done, believed) {
            (Ok(()), true) => assert!(fetched.contains("s_server"), "{fetched}"),
            (Err(error), false) => {
                assert!(error.to_string().contains("certificate"), "{error}");
                assert!(fetched.is_empty());
            }
            (done, _) => panic!("{believed}: {done:?}"),
        }
    }
}
