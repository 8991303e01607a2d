//! Nonfunctional production regression testing: a new version of a service runs beside the stable one in
//! production, both are compared, and the new one is promoted or rolled back without a person.

pub use nprt_core::*;
