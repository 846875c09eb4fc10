//! Every route of the server with its protection: the router is made from this table and from nothing else.

mod accounts;
mod scenarios;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post};
use ringback_wire::twilio::webhook::MAX_FORM_BYTES;
use tower::util::option_layer;

use crate::answers::Detail;
use crate::api::calls::{act, events, files, links, order, transcript};
use crate::api::{calls, conversations, speech};
use crate::app::App;
use crate::hooks::{amd, authentic, media, resume, voice};
use crate::openapi::{self, Described, Told};
use crate::rates::{self, Counted, Counter, Limit};
use crate::{blocks, body, client, headers, health, metrics, page, requests, upload};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Everybody, on purpose.
    Public,
    /// The carrier, by its signature; local callers where there is no auth token.
    Carrier,
    /// As [`Protection::Carrier`] on the upgrade, and then the token of an expected call.
    CarrierAndToken,
    /// Users, by an access token or an API key.
    User,
    /// Users who are admins.
    Admin,
    /// Callers on this machine.
    Local,
    /// As [`Protection::User`], or whoever brings a link to it.
    UserOrLink,
    /// As [`Protection::Local`], or whoever has the `METRICS_TOKEN`.
    MetricsToken,
}

impl Protection {
    /// Whether a signature says who asks: then it may come from any address. All other routes are closed to blocked ones.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Carrier | Self::CarrierAndToken)
    }
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path's pattern.
    pub path: &'static str,
    /// Who may use it.
    pub protection: Protection,
    /// How large its body may be, in bytes.
    pub body: usize,
    /// What the document of the API says of it.
    pub described: Option<fn() -> (String, Described)>,
    /// How often one user or address may use it.
    pub limit: Option<Limit>,
    handler: fn() -> MethodRouter<App>,
}

/// A route that takes no body and has no limit.
pub const fn route(
    method: &'static str,
    path: &'static str,
    protection: Protection,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route {
        method,
        path,
        protection,
        body: 0,
        described: None,
        limit: None,
        handler,
    }
}

impl Route {
    /// The same with a body of at most so many bytes.
    #[must_use]
    pub const fn taking(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }

    /// The same with what its handler's `#[utoipa::path]` says: `P` is `__path_` and the handler's name.
    const fn told_by<P: Told>(mut self) -> Self {
        self.described = Some(openapi::described::<P>);
        self
    }

    /// The same for so many uses a minute by one user, or by one address where there is no user.
    #[must_use]
    pub const fn limited(mut self, a_minute: u32, counted: Counted) -> Self {
        self.limit = Some(Limit { a_minute, counted });
        self
    }
}

/// The names of routes that have a limit, each once.
pub fn limited_names() -> Vec<String> {
    let limited = ROUTES.iter().filter(|route| route.limit.is_some());
    let mut names: Vec<String> = limited.map(|route| rates::name(route.path)).collect();
    names.sort();
    names.dedup();
    names
}

/// The most bytes of a body that is a text and a few words around it.
const JSON: usize = 64 * 1024;

/// All routes.
pub const ROUTES: &[Route] = &joined::<
    { OWN.len() + accounts::ROUTES.len() + scenarios::ROUTES.len() },
>(&[OWN, accounts::ROUTES, scenarios::ROUTES]);

/// Tables as one. `N` is how many routes they have together.
const fn joined<const N: usize>(tables: &[&[Route]]) -> [Route; N] {
    let mut all = [OWN[0]; N];
    let (mut table, mut at) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[at] = tables[table][row];
            (row, at) = (row + 1, at + 1);
        }
        table += 1;
    }
    all
}

