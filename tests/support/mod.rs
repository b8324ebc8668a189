//! What tests share: fakes of the outside, and places to work in. No asserts here.

#![allow(dead_code)] // each test binary uses its part

pub mod corpus;
pub mod drives;
pub mod fake_agent;
pub mod fake_conductor;
pub mod forward_proxy;
pub mod image_server;
pub mod memory_sink;
pub mod orders;
pub mod qcow2_corpus;
pub mod scratch;
pub mod small;
pub mod tables;
pub mod wire;
