//! The server by HTTP, through the binary, with services in memory.

mod access;
mod documented;
mod patience;
mod routes;
mod shown;
mod stalled;
mod tags;
