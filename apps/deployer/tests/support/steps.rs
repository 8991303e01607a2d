use reqwest::Response;
use serde_json::Value;

/// Server-sent events, as they come.
pub(crate) struct Steps {
    response: Response,
    read: String,
}

impl Steps {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{}", response.status());
        Self { response, read: String::new() }
    }

    /// The name and the data of the next one; `None` at the end, also of a server that dies.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let Some((name, data)) =
                    event.strip_prefix("event: ").and_then(|event| event.split_once("\ndata: "))
                else {
                    // A comment, which keeps the connection open.
                    continue;
                };
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.read.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    /// All that are left, with how it ended last.
    pub(crate) async fn all(mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(step) = self.next().await {
            all.push(step);
        }
        all
    }
}
