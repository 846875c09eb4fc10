//! `/docs`: the document as a page, by a Swagger UI that is part of the program.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use super::archive::File;
use crate::answers::Detail;
use crate::app::App;
use crate::config::browsers::own_policy;

/// Paths are relative: a proxy may have put us under a path of its own.
const PAGE: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Ringback: the API</title><link rel=\"stylesheet\" href=\"docs/swagger-ui.css\"></head>\n\
<body><div id=\"docs\"></div><noscript>This page needs JavaScript. The document itself is <a href=\"openapi.json\">openapi.json</a>.</noscript>\n\
<script src=\"docs/swagger-ui-bundle.js\"></script><script src=\"docs/start.js\"></script></body></html>\n";

const START: &str = "SwaggerUIBundle({url:'openapi.json',dom_id:'#docs',deepLinking:true,filter:true,displayRequestDuration:true,\
tryItOutEnabled:true,validatorUrl:null,defaultModelsExpandDepth:0});\n";

/// Swagger UI writes styles into elements and draws arrows from data URLs. It asks nobody but us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// A day: the files change with the program only.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=86400");

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: Bytes,
    gzip: Option<Bytes>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let vendored = |name, kind| {
        let file = File::find(SWAGGER_UI_VENDORED, &format!("/dist/{name}"))?;
        Some(Asset {
            name,
            kind,
            plain: file.plain().into(),
            gzip: Some(file.gzip().into()),
        })
    };
    let start = Asset {
        name: "start.js",
        kind: "text/javascript",
        plain: Bytes::from_static(START.as_bytes()),
        gzip: None,
    };
    let all = [
        vendored("swagger-ui.css", "text/css"),
        vendored("swagger-ui-bundle.js", "text/javascript"),
        Some(start),
    ];
    all.into_iter().flatten().collect()
});

/// Show this document as a page.
///
/// It needs nothing from other sites.
#[utoipa::path(get, path = "/docs", tag = "Documentation", responses(
    (status = 200, description = "The page.", body = String, content_type = "text/html", example = json!("<!doctype html>...")),
))]
pub async fn show_docs(State(app): State<App>) -> Response {
    let mut response = Html(PAGE).into_response();
    let headers = &app.config.http.security_headers.always;
    // Whoever wrote a policy of their own meant this page too.
    if headers
        .get(header::CONTENT_SECURITY_POLICY)
        .is_some_and(|policy| *policy == *own_policy())
    {
        let policy = (header::CONTENT_SECURITY_POLICY, POLICY);
        response.headers_mut().extend([policy]);
    }
    response
}

/// Show a file of the page.
#[utoipa::path(get, path = "/docs/{file}", tag = "Documentation",
    params(("file" = String, Path, description = "Its name.", example = "start.js")),
    responses(
        (status = 200, description = "The file.", content((String = "text/javascript", example = json!("...")), (String = "text/css", example = json!("...")))),
        (status = 404, description = "There is no such file.", body = super::refusals::Problem, example = json!({"detail": "there is nothing at this path"})),
    ))]
pub async fn show_docs_file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == file) else {
        return Detail::new(StatusCode::NOT_FOUND, "there is nothing at this path").into_response();
    };
    let about = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, KEPT),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    match asset.gzip.clone().filter(|_| takes_gzip(&headers)) {
        Some(gzip) => (about, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response(),
        None => (about, asset.plain.clone()).into_response(),
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut listed = listed
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    listed.any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse() != Ok(0.0)
    })
}
