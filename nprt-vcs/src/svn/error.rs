use nprt_core::{Error, ErrorKind, Retry};

/// The error that `svn` reported, by the codes that begin its lines (`svn: E160013: …`). Its text is for
/// the caller to add: it may repeat what the server said.
pub(super) fn from_svn(operation: &'static str, said: &str) -> Error {
    let codes: Vec<u32> = said.lines().filter_map(code).collect();
    let has = |known: &[u32]| codes.iter().any(|code| known.contains(code));
    let (kind, message) = if has(&[170_001, 215_004, 215_002]) {
        (ErrorKind::Unauthenticated, "the server wants (other) credentials")
    } else if has(&[175_013, 220_001, 220_004]) {
        (ErrorKind::Forbidden, "the credentials do not allow this")
    } else if has(&[160_005, 160_006, 160_013, 160_016, 170_000, 180_001, 195_012, 200_009, 210_005]) {
        (ErrorKind::NotFound, "no such path or revision")
    } else if has(&[230_001]) {
        (ErrorKind::Unavailable, "the server's certificate is not trusted")
    } else if has(&[170_013, 175_002, 175_003, 175_012, 210_002, 670_002, 670_003])
        || codes.iter().any(|code| (1..200).contains(code) || (120_000..130_000).contains(code))
    {
        (ErrorKind::Unavailable, "the server cannot be reached")
    } else {
        (ErrorKind::Unexpected, "svn failed")
    };
    let error = Error::new(kind, operation, message);
    if has(&[230_001]) { error.with_retry(Retry::Permanent) } else { error }
}

/// The number of `svn: E160013: …` and `svn: warning: W160013: …`.
fn code(line: &str) -> Option<u32> {
    let line = line.strip_prefix("svn: ")?;
    let line = line.strip_prefix("warning: ").unwrap_or(line);
    let (code, _) = line.split_once(':')?;
    code.strip_prefix(['E', 'W'])?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_and_words_do_not() {
        let kinds = [
            (
                "svn: E170013: Unable to connect\nsvn: E215004: No more credentials",
                ErrorKind::Unauthenticated,
            ),
            ("svn: E170001: Authorization failed", ErrorKind::Unauthenticated),
            ("svn: warning: W160013: path not found\n\nsvn: E200009: some targets", ErrorKind::NotFound),
            ("svn: E160006: No such revision 9", ErrorKind::NotFound),
            ("svn: E170013: Unable\nsvn: E000111: Connection refused", ErrorKind::Unavailable),
            ("svn: E230001: certificate", ErrorKind::Unavailable),
            ("svn: E999999: E160013: not found", ErrorKind::Unexpected),
            ("Segmentation fault", ErrorKind::Unexpected),
        ];
        for (said, kind) in kinds {
            assert_eq!(from_svn("svn.info", said).kind(), kind, "{said}");
        }
        assert!(!from_svn("svn.info", "svn: E230001: certificate").is_temporary());
    }
}
