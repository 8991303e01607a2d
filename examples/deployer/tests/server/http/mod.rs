//! The server by HTTP, through the binary, with services in memory.

mod access;
mod patience;
mod routes;
mod tags;
