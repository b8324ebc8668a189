//! The agent proper, as a contents page: config → inventory → enrol → serve → lock down.
