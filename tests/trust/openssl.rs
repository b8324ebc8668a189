//! OpenSSL as the other judge: what it makes, what it serves, what it believes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use ironlet::net::http::client::Fault;
use ironlet::net::tls::trust_settings::{Trust, Version};

use crate::https_status;

pub const P521: &str = "ec -pkeyopt ec_paramgen_curve:secp521r1";
pub const P256: &str = "ec -pkeyopt ec_paramgen_curve:prime256v1";

/// PEM certificates as the ramdisk has those of the public authorities.
pub fn unsigned(pem: &[u8]) -> Vec<u8> {
    let mut script = Command::new("python3")
        .args(["-B", "initramfs/authorities.py"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let input = script.stdin.take().expect("it is piped");
    let output = thread::scope(|scope| {
        scope.spawn(move || (&input).write_all(pem).expect("it reads to the end"));
        script.wait_with_output().expect("it ends")
    });
    assert!(output.status.success());
    output.stdout
}

/// A folder of keys and certificates, gone at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let name = format!("trust-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the target directory is writable");
        fs::write(path.join("san"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
        Folder(path)
    }

    pub fn run(&self, arguments: &str) -> bool {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&self.0)
            .output()
            .expect("openssl is there");
        output.status.success()
    }

    pub fn tell(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&self.0)
            .output()
            .expect("openssl is there");
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn openssl(&self, arguments: &str) {
        assert!(self.run(arguments), "openssl {arguments}");
    }

    /// An authority that signs itself; `key` as `req -newkey` takes it.
    pub fn authority(&self, name: &str, key: &str, digest: &str) {
        self.openssl(&format!(
            "req -x509 -nodes -newkey {key} -{digest} -days 9 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ));
    }

    /// A server's certificate, signed by that authority.
    pub fn server(&self, name: &str, key: &str, by: &str, digest: &str) {
        self.openssl(&format!(
            "req -new -nodes -newkey {key} -subj /CN={name} -keyout {name}.key -out {name}.req"
        ));
        self.openssl(&format!(
            "x509 -req -{digest} -in {name}.req -CA {by}.crt -CAkey {by}.key -days 9 -extfile san -out {name}.crt"
        ));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).expect(name);
    }

    pub fn trusting(&self, file: &str, min: Version) -> Trust {
        Trust {
            ca_files: vec![self.0.join(file)],
            min,
            ..Trust::default()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// OpenSSL's own server, with a page for everybody; with the certificates in NAME.chain behind its own, if there is that file.
pub struct Server(Child, pub String);

impl Server {
    pub fn new(folder: &Folder, name: &str) -> Self {
        let arguments = "s_server -accept 127.0.0.1:0 -www -cert";
        let chain = format!("{name}.chain");
        let chain = match folder.0.join(&chain).exists() {
            true => vec!["-cert_chain".to_owned(), chain],
            false => Vec::new(),
        };
        let mut child = Command::new("openssl")
            .args(arguments.split(' '))
            .args([format!("{name}.crt"), "-key".into(), format!("{name}.key")])
            .args(chain)
            .current_dir(&folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is there");
        let output = BufReader::new(child.stdout.as_mut().expect("it is piped"));
        let address = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned))
            .expect("it says where it listens");
        Server(child, format!("https://{address}/"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn get(trust: &Trust, url: &str) -> Result<u16, Fault> {
    https_status::get(trust, url, Duration::from_secs(10))
}
