//! Accounts: signing in, one's own account, and what admins see of all of them.

use axum::routing::{delete, get, patch, post};

use super::{Protection, Route, route};
use crate::api::{admin, auth, captcha, erase, ip_blocks, keys, users};
use crate::rates::Counted;

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/auth/register", Protection::Public, || {
        post(auth::register_user)
    })
    .taking(auth::MAX_BYTES)
    .limited(5, Counted::ByAll)
    .told_by::<auth::__path_register_user>(),
    route("POST", "/auth/login", Protection::Public, || {
        post(auth::log_in)
    })
    .taking(auth::MAX_BYTES)
    .limited(5, Counted::ByAll)
    .told_by::<auth::__path_log_in>(),
    route("POST", "/auth/refresh", Protection::Public, || {
        post(auth::refresh_tokens)
    })
    .taking(auth::MAX_BYTES)
    .limited(10, Counted::ByAll)
    .told_by::<auth::__path_refresh_tokens>(),
    route("POST", "/auth/logout", Protection::User, || {
        post(auth::log_out)
    })
    .told_by::<auth::__path_log_out>(),
    route("POST", "/token", Protection::Public, || {
        post(auth::issue_token)
    })
    .taking(auth::MAX_BYTES)
    .limited(5, Counted::ByAll)
    .told_by::<auth::__path_issue_token>(),
    route("GET", "/users/me", Protection::User, || get(users::show_me))
        .told_by::<users::__path_show_me>(),
    route("GET", "/protected", Protection::User, || {
        get(users::show_protected)
    })
    .limited(5, Counted::ByAll)
    .told_by::<users::__path_show_protected>(),
    route("POST", "/users/me/password", Protection::User, || {
        post(users::change_password)
    })
    .taking(auth::MAX_BYTES)
    .limited(10, Counted::ByAll)
    .told_by::<users::__path_change_password>(),
    route("GET", "/users/me/api-keys", Protection::User, || {
        get(keys::list_keys)
    })
    .limited(10, Counted::ByAll)
    .told_by::<keys::__path_list_keys>(),
    route("POST", "/users/me/api-keys", Protection::User, || {
        post(keys::make_key)
    })
    .taking(auth::MAX_BYTES)
    .limited(10, Counted::ByAll)
    .told_by::<keys::__path_make_key>(),
    route(
        "DELETE",
        "/users/me/api-keys/{id}",
        Protection::User,
        || delete(keys::delete_key),
    )
    .limited(10, Counted::ByAll)
    .told_by::<keys::__path_delete_key>(),
    route("GET", "/admin/users", Protection::Admin, || {
        get(admin::list_users)
    })
    .told_by::<admin::__path_list_users>(),
    route("POST", "/admin/users", Protection::Admin, || {
        post(admin::add_user)
    })
    .taking(auth::MAX_BYTES)
    .told_by::<admin::__path_add_user>(),
    route("PATCH", "/admin/users/{id}", Protection::Admin, || {
        patch(admin::change_user)
    })
    .taking(auth::MAX_BYTES)
    .told_by::<admin::__path_change_user>(),
    route("DELETE", "/admin/users/{id}", Protection::Admin, || {
        delete(admin::delete_user)
    })
    .told_by::<admin::__path_delete_user>(),
    route("GET", "/admin/audit", Protection::Admin, || {
        get(admin::list_acts)
    })
    .told_by::<admin::__path_list_acts>(),
    route("GET", "/auth/captcha-key", Protection::Public, || {
        get(captcha::show_captcha_key)
    })
    .told_by::<captcha::__path_show_captcha_key>(),
    route("GET", "/admin/ip-blocks", Protection::Admin, || {
        get(ip_blocks::list_blocks)
    })
    .told_by::<ip_blocks::__path_list_blocks>(),
    route("POST", "/admin/ip-blocks", Protection::Admin, || {
        post(ip_blocks::add_block)
    })
    .taking(ip_blocks::MAX_BYTES)
    .told_by::<ip_blocks::__path_add_block>(),
    route("DELETE", "/admin/ip-blocks", Protection::Admin, || {
        delete(ip_blocks::remove_block)
    })
    .told_by::<ip_blocks::__path_remove_block>(),
    route("POST", "/admin/erase", Protection::Admin, || {
        post(erase::erase_number)
    })
    .taking(erase::MAX_BYTES)
    .told_by::<erase::__path_erase_number>(),
];
