//! The page at `/`: where a person stands who has just started the server.

use std::fmt::Write as _;

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Extension, State};
use axum::http::HeaderMap;
use axum::response::Html;

use crate::app::App;
use crate::hooks::local::is_local;
use crate::welcome::Welcome;

/// The style of the page; its digest stands in the content security policy.
pub const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
code,pre{font:14px/1.5 ui-monospace,monospace;background:rgba(128,128,128,.15);border-radius:4px;padding:.1em .3em}
pre{padding:.6em .8em;overflow-x:auto}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3em .8em .3em 0}
.off{color:#c33}@media(prefers-color-scheme:dark){.off{color:#f88}}";

/// Show where a person stands who has just started the server.
///
/// How the server is set up is shown to its own people only: where the server listens on loopback alone, and to a local caller.
#[utoipa::path(get, path = "/", tag = "Operation", responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html", example = json!("<!doctype html>...")),
))]
pub async fn show_page(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Html<String> {
    let here = peer.is_some_and(|Extension(ConnectInfo(peer))| is_local(&headers, peer.ip()))
        && app.address.ip().is_loopback();
    if !here {
        return Html(outside());
    }
    let welcome = Welcome::of(&app);
    let live = app.registry.counts().live;
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Ringback</title><style>{STYLE}</style></head><body>\n<h1>Ringback answers the telephone</h1>\n\
         <p>Listening at <code>{address}</code>, live calls: <strong>{live}</strong>.{local}</p>\n\
         <h2>Telephone it</h2>\n<p>In a terminal on this machine:</p>\n<pre>{call}</pre>\n\
         <h2>What hears, answers and speaks</h2>\n<table>{engines}</table>\n\
         <h2>Scenarios</h2>\n<table>{scenarios}</table>\n\
         <p>Own ones are TOML files{own}. {recordings}</p>\n\
         <h2>Point a Twilio number here</h2>\n{number}\n</body></html>\n",
        address = escaped(&welcome.address),
        local = if welcome.local_only {
            " Without <code>TWILIO_AUTH_TOKEN</code> only callers on this machine are accepted."
        } else {
            ""
        },
        call = escaped(&welcome.call),
        engines = engines(&welcome),
        scenarios = scenarios(&welcome),
        own = folder(" in ", &welcome.own_scenarios),
        recordings = recordings(&welcome),
        number = number(&welcome),
    ))
}

/// What everybody else sees.
fn outside() -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Ringback</title><style>{STYLE}</style></head><body>\n<h1>Ringback answers the telephone</h1>\n\
         <p>Its API is described at <a href=\"/docs\">/docs</a>. How this server is set up is shown to a browser on its own machine,\n\
         and by the API to those who have an account.</p>\n</body></html>\n"
    )
}

fn folder(before: &str, folder: &str) -> String {
    format!("{before}<code>{}</code>", escaped(folder))
}

fn engines(welcome: &Welcome) -> String {
    let mut rows = String::new();
    for engine in &welcome.engines {
        let off = if engine.usable { "" } else { " class=\"off\"" };
        let cells = format!(
            "<td>{}</td><td>{}</td><td{off}>{}</td>",
            escaped(engine.role),
            escaped(engine.name),
            escaped(&engine.why)
        );
        let _ = write!(rows, "<tr>{cells}</tr>");
    }
    rows
}

fn scenarios(welcome: &Welcome) -> String {
    let mut rows = String::new();
    for slug in &welcome.scenarios {
        let slug = escaped(slug);
        let default = if *slug == *welcome.default_scenario {
            "answers calls without a name"
        } else {
            ""
        };
        let _ = write!(
            rows,
            "<tr><td>{slug}</td><td><code>/call/inbound/receive/{slug}</code></td><td>{default}</td></tr>"
        );
    }
    rows
}

fn recordings(welcome: &Welcome) -> String {
    match &welcome.recordings {
        Some(path) => format!("Calls are recorded{}.", folder(" to ", path)),
        None => "Calls are not recorded.".to_owned(),
    }
}

fn number(welcome: &Welcome) -> String {
    if let Some(url) = welcome.public_url.as_ref().filter(|_| !welcome.local_only) {
        let url = escaped(url);
        return format!(
            "<p>In the Twilio console set the number's voice webhook (&ldquo;A call comes in&rdquo;, HTTP POST) to</p>\n<pre>{url}/</pre>"
        );
    }
    format!(
        "<ol><li>Give this server a public address, for example by a tunnel: <code>ngrok http {}</code>.</li>\
     <li>Start it with <code>PUBLIC_URL</code> (the tunnel's https address) and <code>TWILIO_AUTH_TOKEN</code> (from the Twilio console).</li>\
     <li>In the Twilio console set the number's voice webhook (&ldquo;A call comes in&rdquo;, HTTP POST) to that address.</li></ol>",
        welcome.port
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
