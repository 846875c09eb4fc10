//! `POST /admin/erase`: everything about a telephone number goes.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_store::{CallFilter, CallStatus, Error, NodeFile, Page, Store, Suppression};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::accounts::{Admin, Whence};
use crate::app::App;
use crate::body::JsonBody;
use crate::database::now;
use crate::openapi::Problem;
use crate::refusal::{Refusal, store};
use crate::retention::{delete, overwrite};

/// How large the body may be, in bytes.
pub const MAX_BYTES: usize = 4 << 10;
/// Rows that were sent are waited for so long.
const SETTLED: Duration = Duration::from_secs(5);

/// Which number.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Erasure, example = json!({"phone_number": "+15005550001"}))]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// E.164, with spaces and the like if need be; a short code; an address (`sip:`, `client:`).
    phone_number: String,
    /// Whether the wish not to be called goes, too.
    #[serde(default)]
    forget_suppression: bool,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"calls": 3, "files": 12, "files_left": [], "scheduled_calls": 1}))]
pub struct Erased {
    /// Calls.
    calls: usize,
    /// Files that lay here.
    files: u64,
    /// Files that are still there, most of them on other servers.
    files_left: Vec<FileLeft>,
    /// Entries of the schedule.
    scheduled_calls: u64,
}

/// A file that is still there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"node": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b15", "path": "/var/lib/ringback/recordings/2026-11-20.wav"}))]
struct FileLeft {
    /// The server that has it.
    node: String,
    /// Where it lies there.
    path: String,
}

/// Erase everything about a telephone number.
///
/// The calls from and to it with their files, its entries in the schedule, its traces in the audit log. The log of acts says that it was
/// done, and not for which number. A number without its `+` and country of which nothing is known is refused.
#[utoipa::path(post, path = "/admin/erase", tag = "Operation", request_body(content = Wanted),
    responses(
        (status = 200, description = "What was erased. `files_left` names files that lie on other servers, which delete them within a minute of running, or that cannot be deleted yet.", body = Erased),
        (status = 409, description = "A call with this number goes on.", body = Problem, example = json!({"detail": "a call with this number goes on: hang up, and ask again"})),
    ))]
pub async fn erase_number(
    State(app): State<App>,
    Admin(admin): Admin,
    whence: Whence,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Erased>, Refusal> {
    let store = store(&app)?;
    let number = &wanted.phone_number;
    // Rows on their way would come after.
    let settled = tokio::time::timeout(SETTLED, app.rows.settled()).await;
    settled.map_err(|_| Refusal::database())?;
    if app.desk.watches.talks_to(number) || goes_on(store, number).await? {
        let what = "a call with this number goes on: hang up, and ask again";
        return Err(Refusal::new(StatusCode::CONFLICT, what));
    }
    let suppression = if wanted.forget_suppression {
        Suppression::Forget
    } else {
        Suppression::Keep
    };
    let erased = store.number_erase(number, suppression, now()).await;
    let erased = erased.map_err(no_number)?;
    let (deleted, left) = delete_here(&app, store, &erased.files).await;
    app.desk.recent.forget(&erased.calls);
    overwrite(store).await;
    let counts = Erased {
        calls: erased.calls.len(),
        files: deleted,
        files_left: left,
        scheduled_calls: erased.entries,
    };
    let subject = "a telephone number";
    whence
        .audit(
            &app,
            Some(&admin.id),
            "number.erase",
            subject,
            json!(counts),
        )
        .await;
    Ok(Json(counts))
}

/// Deletes those of the files that lie here. Answers how many, and which are left: their nodes find them marked.
async fn delete_here(app: &App, store: &Store, files: &[NodeFile]) -> (u64, Vec<FileLeft>) {
    let (mut deleted, mut left) = (0, Vec::new());
    for NodeFile { file, node } in files {
        let path = &file.path;
        if app.rows.node() == Some(node) && delete(&app.config.recordings(), path).await {
            deleted += 1;
            if let Err(error) = store.file_erased(node, path).await {
                tracing::warn!("Error of the database: a file is still marked: {error}");
            }
        } else {
            tracing::warn!(
                node,
                file = path,
                "a file of an erased call is left to its node"
            );
            left.push(FileLeft {
                node: node.clone(),
                path: path.clone(),
            });
        }
    }
    (deleted, left)
}

/// Whether a call with this number goes on, here or elsewhere.
async fn goes_on(store: &Store, number: &str) -> Result<bool, Error> {
    let filter = CallFilter {
        number: Some(number.to_owned()),
        status: Some(CallStatus::InProgress),
        ..CallFilter::default()
    };
    let live = store.call_list(&filter, Page { skip: 0, limit: 1 }).await;
    Ok(live?.total > 0)
}

fn no_number(error: Error) -> Refusal {
    match error {
        Error::Refused(what) => Refusal::field("phone_number", what),
        Error::Unavailable(_)
        | Error::Conflict(_)
        | Error::NotFound(_)
        | Error::Corrupt(_)
        | Error::Newer { .. }
        | Error::Location(_)
        | Error::File { .. }
        | Error::Unsupported(_) => error.into(),
    }
}
