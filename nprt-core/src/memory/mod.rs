//! A real in-memory backend of each port: fixture for tests, example for readers, and reference for what
//! the contract means.
