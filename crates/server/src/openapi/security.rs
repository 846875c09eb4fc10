//! Who may use a route, as the document says it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
    SecurityRequirement, SecurityScheme,
};

use crate::routes::Protection;

const SIGNATURE: &str = "twilioSignature";
const METRICS: &str = "metricsToken";
const BEARER: &str = "bearer";
const PASSWORD: &str = "password";
const LINK: &str = "link";

/// Adds what a protection asks for. Where nothing is asked for but to be on the server's machine, no scheme fits: the text tells it.
pub(super) fn add(operation: &mut Operation, protection: Protection) {
    let nobody: [&str; 0] = [];
    let by = |name: &str| SecurityRequirement::new(name, nobody);
    operation.security = Some(match protection {
        Protection::Public | Protection::Local => Vec::new(),
        Protection::Carrier | Protection::CarrierAndToken => vec![by(SIGNATURE)],
        Protection::User | Protection::Admin => vec![by(BEARER), by(PASSWORD)],
        Protection::UserOrLink => vec![by(BEARER), by(PASSWORD), by(LINK)],
        Protection::MetricsToken => vec![by(METRICS), SecurityRequirement::default()],
    });
}

/// Says what the schemes are.
pub(super) fn describe(components: &mut Components) {
    let signature = ApiKeyValue::with_description(
        "X-Twilio-Signature",
        "Twilio's signature over the public URL and all fields of the form, keyed with `TWILIO_AUTH_TOKEN`.",
    );
    let link =
        ApiKeyValue::with_description("token", "Of a link that `POST /calls/{id}/links` made.");
    let metrics = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The `METRICS_TOKEN`."))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An access token of `POST /auth/login`, or an API key.",
        ))
        .build();
    let password = OAuth2::with_description(
        [Flow::Password(Password::new("token", Scopes::new()))],
        "An access token by email address and password.",
    );
    let schemes = [
        (BEARER, SecurityScheme::Http(bearer)),
        (PASSWORD, SecurityScheme::OAuth2(password)),
        (SIGNATURE, SecurityScheme::ApiKey(ApiKey::Header(signature))),
        (METRICS, SecurityScheme::Http(metrics)),
        (LINK, SecurityScheme::ApiKey(ApiKey::Query(link))),
    ];
    for (name, scheme) in schemes {
        components.add_security_scheme(name, scheme);
    }
}
