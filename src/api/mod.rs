//! The HTTP API: the front door on the port, tiny_http behind it, and the routes.
