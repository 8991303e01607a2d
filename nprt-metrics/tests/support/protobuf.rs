//! Prometheus' protobuf, as client libraries write it: see `io.prometheus.client.MetricFamily`.

/// A field with a length.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    varint(&mut field, bytes.len() as u64);
    field.extend(bytes);
    field
}

/// A field that is a number.
pub(crate) fn number(number: u8, value: u64) -> Vec<u8> {
    let mut field = vec![number << 3];
    varint(&mut field, value);
    field
}

/// A field that is a number with a sign.
pub(crate) fn signed(of: u8, value: i64) -> Vec<u8> {
    number(of, ((value << 1) ^ (value >> 63)).cast_unsigned())
}

/// A field that is a floating-point number.
pub(crate) fn double(number: u8, value: f64) -> Vec<u8> {
    [vec![number << 3 | 1], value.to_le_bytes().to_vec()].concat()
}

/// A metric family with its length in front: its name, its type and its metrics.
pub(crate) fn family(name: &str, kind: u64, metrics: &[Vec<u8>]) -> Vec<u8> {
    let metrics = metrics.iter().map(|metric| field(4, metric)).collect::<Vec<_>>().concat();
    let family = [field(1, name.as_bytes()), number(3, kind), metrics].concat();
    let mut delimited = Vec::new();
    varint(&mut delimited, family.len() as u64);
    delimited.extend(family);
    delimited
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap());
}
