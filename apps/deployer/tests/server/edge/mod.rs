//! Who has no business with the server: pages elsewhere, requests of two meanings, crowds, and those who guess.

mod browser;
mod crowd;
mod framing;
mod guesses;
mod hidden;
mod raw;
