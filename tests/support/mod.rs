//! What tests share: fakes of the outside, and places to work in. No asserts here.

#![allow(dead_code)] // each test binary uses its part

pub mod config_drives;
pub mod corpus;
pub mod dns_server;
pub mod dribbler;
pub mod fake_agent;
pub mod fake_conductor;
pub mod forward_proxy;
pub mod image_requests;
pub mod image_server;
pub mod memory_sink;
pub mod mounted;
pub mod packing_tools;
pub mod partition_tables;
pub mod qcow2_corpus;
pub mod scratch;
pub mod small_filesystem;
pub mod wire;
