//! Image registries: the OCI distribution API over HTTP ([`oci`]), and OCI image layouts on disk
//! ([`layout`]). Each implements [`ImageRegistry`](nprt_core::ports::ImageRegistry).

// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "layout")]
pub mod layout;
#[cfg(feature = "oci")]
pub mod oci;

/// The README's snippet compiles and runs.
#[cfg(all(doctest, feature = "oci"))]
#[doc = include_str!("../README.md")]
struct Readme;
