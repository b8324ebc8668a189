//! pid 1: mounts, console, modules, links, and the agent it keeps alive.
