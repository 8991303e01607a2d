use serde_json::json;

use crate::clean::line;
use crate::cli::Format;
use crate::client::Client;
use crate::config::Settings;
use crate::failure::{Exit, Result};
use crate::output::{self, Output};

/// The version of this program, and of the server where one is configured. Its own is printed in any case.
pub(super) async fn show(settings: Settings, output: Output) -> Result<Exit> {
    let own = env!("CARGO_PKG_VERSION");
    let server = match settings.connection {
        Some(connection) => Some((connection.url.clone(), server(&connection).await)),
        None => None,
    };
    let (url, answer) = server.unzip();
    let (answer, failure) = match answer {
        Some(Ok(answer)) => (Some(answer), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, None),
    };
    if output.format == Format::Table {
        output::text(&format!("depctl {own}\n"))?;
        if let (Some(url), Some(answer)) = (&url, &answer) {
            let text =
                |name: &str| line(answer.get(name).and_then(|value| value.as_str()).unwrap_or("unknown"));
            output::text(&format!("{} {} ({url})\n", text("name"), text("version")))?;
        }
    } else {
        output.value(
            &json!({"name": "depctl", "version": own, "server": answer, "url": url.map(String::from)}),
        )?;
    }
    failure.map_or(Ok(Exit::Success), Err)
}

async fn server(connection: &crate::config::Connection) -> Result<serde_json::Value> {
    Client::new(connection)?.get(&["version"]).await
}