const OWN: &[Route] = &[
    route("GET", "/", Protection::Public, || get(page::show_page))
        .told_by::<page::__path_show_page>(),
    route("POST", "/", Protection::Carrier, || {
        post(voice::answer_default_call)
    })
    .taking(MAX_FORM_BYTES)
    .told_by::<voice::__path_answer_default_call>(),
    route(
        "POST",
        "/call/inbound/receive/{bot_id}",
        Protection::Carrier,
        || post(voice::answer_call),
    )
    .taking(MAX_FORM_BYTES)
    .told_by::<voice::__path_answer_call>(),
    route("POST", "/resume/{token}", Protection::Carrier, || {
        post(resume::resume_call)
    })
    .taking(MAX_FORM_BYTES)
    .told_by::<resume::__path_resume_call>(),
    route("POST", "/amd-callback", Protection::Carrier, || {
        post(amd::take_verdict)
    })
    .taking(MAX_FORM_BYTES)
    .told_by::<amd::__path_take_verdict>(),
    route("GET", "/ws", Protection::CarrierAndToken, || {
        get(media::open_media)
    })
    .told_by::<media::__path_open_media>(),
    route(
        "GET",
        "/ws/{bot_id}/audio/stream",
        Protection::CarrierAndToken,
        || get(media::open_scenario_media),
    )
    .told_by::<media::__path_open_scenario_media>(),
    route("GET", "/calls", Protection::User, || get(calls::list_calls))
        .told_by::<calls::__path_list_calls>(),
    route("GET", "/calls/{id}", Protection::User, || {
        get(calls::show_call)
    })
    .told_by::<calls::__path_show_call>(),
    route("GET", "/calls/{id}/events", Protection::UserOrLink, || {
        get(events::follow_call)
    })
    .told_by::<events::__path_follow_call>(),
    route(
        "GET",
        "/calls/{id}/recording",
        Protection::UserOrLink,
        || get(files::show_recording),
    )
    .told_by::<files::__path_show_recording>(),
    route("GET", "/calls/{id}/trace", Protection::User, || {
        get(files::show_trace)
    })
    .told_by::<files::__path_show_trace>(),
    route("GET", "/calls/{id}/transcript", Protection::User, || {
        get(transcript::show_transcript)
    })
    .told_by::<transcript::__path_show_transcript>(),
    route("POST", "/calls/{id}/links", Protection::User, || {
        post(links::make_links)
    })
    .told_by::<links::__path_make_links>(),
    route("POST", "/calls/{id}/hangup", Protection::User, || {
        post(act::hang_up)
    })
    .limited(10, Counted::ByNode)
    .told_by::<act::__path_hang_up>(),
    route("POST", "/calls/{id}/transfer", Protection::User, || {
        post(order::transfer_call)
    })
    .taking(order::MAX_BYTES)
    .limited(10, Counted::ByNode)
    .told_by::<order::__path_transfer_call>(),
    route("POST", "/calls/{id}/say", Protection::User, || {
        post(order::say_line)
    })
    .taking(order::MAX_BYTES)
    .limited(10, Counted::ByNode)
    .told_by::<order::__path_say_line>(),
    route("POST", "/calls/{id}/whisper", Protection::User, || {
        post(order::whisper_hint)
    })
    .taking(order::MAX_BYTES)
    .limited(10, Counted::ByNode)
    .told_by::<order::__path_whisper_hint>(),
    route("GET", "/local/calls/{id}", Protection::Local, || {
        get(calls::show_figures)
    })
    .told_by::<calls::__path_show_figures>(),
    route("POST", "/conversations", Protection::User, || {
        post(conversations::begin_conversation)
    })
    .taking(JSON)
    .limited(20, Counted::ByNode)
    .told_by::<conversations::__path_begin_conversation>(),
    route("GET", "/conversations/{id}", Protection::User, || {
        get(conversations::show_conversation)
    })
    .told_by::<conversations::__path_show_conversation>(),
    route("DELETE", "/conversations/{id}", Protection::User, || {
        delete(conversations::delete_conversation)
    })
    .told_by::<conversations::__path_delete_conversation>(),
    route(
        "POST",
        "/conversations/{id}/messages",
        Protection::User,
        || post(conversations::send_message),
    )
    .taking(JSON)
    .limited(60, Counted::ByNode)
    .told_by::<conversations::__path_send_message>(),
    route("POST", "/speech-to-text", Protection::User, || {
        post(speech::hear_recording)
    })
    .taking(speech::MAX_RECORDING + upload::AROUND)
    .limited(60, Counted::ByNode)
    .told_by::<speech::__path_hear_recording>(),
    route("POST", "/text-to-speech", Protection::User, || {
        post(speech::speak_text)
    })
    .taking(JSON)
    .limited(60, Counted::ByNode)
    .told_by::<speech::__path_speak_text>(),
    route("POST", "/whisper/transcribe", Protection::User, || {
        post(speech::transcribe_file)
    })
    .taking(speech::MAX_WHISPER + upload::AROUND)
    .limited(60, Counted::ByNode)
    .told_by::<speech::__path_transcribe_file>(),
    route("GET", "/health", Protection::Public, || {
        get(health::show_health)
    })
    .told_by::<health::__path_show_health>(),
    route("GET", "/metrics", Protection::MetricsToken, || {
        get(metrics::show_metrics)
    })
    .told_by::<metrics::__path_show_metrics>(),
    route("GET", "/live", Protection::Public, || {
        get(health::show_live)
    })
    .told_by::<health::__path_show_live>(),
    route("GET", "/ready", Protection::Public, || {
        get(health::show_ready)
    })
    .told_by::<health::__path_show_ready>(),
    route("GET", "/openapi.json", Protection::Public, || {
        get(openapi::show_document)
    })
    .told_by::<openapi::__path_show_document>(),
    route("GET", "/docs", Protection::Public, || {
        get(openapi::show_docs)
    })
    .told_by::<openapi::__path_show_docs>(),
    route("GET", "/docs/{file}", Protection::Public, || {
        get(openapi::show_docs_file)
    })
    .told_by::<openapi::__path_show_docs_file>(),
];

