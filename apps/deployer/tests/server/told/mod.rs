//! Who is told what: Slack by a webhook and by a bot, Bugsnag and a webhook of one's own, all of them fakes on the
//! wire, through the binary.

mod decided;
mod ears;
mod failing;
mod hooks;
mod matrix;
mod restarted;
mod thread;
