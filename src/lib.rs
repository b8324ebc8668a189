//! ironlet: a deploy agent for OpenStack Ironic in one static binary.
//!
//! ```text
//!  kernel ─▶ init (pid 1) ─▶ agent ─▶ conductor: lookup, heartbeat
//!                              │
//!           Ironic ─▶ api ─▶ command ─▶ steps ─▶ image ─▶ disk
//! ```
//!
//! Modules stand by floor: a file imports lower floors or its own folder, never up, never sideways, and no two files need
//! each other. `tests/layers.rs` holds them to it.
//!
//! # Where a byte of an image goes
//!
//! ```text
//!  api/connection        the request's head; its body goes through api/backend_socket to
//!  api/tiny_http_backend  tiny_http, which gives it to
//!  command/request       JSON to a Call; command/command_runner starts it in a thread
//!  steps/image_info      image_info to an image::Request; disk/select chooses the disk
//!  image                 the main path, from here on:
//!    download/           servers, proxies, retries: fetch ─▶ resume ─▶ length_limit
//!    pipeline/           read_ahead (thread image-read) ═belt═▶ progress_reader
//!    verify/digest       digested as served
//!    decode/             format_inspector says what it is; raw, compressed_raw or qcow2 decode it
//!    write/disk_sink     into aligned blocks, both ends of the disk held back ═belt═▶
//!    write/writer_threads  (threads image-write) to disk/exclusive_disk: pwrite with O_DIRECT
//!    layout/             once the digest is right: the table fitted, the config drive added, in memory
//!    write/held_back_ends  the last thing written
//!  steps/deployed_disk_record  what Ironic is told, and efi makes a boot entry of
//! ```
//!
//! # Where something new goes, and what must turn red when it breaks
//!
//! | new | goes to | held by |
//! |---|---|---|
//! | command | the table in `command/mod.rs`, a file beside it | `tests/command.rs`, `./build.sh conformance` |
//! | step | the table in `steps/step_table.rs`, a file beside it | `tests/steps.rs`, `./build.sh conformance` |
//! | parameter | the table in `config/table.rs`; its value in `config/settings.rs`; `agent/effective_config.rs` if Ironic may change it | `tests/config.rs`, `tests/readme.rs` |
//! | parameter that protects something | `config/protecting.rs` as well | `tests/config.rs` |
//! | what is wrong first, and what to try | `agent/doctor/` | `tests/cli.rs`, `./build.sh lab doctor` |
//! | flag of the binary | the table in `config/flags.rs` | `tests/cli.rs`, `config/manual_page.rs` |
//! | parameter of pid 1 | `init/parameters.rs` | its tests, `./build.sh lab` |
//! | field of an order | `order/fields.rs` | `tests/order.rs`, `./build.sh lab order` |
//! | root device hint | `disk/select/hints.rs`; what the disk says in `disk/identity/` | `tests/hints.rs`, `tests/disk.rs`, `./build.sh identity` |
//! | what a server or router of the network may say | `net/dhcp/`, `net/dhcpv6/`, `net/address/router_advertisement.rs` | `tests/dhcp.rs`, `tests/ipv6.rs`, `tests/cards.rs` |
//! | what a switch may say | `net/lldp/`; in Ironic's words `inventory/lldp_tlvs.rs` | `tests/lldp.rs`, `./build.sh lab inspect-lldp` |
//! | what may come from virtual media, and from which | `virtual_media/` | `tests/virtual_media.rs`, `./build.sh lab vmedia` |
//! | links and addresses that a plan asks for | `net/network_data/`, `net/link/virtual_links.rs` | `tests/network_data.rs`, `./build.sh hardware` |
//! | a row of the screens' status block | `logger/status.rs` | its tests, `./build.sh hardware` |
//! | what a NIC or the network says on the console | `init/network_report.rs` | its tests, `./build.sh lab` |
//! | a driver's complaint | the table in `drivers/firmware_requests_in_log.rs` | its tests, `tests/drivers.rs`, `./build.sh hardware` |
//! | field of the inventory | `inventory/` | `tests/inventory.rs`, `./build.sh conformance`, `./build.sh identity` |
//! | what SMBIOS says | `inventory/dmi.rs`; in dmidecode's words `inventory/dmi_decode/` | `tests/dmi.rs`, `./build.sh identity` |
//! | collector of an inspection | the table in `inventory/collectors.rs`, a file beside it | `tests/inspection.rs`, `./build.sh lab inspect` |
//! | image format | `decode/format.rs`, `decode/format_inspector.rs`, a decoder beside them | `tests/image.rs`, `tests/packing.rs`, `tests/qcow2.rs` |
//! | which disks are one, by several ways | `disk/multipath/` | `tests/multipath.rs`, `./build.sh hardware` |
//! | disk that the firmware boots from over iSCSI | what the firmware says `disk/ibft/`; the login `iscsi/` | `tests/ibft.rs`, `tests/iscsi.rs` |
//! | way of erasing | `disk/secure_erase/`, `disk/erase/method_fallback.rs` | `tests/secure_erase.rs`, `tests/erase.rs` |
//! | what can be put into a file system | `steps/inject_files/` | `tests/inject_files.rs`, `./build.sh lab service-inject` |
//! | software RAID | `disk/raid/`, steps in `steps/raid.rs` | `tests/raid.rs`, `tests/raid/run`, `./build.sh lab raid1-root` |
//! | signature to clear | `disk/wipe/signatures.rs` | `tests/wipe.rs` |
//! | what the archive of logs has | `system_logs/` | `tests/system_logs.rs`, `./build.sh lab burnin` |
//! | what a page or a report tells | `logger/status.rs`, `report/overview.rs`; shown by `api/page/`, told by `report/json.rs` | `tests/page.rs`, `tests/report.rs`, `./build.sh lab page report` |
//! | figure for those who watch | `api/metrics.rs` | `./build.sh conformance` |
//! | what upstream has and this has not | `steps/declined.rs`, `config/declined_options.rs`; `tests/conformance/FEATURES.md` | `./build.sh conformance` |
//! | who may log in, and how | `rescue/`; what is started for it `init/programs.rs`, `init/rescue_logins.rs`, `initramfs/rescue.sh` | `tests/rescue.rs`, `./build.sh lab rescue` |
//! | kernel call | `sys/`, and nowhere else | `tests/layers.rs` |

