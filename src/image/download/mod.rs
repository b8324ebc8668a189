//! The image from its servers: asked for, kept moving, gone on with, and what it cost.

pub mod aside;
pub mod bound;
pub mod fetch;
pub mod flow;
pub mod ledger;
pub mod patience;
pub mod range;
pub mod resume;
