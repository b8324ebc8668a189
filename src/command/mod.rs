//! The commands Ironic may give: one table, and the engine that runs and remembers them.
