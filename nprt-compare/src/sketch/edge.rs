use nprt_core::{Error, Result};

/// How many bits of a float its bin leaves out: 7 of the 52 bits of the fraction stay.
pub(super) const SHIFT: u32 = 45;
/// The first bin of normal numbers. Those before it would hold subnormal numbers, which count as zero.
pub(super) const NORMAL: u32 = 1 << (52 - SHIFT);
/// One more than the last bin of finite numbers: as an edge it is infinity.
pub(super) const END: u32 = 0x7ff << (52 - SHIFT);

/// A number that a bin begins with: 0, or a normal float (or infinity) whose lower 45 bits are zero.
/// Counts at edges are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge(u32);

impl Edge {
    /// Where the bin of zero begins: everything lies at or above.
    pub const ZERO: Self = Self(0);

    /// The smallest edge that is not less than `value`: what a limit is rounded up to, so that more is
    /// allowed, never less. By less than 1/128 of it; above the last finite edge it is infinity.
    ///
    /// ```
    /// use nprt_compare::sketch::Edge;
    /// assert_eq!(Edge::at_or_above(1.0)?.value(), 1.0);
    /// assert_eq!(Edge::at_or_above(1.001)?.value(), 1.0078125);
    /// assert_eq!(Edge::at_or_above(1e-310)?.value(), f64::MIN_POSITIVE);
    /// assert!(Edge::at_or_above(-1.0).is_err());
    /// # Ok::<(), nprt_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` unless `value` is finite and not below zero.
    pub fn at_or_above(value: f64) -> Result<Self> {
        let below = Self::at_or_below(value)?;
        Ok(if below.value() < value { below.next() } else { below })
    }

    /// The largest edge that is not more than `value`: the lower edge of its bin.
    ///
    /// # Errors
    /// `Invalid` unless `value` is finite and not below zero.
    pub fn at_or_below(value: f64) -> Result<Self> {
        if !value.is_finite() || value < 0.0 {
            let expected = "expected a finite number that is not below zero";
            return Err(Error::invalid("sketch.edge", expected).with("value", value));
        }
        Ok(Self::of_bin(bin_of(value.abs())))
    }

    /// The number itself, in the unit of the samples; infinity at the end of the last bin.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from_bits(u64::from(self.0) << SHIFT)
    }

    /// Where the bin that begins here ends.
    fn next(self) -> Self {
        Self((self.0 + 1).max(NORMAL))
    }

    /// Where a bin of [`bin_of`] begins.
    pub(super) fn of_bin(bin: u32) -> Self {
        Self(if bin < NORMAL { 0 } else { bin })
    }

    /// The bin that begins here.
    pub(super) fn bin(self) -> u32 {
        self.0
    }
}

/// The upper 19 bits: below [`END`] for finite numbers from zero on, at or above it for all else (a set sign
/// is the highest bit).
pub(super) fn bin_of(value: f64) -> u32 {
    (value.to_bits() >> SHIFT) as u32
}

/// A bin that holds samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// The samples lie at or above this edge.
    pub lower: Edge,
    /// And below this one.
    pub upper: Edge,
    /// How many they are, at least one.
    pub count: u64,
}

impl Bin {
    pub(super) fn new(bin: u32, count: u64) -> Self {
        let lower = Edge::of_bin(bin);
        Self { lower, upper: lower.next(), count }
    }
}
