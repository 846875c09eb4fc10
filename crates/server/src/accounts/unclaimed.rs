//! A server that nobody has made theirs yet.

use ringback_store::{Location, Page};
use tokio::time::Duration;

use crate::app::Server;
use crate::config::Config;
use crate::config::accounts::Registration;

/// The start waits so long for the number of users.
const WITHIN: Duration = Duration::from_secs(2);

/// Warns in the log where [`unclaimed`] has something to say.
pub async fn warn_while_unclaimed(app: &Server) {
    if let Ok(Some(warning)) = tokio::time::timeout(WITHIN, unclaimed(app)).await {
        tracing::warn!("{warning}");
    }
}

/// That somebody else may become admin, and what to do against it: nobody has registered, and others than callers on this machine reach
/// it. `None` where that is not so, or the database does not say.
pub async fn unclaimed(app: &Server) -> Option<String> {
    let config = &app.config;
    let registration = match config.accounts.registration {
        Registration::FirstUser => "first-user",
        Registration::Open => "open",
        Registration::Closed => return None,
    };
    let host = config.http.host;
    let reached = match &config.http.public_url {
        _ if !host.is_loopback() => format!("HOST={host}"),
        Some(url) => format!("PUBLIC_URL={url}"),
        None => return None,
    };
    let users = app.rows.store()?.user_list(Page { skip: 0, limit: 1 });
    if users.await.ok()?.total > 0 {
        return None;
    }
    Some(format!(
        "nobody has an account yet, and whoever registers first becomes admin (REGISTRATION={registration}, {reached}): \
         make yours now with: ringback user add you@example.org{}",
        folder(config)
    ))
}

/// What names the database to a shell that has not this server's settings.
fn folder(config: &Config) -> String {
    let file = matches!(config.database(), Ok(Location::File(_)));
    match std::path::absolute(&config.data_dir) {
        Ok(folder) if file && config.database_url.is_none() => {
            format!(" --data-dir {}", folder.display())
        }
        Ok(_) | Err(_) => String::new(),
    }
}
