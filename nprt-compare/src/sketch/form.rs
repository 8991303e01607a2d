use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::edge::{END, NORMAL};
use super::{Rejected, Sketch};

/// The version of the form; another grid of bins would be another version.
const VERSION: u32 = 1;

/// What a sketch is written as.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    version: u32,
    #[serde(default, skip_serializing_if = "none")]
    rejected: Rejected,
    /// Gap, count, gap, count.
    bins: Vec<u64>,
}

fn none(rejected: &Rejected) -> bool {
    *rejected == Rejected::default()
}

impl From<Sketch> for Form {
    fn from(sketch: Sketch) -> Self {
        let mut before = 0;
        let pairs = sketch.numbered().flat_map(|(bin, count)| {
            let gap = bin - before;
            before = bin;
            [u64::from(gap), count]
        });
        Self { version: VERSION, bins: pairs.collect(), rejected: sketch.rejected }
    }
}

impl TryFrom<Form> for Sketch {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        if form.version != VERSION {
            let message = "cannot read this version of a sketch";
            let error = Error::invalid("sketch.read", message).with("version", form.version);
            return Err(error.with_available([VERSION.to_string()]));
        }
        let (pairs, []) = form.bins.as_chunks() else {
            return Err(Error::invalid(
                "sketch.read",
                "expected an even number of gaps and counts in `bins`",
            ));
        };
        let mut sketch = Self { rejected: form.rejected, ..Self::new() };
        let mut before = None;
        for &[gap, count] in pairs {
            let bin = next_bin(before, gap)?;
            if count == 0 {
                let message = "expected a count above zero: a bin without samples is left out";
                return Err(Error::invalid("sketch.read", message).with("bin", bin));
            }
            sketch.add_to_bin(bin, count);
            before = Some(bin);
        }
        Ok(sketch)
    }
}

/// The bin that lies `gap` above the one before, or has it as its number where there is none before.
fn next_bin(before: Option<u32>, gap: u64) -> Result<u32> {
    let ascends = before.is_none() || gap > 0;
    u32::try_from(gap)
        .ok()
        .and_then(|gap| before.unwrap_or(0).checked_add(gap))
        .filter(|&bin| ascends && (bin == 0 || (NORMAL..END).contains(&bin)))
        .ok_or_else(|| {
            let expected = "expected gaps that lead to ascending bins: 0 (zero), or normal finite numbers";
            let bins = format!("{NORMAL} to {}", END - 1);
            Error::invalid("sketch.read", expected).with("gap", gap).with_available(["0".to_owned(), bins])
        })
}
