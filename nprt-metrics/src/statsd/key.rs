use nprt_core::model::Track;

/// The key of a block within its metric, service and minute, written over `key`. No part holds a NUL.
pub(super) fn write_key(key: &mut String, track: Track, version: &str, pod: &str, route: &str) {
    key.clear();
    for (i, part) in [track.as_str(), version, pod, route].into_iter().enumerate() {
        if i > 0 {
            key.push('\0');
        }
        key.push_str(part);
    }
}

/// Track, version, pod and route of a key.
pub(super) fn read_key(key: &str) -> Option<(Track, [Option<String>; 3])> {
    let mut parts = key.split('\0');
    let track = parts.next()?.parse().ok()?;
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    Some((track, [next(), next(), next()]))
}
