//! Whole numbers in as few bytes as they need: seven bits a byte, the highest one says whether more follow.

pub(super) fn write(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(low(number) | 0x80);
        number >>= 7;
    }
    to.push(low(number));
}

/// Takes a number off the front; `None` at the end.
#[inline]
pub(crate) fn read(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Takes so many bytes off the front.
pub(crate) fn take<'a>(from: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(taken)
}

pub(super) fn read_f64(from: &mut &[u8]) -> Option<f64> {
    take(from, 8).and_then(|bytes| bytes.try_into().ok()).map(f64::from_le_bytes)
}

fn low(number: u64) -> u8 {
    (number & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in proptest::collection::vec(any::<u64>().prop_map(|n| n >> (n % 64)), 0..9)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| write(&mut bytes, *number));
            let mut rest = &bytes[..];
            for number in numbers {
                prop_assert_eq!(read(&mut rest), Some(number));
            }
            prop_assert_eq!((rest.len(), read(&mut rest)), (0, None));
        }

        #[test]
        fn anything_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let mut rest = &bytes[..];
            while read(&mut rest).is_some() {}
        }
    }
}
