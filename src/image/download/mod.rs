//! The image from its servers: asked for, kept moving, gone on with, and what it cost.

pub mod fetch;
pub mod length_limit;
pub mod plain_file;
pub mod random_access;
pub mod range;
pub mod rate_limit;
pub mod resume;
mod retry_loop;
pub mod retry_policy;
pub mod stall_guard;
pub mod statistics;
