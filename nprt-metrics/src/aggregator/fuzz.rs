use super::wire::{AllLost, Blocks, Fault, KnownSince, Question, Span};

/// Reads `bytes` as all that goes over the wire, answers and questions. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Blocks>(bytes);
    let _ = serde_json::from_slice::<AllLost>(bytes);
    let _ = serde_json::from_slice::<KnownSince>(bytes);
    let _ = serde_json::from_slice::<Fault>(bytes);
    if let Ok(query) = std::str::from_utf8(bytes) {
        let _ = (Question::read(query), Span::read(query));
    }
}
