//! `/docs`: the document as a page, by a Swagger UI that is part of the program.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use super::archive::File;
use crate::answers::Detail;
use crate::app::App;
use crate::body::Params;
use crate::config::browsers::own_policy;

/// Paths are relative: a proxy may have put us under a path of its own. Files are asked for with the tag of what is in them.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let tagged = |name: &str| {
        let asset = ASSETS.iter().find(|asset| asset.name == name);
        format!("docs/{name}?v={}", asset.map_or("", |asset| &asset.tag))
    };
    let names = ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"];
    let named = |page: String, name: &str| page.replace(&format!("docs/{name}"), &tagged(name));
    names.into_iter().fold(BLANK.to_owned(), named)
});

const BLANK: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
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

/// What is asked for by its tag is never another.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// All else changes with the program: it may be kept, and is asked for again each time.
const ASKED: HeaderValue = HeaderValue::from_static("no-cache");
/// Characters of a tag.
const TAG: usize = 16;

struct Asset {
    name: &'static str,
    tag: String,
    kind: &'static str,
    plain: Bytes,
    gzip: Option<Bytes>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let vendored = |name, kind| {
        let file = File::find(SWAGGER_UI_VENDORED, &format!("/dist/{name}"))?;
        let plain = file.plain();
        Some(Asset {
            name,
            tag: tag(&plain),
            kind,
            plain: plain.into(),
            gzip: Some(file.gzip().into()),
        })
    };
    let start = Asset {
        name: "start.js",
        tag: tag(START.as_bytes()),
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
    (status = 304, description = "It is the one of `If-None-Match`."),
))]
pub async fn show_docs(State(app): State<App>, asked: HeaderMap) -> Response {
    let about = about(&tag(PAGE.as_bytes()), ASKED);
    let mut response = if is_known(&asked, &about) {
        (StatusCode::NOT_MODIFIED, about).into_response()
    } else {
        (about, Html(PAGE.as_str())).into_response()
    };
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

/// Which version of a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// As the page names it: then the file may be kept for ever.
    v: Option<String>,
}

/// Show a file of the page.
#[utoipa::path(get, path = "/docs/{file}", tag = "Documentation",
    params(("file" = String, Path, description = "Its name.", example = "start.js"), Of),
    responses(
        (status = 200, description = "The file.", content((String = "text/javascript", example = json!("...")), (String = "text/css", example = json!("...")))),
        (status = 304, description = "It is the one of `If-None-Match`."),
        (status = 404, description = "There is no such file.", body = super::refusals::Problem, example = json!({"detail": "there is nothing at this path"})),
    ))]
pub async fn show_docs_file(
    Path(file): Path<String>,
    Params(of): Params<Of>,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == file) else {
        return Detail::new(StatusCode::NOT_FOUND, "there is nothing at this path").into_response();
    };
    let wanted = of.v.as_deref() == Some(&*asset.tag);
    let about = about(&asset.tag, if wanted { KEPT } else { ASKED });
    if is_known(&headers, &about) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let about = (
        about,
        [
            (header::CONTENT_TYPE, asset.kind),
            (header::VARY, "accept-encoding"),
        ],
    );
    match asset.gzip.clone().filter(|_| takes_gzip(&headers)) {
        Some(gzip) => (about, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response(),
        None => (about, asset.plain.clone()).into_response(),
    }
}

fn tag(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    URL_SAFE_NO_PAD.encode(hash).chars().take(TAG).collect()
}

/// Weak (RFC 9110, 8.8.1): compressed or not, it has the same tag.
fn about(tag: &str, kept: HeaderValue) -> HeaderMap {
    let tag = HeaderValue::from_str(&format!("W/\"{tag}\"")).ok();
    let tag = tag.map(|tag| (header::ETAG, tag));
    tag.into_iter()
        .chain([(header::CACHE_CONTROL, kept)])
        .collect()
}

/// Whether who asks has it already (RFC 9110, 13.1.2).
fn is_known(asked: &HeaderMap, about: &HeaderMap) -> bool {
    let tag = about.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.map(|tag| tag.trim_start_matches("W/"));
    let known = asked.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    known.any(|one| matches!(one.trim(), "*") || Some(one.trim().trim_start_matches("W/")) == tag)
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
