//! Which server to talk to, as whom: flags go before the environment, that before the files.

mod env_file;
mod file;
mod settings;
mod sources;

pub(crate) use settings::{Connection, Settings};
