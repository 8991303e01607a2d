use url::Url;

/// The address of the next page: the target of `rel="next"` in a `Link` header (RFC 8288), resolved
/// against the address of this page.
///
/// `Ok(None)` when there is none, `Err` with the target when it is at another host: credentials would go along.
pub(super) fn next_page(page: &Url, links: &str) -> Result<Option<Url>, String> {
    let Some(target) = links.split('<').skip(1).find_map(next_target) else { return Ok(None) };
    let mut next = page.join(target).map_err(|_| target.to_owned())?;
    // A registry behind a proxy that ends TLS may write http: we stay with our own scheme.
    let same_kind = matches!(next.scheme(), "http" | "https") && next.set_scheme(page.scheme()).is_ok();
    if !same_kind || next.origin() != page.origin() {
        return Err(target.to_owned());
    }
    next.set_fragment(None);
    Ok(Some(next))
}

/// The target of `target>; rel=next; …`, if it is the next page.
fn next_target(link: &str) -> Option<&str> {
    let (target, parameters) = link.split_once('>')?;
    let is_next = |parameter: &str| {
        parameter.trim().trim_end_matches(',').split_once('=').is_some_and(|(key, value)| {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            key.trim().eq_ignore_ascii_case("rel") && relations.any(|rel| rel.eq_ignore_ascii_case("next"))
        })
    };
    parameters.split(';').any(|parameter| is_next(parameter.trim())).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(links: &str) -> Result<Option<String>, String> {
        let page = Url::parse("https://gcr.io/v2/shop/cart/tags/list?n=2").unwrap();
        next_page(&page, links).map(|next| next.map(|url| url.to_string()))
    }

    #[test]
    fn reads_relative_and_absolute_links() {
        let expected = "https://gcr.io/v2/shop/cart/tags/list?last=b&n=2";
        for links in [
            "</v2/shop/cart/tags/list?last=b&n=2>; rel=\"next\"",
            "</v2/shop/cart/tags/list?last=b&n=2>;rel=next",
            "<list?last=b&n=2>; title=x; Rel=\"prefetch next\"",
            "<?last=b&n=2>; rel=next",
            "<https://gcr.io/v2/shop/cart/tags/list?last=b&n=2>; rel=\"next\"",
            "<http://gcr.io/v2/shop/cart/tags/list?last=b&n=2>; rel=\"next\"",
            "</first>; rel=\"first\", </v2/shop/cart/tags/list?last=b&n=2>; rel=\"next\", </x>; rel=last",
        ] {
            assert_eq!(next(links).unwrap().as_deref(), Some(expected), "{links}");
        }
        for none in ["", "</v2/x>; rel=\"prev\"", "</v2/x>", "garbage"] {
            assert_eq!(next(none).unwrap(), None, "{none}");
        }
    }

    #[test]
    fn never_leaves_the_host() {
        for away in ["https://evil.io/v2/x", "//evil.io/v2/x", "https://gcr.io:444/v2/x", "file:///etc"] {
            assert_eq!(next(&format!("<{away}>; rel=next")), Err(away.to_owned()));
        }
    }
}
