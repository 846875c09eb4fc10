//! Lists: an array, newest first, of which a page is wanted.

use crate::body::Params;
use crate::refusal::{Misfit, Refusal};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use ringback_store::Page;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded::parse;
use utoipa::IntoParams;

/// How many rows there are on all pages.
pub const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The rows of a page: what is usual, and the most.
const USUAL: u16 = 50;
const MOST: u16 = 200;

/// The names of [`Paging`].
const PAGING: [&str; 2] = ["skip", "limit"];

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

/// A page of some rows: what stands behind the question mark is [`Paging`], and which rows are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Sought<T> {
    /// The page.
    pub page: Page,
    /// Which rows.
    pub wanted: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Sought<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let pieces = query.split('&').filter(|piece| !piece.is_empty());
        let (paging, wanted): (Vec<&str>, Vec<&str>) = pieces.partition(|piece| {
            let name = parse(piece.as_bytes()).next();
            name.is_some_and(|(name, _)| PAGING.contains(&&*name))
        });
        let paging: Paging = Params::<Paging>::of(&paging.join("&"))?;
        Ok(Self {
            page: paging.page()?,
            wanted: Params::<T>::of(&wanted.join("&"))?,
        })
    }
}

/// A page as an answer.
pub fn listed<T: Serialize>(total: i64, rows: impl IntoIterator<Item = T>) -> Response {
    let rows: Vec<T> = rows.into_iter().collect();
    ([(TOTAL, total.to_string())], Json(rows)).into_response()
}
