//! Files from a server that cuts, refuses and never ends.

use std::fs;
use std::fs::File;
use std::time::Duration;

use ironlet::image::download::plain_file::fetch;

use super::support::image_requests::tools;
use super::support::image_server::{Behaviour, ImageServer};
use super::support::partition_tables::MIB;
use super::support::scratch::Scratch;
use super::support::small_filesystem::Small;

#[test]
fn a_file_is_whole_or_an_error() {
    use Behaviour::*;
    let content: Vec<u8> = (0..300_000u32).map(|at| (at / 7) as u8).collect();
    for (script, expected) in [
        (vec![Serve], Ok(1)),
        (vec![Chunked], Ok(1)),
        (vec![CutAt(200_000), StallAt(100), Serve], Ok(3)),
        (vec![Status(503), Redirect("/other"), Serve], Ok(3)),
        (vec![Status(404)], Err("404")),
        (vec![Status(401)], Err("401")),
        (vec![CutAt(10)], Err("/file")),
    ] {
        let scratch = Scratch::new();
        let server = ImageServer::start(content.clone(), script.clone());
        let path = scratch.path("file");
        let mut file = File::create(&path).expect("room");
        let mut tools = tools(&path, 4);
        tools.timeouts.read = Duration::from_secs(1);
        let done = fetch(&tools, &server.url("/file?signature=secret"), &mut file);
        match (done, expected) {
            (Ok(()), Ok(requests)) => {
                assert!(
                    fs::read(&path).expect("it is there") == content,
                    "{script:?}"
                );
                assert_eq!(server.requests().len(), requests, "{script:?}");
            }
            (Err(error), Err(said)) => {
                let told = error.to_string();
                assert!(
                    told.contains(said) && !told.contains("secret"),
                    "{script:?}: {told}"
                );
            }
            (done, _) => panic!("{script:?}: {done:?}"),
        }
    }
}

/// What does not fit is not asked for again.
#[test]
fn a_file_without_end_ends_where_there_is_no_room() {
    let scratch = Scratch::new();
    let small = Small::at(scratch.path("small"), 3 * MIB);
    let server = ImageServer::start(vec![7; MIB], vec![Behaviour::EndlessBody]);
    let path = small.0.join("file");
    let mut file = File::create(&path).expect("room");
    let error = fetch(&tools(&path, 9), &server.url("/file"), &mut file);
    let told = error.expect_err("there is no end").to_string();
    assert!(told.contains("writing it: No space left"), "{told}");
    assert_eq!(server.requests().len(), 1);
}
