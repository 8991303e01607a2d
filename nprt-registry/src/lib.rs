//! Image registries: the OCI distribution API over HTTP ([`oci`]), and OCI image layouts on disk
//! ([`layout`]). Each implements [`ImageRegistry`](nprt_core::ports::ImageRegistry).

#[cfg(feature = "layout")]
pub mod layout;
#[cfg(feature = "oci")]
pub mod oci;