// F0: words everybody uses
pub mod calendar;
pub mod clock;
pub mod error;
pub mod secret;
pub mod small_sort;
pub mod units;
pub mod version;

// F1: the kernel's interface, pure bytes → bytes, what of a text is secret, and how far the work has come
pub mod codec;
pub mod redaction;
pub mod sys;
pub mod work_progress;

// F2: the machine as files
pub mod system_root;

// F3: the log, the network, the parameters, what hardware does not work, and the power switch
pub mod available_memory;
pub mod config;
pub mod drivers;
pub mod logger;
pub mod net;
pub mod power;

// F4: disks, trying processors and memory, and the log sent elsewhere
pub mod burnin;
pub mod disk;
pub mod syslog;

// F5: what the machine is, the image path, who boots what it wrote, and what Ironic hands in
pub mod efi;
pub mod image;
pub mod inventory;
pub mod virtual_media;

// F6: Ironic, as the agent sees it, the firmware's own disk, the steps it may ask for, who may log in after a rescue, and the logs and reports for
// whoever looks for a reason
pub mod conductor;
pub mod iscsi;
pub mod report;
pub mod rescue;
pub mod steps;
pub mod system_logs;

// F7: the agent, as Ironic sees it, and what it does without one
pub mod command;
pub mod order;

// F8: the two ways in: the API and the kernel
pub mod api;
pub mod init;

// F9: the whole
pub mod agent;
