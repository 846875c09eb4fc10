//! Scenarios: keeping them, and other spellings of the addresses at which calls find them.

use axum::routing::{delete, get, post, put};
use ringback_wire::twilio::webhook::MAX_FORM_BYTES;

use super::{Protection, Route, joined, route};
use crate::api::scenarios;
use crate::hooks::{media, voice};
use crate::rates::Counted;

pub(super) const ROUTES: &[Route] = &joined::<{ 3 * 2 + 2 + OWN.len() }>(&[
    &incoming("/incoming-call/{scenario}"),
    &incoming("/incoming-call-webhook/{scenario}"),
    &incoming("/incoming-custom-call/{scenario_id}"),
    &[
        audio("/media-stream/{scenario}"),
        audio("/media-stream-custom/{scenario_id}"),
    ],
    OWN,
]);

/// Where a call finds its scenario, whether Twilio posts or fetches.
const fn incoming(path: &'static str) -> [Route; 2] {
    let posted = route("POST", path, Protection::Carrier, || {
        post(voice::answer_call)
    });
    let fetched = route("GET", path, Protection::Carrier, || {
        get(voice::answer_fetched_call)
    });
    [
        posted
            .taking(MAX_FORM_BYTES)
            .told_by::<voice::__path_answer_call>(),
        fetched.told_by::<voice::__path_answer_fetched_call>(),
    ]
}

/// Where the media of such a call goes.
const fn audio(path: &'static str) -> Route {
    let opened = route("GET", path, Protection::CarrierAndToken, || {
        get(media::open_scenario_media)
    });
    opened.told_by::<media::__path_open_scenario_media>()
}

const OWN: &[Route] = &[
    route(
        "POST",
        "/realtime/custom-scenario",
        Protection::User,
        || post(scenarios::create_custom_scenario),
    )
    .taking(scenarios::MAX_BYTES)
    .limited(10, Counted::ByNode)
    .told_by::<scenarios::__path_create_custom_scenario>(),
    route(
        "GET",
        "/realtime/custom-scenarios",
        Protection::User,
        || get(scenarios::list_custom_scenarios),
    )
    .told_by::<scenarios::__path_list_custom_scenarios>(),
    route(
        "GET",
        "/realtime/custom-scenario/{id}",
        Protection::User,
        || get(scenarios::show_custom_scenario),
    )
    .told_by::<scenarios::__path_show_custom_scenario>(),
    route(
        "PUT",
        "/realtime/custom-scenario/{id}",
        Protection::User,
        || put(scenarios::change_custom_scenario),
    )
    .taking(scenarios::MAX_BYTES)
    .limited(30, Counted::ByNode)
    .told_by::<scenarios::__path_change_custom_scenario>(),
    route(
        "DELETE",
        "/realtime/custom-scenario/{id}",
        Protection::User,
        || delete(scenarios::delete_custom_scenario),
    )
    .told_by::<scenarios::__path_delete_custom_scenario>(),
    route("GET", "/scenarios", Protection::User, || {
        get(scenarios::list_scenarios)
    })
    .told_by::<scenarios::__path_list_scenarios>(),
    route("POST", "/scenarios/import", Protection::User, || {
        post(scenarios::import_scenario)
    })
    .taking(scenarios::MAX_BYTES)
    .limited(10, Counted::ByNode)
    .told_by::<scenarios::__path_import_scenario>(),
    route("GET", "/scenarios/{id}", Protection::User, || {
        get(scenarios::show_scenario)
    })
    .told_by::<scenarios::__path_show_scenario>(),
    route("GET", "/scenarios/{id}/versions", Protection::User, || {
        get(scenarios::list_scenario_versions)
    })
    .told_by::<scenarios::__path_list_scenario_versions>(),
    route("GET", "/scenarios/{id}/export", Protection::User, || {
        get(scenarios::export_scenario)
    })
    .told_by::<scenarios::__path_export_scenario>(),
];
