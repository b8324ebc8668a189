//! The disk about to be written, held alone.
