//! A registry that speaks the OCI distribution API: the tags of an image with all their pages, and the
//! digest that a tag names.
//!
//! One [`OciRegistry`] serves any number of registries, by the host in the image's name. Credentials come
//! from [`RegistryConfig::credentials`], else from docker's `config.json` and its credential helpers, and
//! go to that registry and the token service it names, alone. Requests use https, but for loopback and
//! where [`RegistryConfig::plain_http`] says so.
//!
//! ```
//! use nprt_registry::oci::{OciConfig, OciRegistry};
//! let config: OciConfig = serde_json::from_str(r#"{
//!     "page_size": 500,
//!     "registries": {
//!         "docker.io": {"host": "mirror.example.com"},
//!         "registry.example.com": {"credentials": {"basic": {"username": "nprt", "password": "s3cret"}}}
//!     }
//! }"#)?;
//! let registry: OciRegistry = OciRegistry::builder(config).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod auth;
mod backend;
mod builder;
mod client;
mod config;
mod error;
mod fuzz;
mod host;
mod link;

pub use backend::OciRegistry;
pub use builder::OciRegistryBuilder;
pub use config::{Credentials, DockerConfig, OciConfig, RegistryConfig};
#[doc(hidden)]
pub use fuzz::fuzz_answer;
