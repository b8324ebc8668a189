//! The image from its servers: asked for, kept moving, gone on with, and what it cost.

mod attempts;
pub mod bound;
pub mod fetch;
pub mod patience;
pub mod random_access;
pub mod range;
pub mod resume;
pub mod stall_guard;
pub mod statistics;
