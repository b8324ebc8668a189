//! The config drive of an order: as Ironic takes one (a URL, base64, or what is to be in it), or files for cloud-init's NoCloud; made
//! into a file system here. What is to be fetched for it is the source's.

use crate::codec::json::{Fields, Object, Value, print, text};
use crate::error::{Context, Result};
use crate::image::Layout;
use crate::image::layout::config_drive;
use crate::net::http::url;
use crate::order::facts::Facts;
use crate::order::reader::Reader;
use crate::units::Bytes;

/// A document that belongs into the drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This.
    Here(Vec<u8>),
    /// What is at this URL.
    At(String),
}

/// What the config drive is made of.
#[derive(Clone, Debug)]
pub enum Drive {
    /// A URL or base64, as Ironic's own.
    Given(String),
    /// Files, by their paths.
    Files {
        /// Of the file system: what readers look for.
        label: &'static str,
        /// Each with the path it gets, or several.
        files: Vec<(&'static [&'static str], Content)>,
    },
}

/// cloud-init, "NoCloud": the label, and what is called how.
const NO_CLOUD: &str = "CIDATA";
const SEED: [(&str, &[&str]); 4] = [
    ("meta_data", &["meta-data"]),
    ("user_data", &["user-data"]),
    ("network_config", &["network-config"]),
    ("vendor_data", &["vendor-data"]),
];

/// As openstacksdk's configdrive.py lays them out, which Ironic itself uses.
const CONFIG_2: [(&str, &[&str]); 4] = [
    (
        "meta_data",
        &[
            "openstack/2012-08-10/meta_data.json",
            "openstack/latest/meta_data.json",
        ],
    ),
    (
        "user_data",
        &[
            "openstack/2012-08-10/user_data",
            "openstack/latest/user_data",
        ],
    ),
    (
        "network_data",
        &[
            "openstack/2012-08-10/network_data.json",
            "openstack/latest/network_data.json",
        ],
    ),
    (
        "vendor_data",
        &[
            "openstack/2012-08-10/vendor_data2.json",
            "openstack/latest/vendor_data2.json",
        ],
    ),
];

impl Drive {
    /// The one that is ordered.
    pub fn read(reader: &mut Reader, facts: &Facts) -> Option<Self> {
        let (given, seed) = (reader.find("configdrive"), reader.object("seed"));
        let is_twofold = given.is_some() && seed.is_some();
        let seed = seed.and_then(|seed| no_cloud(reader, seed, facts));
        let given = given.and_then(|given| Self::given(reader, given, facts));
        if is_twofold {
            reader.problem("seed", "is there, and configdrive too: take one away");
            return None;
        }
        given.or(seed)
    }

    /// As Ironic takes one.
    fn given(reader: &mut Reader, given: &Value, facts: &Facts) -> Option<Self> {
        match given {
            Value::String(drive) if url::is_http(drive) => {
                if facts.signed {
                    reader.problem(
                        "configdrive",
                        "must be in the order itself, not at a URL: nobody signed what is there",
                    );
                } else {
                    reader.url("configdrive", drive);
                }
                Some(Drive::Given(drive.clone()))
            }
            Value::String(drive) => {
                let whole = config_drive::Source::new(drive, config_drive::LIMIT);
                reader.of(whole, "configdrive")?;
                Some(Drive::Given(drive.clone()))
            }
            Value::Object(parts) => config_2(reader, parts, facts),
            _ => {
                reader.problem(
                    "configdrive",
                    "must be a URL, the drive as base64 of gzip, or an object of meta_data, user_data, network_data, vendor_data",
                );
                None
            }
        }
    }

    /// Made, with what `fetch` brings from URLs; for an image that is so to the disk.
    pub fn source(
        &self,
        layout: Layout,
        fetch: &dyn Fn(&str) -> Result<Vec<u8>>,
    ) -> Result<config_drive::Source> {
        let (label, files) = match self {
            Drive::Given(given) => return config_drive::Source::new(given, limit(layout)),
            Drive::Files { label, files } => (label, files),
        };
        let mut made = Vec::new();
        for (paths, content) in files {
            let bytes = match content {
                Content::Here(bytes) => bytes.clone(),
                Content::At(url) => {
                    let named = || format!("fetching {} of the seed", paths.join(" "));
                    fetch(url).with_context(named)?
                }
            };
            made.extend(paths.iter().map(|path| ((*path).to_owned(), bytes.clone())));
        }
        config_drive::Source::made(label, &made).context("making the config drive")
    }
}

