//! Lists: an array, newest first, of which a page is wanted.

use crate::refusal::Misfit;
use axum::Json;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use ringback_store::Page;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::IntoParams;

/// How many rows there are on all pages.
pub const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The rows of a page: what is usual, and the most.
const USUAL: u16 = 50;
const MOST: u16 = 200;

/// Which page is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// So many of the newest are left out.
    pub skip: Option<u32>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
}

impl Paging {
    /// The page.
    ///
    /// # Errors
    /// 422 for a limit that is none.
    pub fn page(self) -> Result<Page, Misfit> {
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Misfit {
                place: vec![json!("query"), json!("limit")],
                what: format!("limit={limit}: write a number from 1 to {MOST}"),
                kind: "value_error",
            });
        }
        Ok(Page {
            skip: self.skip.unwrap_or(0).into(),
            limit: limit.into(),
        })
    }
}

/// A page as an answer.
pub fn listed<T: Serialize>(total: i64, rows: impl IntoIterator<Item = T>) -> Response {
    let rows: Vec<T> = rows.into_iter().collect();
    ([(TOTAL, total.to_string())], Json(rows)).into_response()
}
