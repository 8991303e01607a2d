//! What `svn list --xml --recursive` prints, entry by entry while it prints it: a tree of cheap copies has no end.

use nprt_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::xml::Listed;

/// A name of 255 bytes in each of thousands of directories, escaped.
const LONGEST_ENTRY: usize = 4 * 1024 * 1024;

/// Calls `found` for each entry as it comes. An answer that breaks off ends without an error: `svn` says why.
///
/// # Errors
/// That of `found`, and `Unexpected` for what is no such list.
pub(super) async fn each(
    pipe: impl AsyncRead + Unpin,
    mut found: impl FnMut(Listed) -> Result<()>,
) -> Result<()> {
    let mut pipe = BufReader::new(pipe);
    let mut text = Vec::new();
    loop {
        let room = (LONGEST_ENTRY - text.len()) as u64;
        let read = (&mut pipe).take(room).read_until(b'>', &mut text).await.map_err(unreadable)?;
        if read == 0 && room > 0 {
            return Ok(());
        }
        if text.len() >= LONGEST_ENTRY {
            return Err(unreadable("an entry is longer than 4 MiB"));
        }
        if text.ends_with(b"</entry>") {
            found(entry(&text)?)?;
            text.clear();
        }
    }
}

/// The entry that `text` ends with.
fn entry(text: &[u8]) -> Result<Listed> {
    let text = str::from_utf8(text).map_err(unreadable)?;
    let begin = text.find("<entry").ok_or_else(|| unreadable("an entry has no beginning"))?;
    quick_xml::de::from_str(&text[begin..]).map_err(unreadable)
}

fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unexpected, "svn.list", "svn's answer cannot be read").with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> Result<Vec<(String, bool, u64)>> {
        let mut entries = Vec::new();
        each(text, |entry| {
            entries.push((entry.name.clone(), entry.is_directory(), entry.size));
            Ok(())
        })
        .await?;
        Ok(entries)
    }

    /// As svn 1.14 prints it.
    const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<lists>\n<list\n   path=\"file:///r/trunk\">\n\
        <entry\n   kind=\"dir\">\n<name>x</name>\n<commit\n   revision=\"1\">\n<author>ada</author>\n</commit>\n</entry>\n\
        <entry\n   kind=\"file\">\n<name>x/a&amp;b &lt;/entry&gt;</name>\n<size>4</size>\n<commit\n   revision=\"1\">\n\
        </commit>\n</entry>\n</list>\n</lists>\n";

    #[tokio::test]
    async fn entries_come_one_by_one() {
        let expected = [("x".to_owned(), true, 0), ("x/a&b </entry>".to_owned(), false, 4)];
        assert_eq!(read(LIST.as_bytes()).await.unwrap(), expected);
        let broken_off = LIST.find("<size>").unwrap();
        assert_eq!(read(&LIST.as_bytes()[..broken_off]).await.unwrap(), expected[..1]);
        assert_eq!(read(b"").await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_no_list_is_refused() {
        let long = format!("<entry kind=\"file\"><name>{}", "a".repeat(LONGEST_ENTRY));
        let endless = format!("{long}</name></entry>");
        for text in
            ["</entry>", "<entry><name>a</name></entry>", "<entry kind=\"file\"></entry>", &long, &endless]
        {
            let error = read(text.as_bytes()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        }
        let no_size = "<entry kind=\"file\"><name>a</name><size>-1</size></entry>";
        assert!(read(no_size.as_bytes()).await.is_err());
    }
}
