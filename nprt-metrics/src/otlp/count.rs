//! How many messages a request holds, before any of it is read: an empty one takes two bytes, and a hundred times as many
//! once it is read.

use crate::statsd::varint::{read, take};

/// A message, by the fields of it that hold messages.
struct Message(&'static [(u64, &'static Message)]);

static VALUE: Message = Message(&[]);
static BUCKETS: Message = Message(&[]);
static SUMMARY_POINT: Message = Message(&[]);
static ATTRIBUTE: Message = Message(&[(2, &VALUE)]);
static RESOURCE: Message = Message(&[(1, &ATTRIBUTE)]);
static SCOPE: Message = Message(&[(3, &ATTRIBUTE)]);
static NUMBER: Message = Message(&[(7, &ATTRIBUTE)]);
static HISTOGRAM: Message = Message(&[(9, &ATTRIBUTE)]);
static EXPONENTIAL: Message = Message(&[(1, &ATTRIBUTE), (8, &BUCKETS), (9, &BUCKETS)]);
static NUMBERS: Message = Message(&[(1, &NUMBER)]);
static HISTOGRAMS: Message = Message(&[(1, &HISTOGRAM)]);
static EXPONENTIALS: Message = Message(&[(1, &EXPONENTIAL)]);
static SUMMARIES: Message = Message(&[(1, &SUMMARY_POINT)]);
static METRIC: Message =
    Message(&[(5, &NUMBERS), (7, &NUMBERS), (9, &HISTOGRAMS), (10, &EXPONENTIALS), (11, &SUMMARIES)]);
static SCOPE_METRICS: Message = Message(&[(1, &SCOPE), (2, &METRIC)]);
static RESOURCE_METRICS: Message = Message(&[(1, &RESOURCE), (2, &SCOPE_METRICS)]);
static REQUEST: Message = Message(&[(1, &RESOURCE_METRICS)]);

/// Why a request is not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    TooMany,
    Malformed,
}

/// Whether a request holds at most so many messages.
pub(super) fn check(body: &[u8], most: usize) -> Result<(), Stop> {
    let mut left = most;
    walk(body, &REQUEST, &mut left)
}

fn walk(mut body: &[u8], message: &Message, left: &mut usize) -> Result<(), Stop> {
    while !body.is_empty() {
        let key = read(&mut body).ok_or(Stop::Malformed)?;
        let length = match key & 7 {
            0 => {
                read(&mut body).ok_or(Stop::Malformed)?;
                continue;
            }
            1 => 8,
            2 => read(&mut body).ok_or(Stop::Malformed)?,
            5 => 4,
            // Groups, which OTLP never had.
            _ => return Err(Stop::Malformed),
        };
        let inner = take(&mut body, length).ok_or(Stop::Malformed)?;
        let child = message.0.iter().find(|(field, _)| *field == key >> 3 && key & 7 == 2);
        if let Some((_, child)) = child {
            *left = left.checked_sub(1).ok_or(Stop::TooMany)?;
            walk(inner, child, left)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_and_not_what_is_text() {
        // A request of a resource with two attributes, of which one has a value.
        let request = [10, 10, 10, 8, 10, 0, 10, 4, 18, 2, 10, 0];
        assert_eq!(check(&request, 5), Ok(()));
        assert_eq!(check(&request, 4), Err(Stop::TooMany));
        for cut in 1..request.len() {
            assert!(check(&request[..cut], 5).is_err(), "{cut}");
        }
        assert_eq!(check(&[11, 12], 5), Err(Stop::Malformed));
    }
}