fn limit(layout: Layout) -> Bytes {
    match layout {
        Layout::Partition(_) => config_drive::MOST,
        Layout::Disk | Layout::Bytes => config_drive::LIMIT,
    }
}

/// Documents as text, as JSON, or by URL; of the two that must be there what is not given is made up.
fn no_cloud(reader: &mut Reader, seed: &Object, facts: &Facts) -> Option<Drive> {
    let known = parts(reader, "seed", seed, &SEED);
    let mut files = Vec::new();
    for (name, paths) in SEED {
        let field = format!("seed.{name}");
        let content = match seed.field(name) {
            Some(Value::String(place)) if url::is_http(place) && !place.trim().contains('\n') => {
                reader.url(&field, place.trim());
                Content::At(place.trim().to_owned())
            }
            Some(Value::String(document)) => Content::Here(document.clone().into_bytes()),
            // JSON is YAML.
            Some(document @ Value::Object(_)) => {
                let head = if name == "user_data" {
                    "#cloud-config\n"
                } else {
                    ""
                };
                Content::Here(format!("{head}{}\n", print(document)).into_bytes())
            }
            Some(_) => {
                reader.problem(&field, "must be a document, an object or a URL");
                continue;
            }
            // Bare, a MAC of digits alone is a number to the base of 60 in YAML 1.1.
            None if name == "meta_data" => {
                Content::Here(format!("instance-id: \"{}\"\n", instance(facts)).into_bytes())
            }
            None if name == "user_data" => Content::Here(Vec::new()),
            None => continue,
        };
        files.push((paths, content));
    }
    known.then_some(Drive::Files {
        label: NO_CLOUD,
        files,
    })
}

/// As Ironic builds one of JSON: what of `meta_data` must be there is made up.
fn config_2(reader: &mut Reader, parts_of: &Object, facts: &Facts) -> Option<Drive> {
    let known = parts(reader, "configdrive", parts_of, &CONFIG_2);
    let mut files = Vec::new();
    for (name, paths) in CONFIG_2 {
        let field = format!("configdrive.{name}");
        let content = match (name, parts_of.field(name)) {
            ("meta_data", None) => with_uuid(&Object::new(), facts),
            ("meta_data", Some(Value::Object(data))) => with_uuid(data, facts),
            ("user_data", Some(Value::String(data))) => data.clone(),
            (_, Some(data @ Value::Object(_))) => print(data),
            ("user_data", Some(data @ Value::Array(_))) => print(data),
            (_, None) => continue,
            (name, Some(_)) => {
                let what = match name {
                    "user_data" => "must be text, an object or a list",
                    _ => "must be an object",
                };
                reader.problem(&field, what);
                continue;
            }
        };
        files.push((paths, Content::Here(content.into_bytes())));
    }
    known.then_some(Drive::Files {
        label: "CONFIG-2",
        files,
    })
}

/// Has `object` nothing but these, and anything?
fn parts(reader: &mut Reader, field: &str, object: &Object, known: &[(&str, &[&str])]) -> bool {
    let mut fine = true;
    for name in object.keys() {
        if !known.iter().any(|(known, _)| known == name) {
            let known: Vec<_> = known.iter().map(|(known, _)| *known).collect();
            reader.problem(
                &format!("{field}.{name:.40}"),
                format!("is none of {}", known.join(", ")),
            );
            fine = false;
        }
    }
    fine
}

fn with_uuid(data: &Object, facts: &Facts) -> String {
    let mut data = data.clone();
    if data.field("uuid").is_none() {
        data.insert("uuid".to_owned(), text(instance(facts)));
    }
    print(&Value::Object(data))
}

/// What tells this machine's instance from others: its UUID, else its first MAC.
fn instance(facts: &Facts) -> String {
    let names = facts.names;
    let own = names.uuid.as_ref().or(names.macs.first());
    own.map_or("ironlet", |own| own).to_owned()
}
