//! Error events that a tracker keeps, one by one, become classes a minute: what the backends of error trackers share.

mod asked;
mod counted;
mod release;
mod said;
mod tracker;

pub(crate) use asked::{Events, Page, complete, is_token, of_events, start_of};
pub(crate) use counted::{Counting, ErrorEvent};
pub(crate) use release::ReleasePattern;
pub(crate) use said::{Refusal, bearer, refused};
pub(crate) use tracker::Tracker;