/// The router of a server.
pub fn router(app: App) -> Router {
    router_of(app, ROUTES)
}

/// The router of a server with these routes.
pub fn router_of(app: App, routes: &[Route]) -> Router {
    let mut router = Router::new();
    for route in routes {
        // What stands further down is gone through first.
        let handler = (route.handler)();
        let handler = if route.path.contains('{') {
            handler.route_layer(from_fn(requests::without_nul))
        } else {
            handler
        };
        let handler = match counter(&app, route) {
            Some(counter) => handler.route_layer(from_fn_with_state(counter, rates::count)),
            None => handler,
        };
        let handler = match route.protection {
            Protection::Public => handler,
            Protection::Carrier => {
                handler.route_layer(from_fn_with_state(app.clone(), authentic::webhook))
            }
            Protection::CarrierAndToken => {
                handler.route_layer(from_fn_with_state(app.clone(), authentic::upgrade))
            }
            Protection::User => {
                handler.route_layer(from_fn_with_state(app.clone(), crate::accounts::user))
            }
            Protection::Admin => {
                handler.route_layer(from_fn_with_state(app.clone(), crate::accounts::admin))
            }
            Protection::Local => handler.route_layer(from_fn(authentic::local)),
            Protection::UserOrLink => {
                handler.route_layer(from_fn_with_state(app.clone(), links::linked))
            }
            Protection::MetricsToken => {
                handler.route_layer(from_fn_with_state(app.clone(), authentic::metrics))
            }
        };
        let handler = if route.protection.is_signed() {
            handler
        } else {
            handler.route_layer(from_fn_with_state(app.clone(), blocks::guard))
        };
        let handler = handler.route_layer(from_fn_with_state(route.body, body::bound));
        router = router.route(route.path, handler);
    }
    dressed(router, app)
}

fn counter(app: &App, route: &Route) -> Option<Counter> {
    let limit = route.limit?;
    let name = rates::name(route.path);
    let quota = app.config.http.rates.quota(&name, limit)?;
    Some(Counter {
        app: app.clone(),
        name,
        quota,
        counted: limit.counted,
    })
}

/// With what every request goes through.
fn dressed(router: Router<App>, app: App) -> Router {
    let cors = option_layer(headers::cors(&app.config.http.origins));
    router
        .fallback(async || Detail::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Detail::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(requests::bound_head))
        .layer(from_fn(requests::mend))
        .layer(headers::compression())
        .layer(cors)
        .layer(from_fn_with_state(app.clone(), headers::add))
        .layer(from_fn_with_state(app.clone(), client::find))
        .layer(from_fn(requests::accompany))
        .with_state(app)
}
