//! Ironic, as the agent sees it: version discovery, lookup, heartbeat.
