use std::process::Command;

use ringback_server::config::Secret;
use ringback_server::vault::Vault;
use ringback_session::scenario::{HeaderText, SecretRef};
use ringback_store::{Location, Store};
use serde_json::json;

use super::*;

const HIDDEN: &str = "Bearer hidden-and-never-shown";

fn with_secrets() -> Value {
    json!({
        "slug": "dentist",
        "prompt": "Help.",
        "responder": [{"provider": "openai", "key": "sk-hidden-and-never-shown"}],
        "tools": [{"name": "look", "description": "Looks.", "http": {
            "url": "https://example.com", "headers": {"Authorization": HIDDEN, "Accept": "text/plain"},
        }}],
    })
}

/// What the tool's header will be in calls.
fn header(house: &House, slug: &str) -> String {
    let found = house.app().scenarios.find(slug).unwrap();
    let headers = &found.scenario.persona.toolkit.tools[0].http.headers;
    let secret = headers.iter().find_map(|(_, text)| match text {
        HeaderText::Secret(SecretRef::Kept(kept)) => Some(kept.secret.expose().to_owned()),
        HeaderText::Secret(_) | HeaderText::Text(_) => None,
    });
    secret.unwrap()
}

#[tokio::test]
async fn secrets_are_sealed_and_no_answer_export_version_or_file_has_them() {
    let house = house().await;
    let made = house.make(&house.ada, with_secrets()).await;
    assert_eq!(header(&house, "dentist"), HIDDEN);
    let headers = &made["tools"][0]["http"]["headers"];
    assert_eq!(headers["Accept"], "text/plain");
    assert!(text(headers, "Authorization").starts_with("secret:"));
    house
        .put(
            &house.ada,
            "dentist",
            json!({"prompt": "Help more.", "shared": true}),
        )
        .await;
    let mut shown = made.to_string();
    for token in [&house.ada, &house.admin, &house.bob] {
        for path in [
            "/realtime/custom-scenarios",
            "/realtime/custom-scenario/dentist",
            "/scenarios",
            "/scenarios/dentist",
            "/scenarios/dentist?version=1",
            "/scenarios/dentist/versions",
            "/scenarios/dentist/export",
            "/scenarios/dentist/export?version=1",
        ] {
            let answer = house.text(token, path).await;
            assert_eq!(answer.status, 200, "{path}");
            shown.push_str(&answer.body);
        }
    }
    assert!(!shown.contains("never-shown"));
    for entry in std::fs::read_dir(house.service.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = bytes.windows(11).any(|part| part == b"never-shown");
        assert!(!found, "{}", path.display());
    }

    // What an answer showed may be sent back: the secret stays.
    let back = json!({"tools": made["tools"], "prompt": "Help again."});
    assert_eq!(house.put(&house.ada, "dentist", back).await.status, 200);
    assert_eq!(header(&house, "dentist"), HIDDEN);
    house.refresh().await;
    assert_eq!(
        header(&house, "dentist"),
        HIDDEN,
        "as another server reads it"
    );
    // A new one takes its place; versions before have theirs.
    let mut tools = made["tools"].clone();
    tools[0]["http"]["headers"]["Authorization"] = json!("Bearer new");
    assert_eq!(
        house
            .put(&house.ada, "dentist", json!({ "tools": tools }))
            .await
            .status,
        200
    );
    assert_eq!(header(&house, "dentist"), "Bearer new");
    let old = house
        .text(&house.ada, "/scenarios/dentist/export?version=1")
        .await
        .body;
    let told = house
        .import(&house.ada, "?replace=true", "application/toml", &old)
        .await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(header(&house, "dentist"), HIDDEN);

    // In another scenario its name is worth nothing.
    let stolen = json!({"slug": "thief", "prompt": "x", "tools": made["tools"]});
    let told = house.post(&house.bob, stolen).await;
    assert_eq!(
        (told.status, &told.json["detail"][0]["loc"]),
        (
            422,
            &json!(["body", "tools", 0, "http", "headers", "Authorization"])
        )
    );
    assert_eq!(house.delete(&house.ada, "dentist").await.status, 200);
    let left = house.service.store.secret_list("scenario/").await.unwrap();
    assert_eq!(left, [], "secrets go with their scenario");
}

#[tokio::test]
async fn secrets_in_parts_that_are_not_used_yet_are_sealed_too() {
    let house = house().await;
    let mut body = classic();
    body["mcp"] = json!([{"url": "https://example.com", "headers": {"x": "never-shown"}}]);
    body["calendar"] = json!({"token": "never-shown"});
    let made = house.make(&house.ada, body).await;
    assert!(!made.to_string().contains("never-shown"), "{made}");
}

#[tokio::test]
async fn what_the_key_before_sealed_is_sealed_again_at_the_start_and_by_migrate() {
    let house = house().await;
    house.make(&house.ada, with_secrets()).await;
    // As setup() has it.
    let key = "a key of the test's own, long enough";
    let folder = house.service.folder();
    let migrate = |current: &str, previous: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_ringback"))
            .arg("migrate")
            .env_clear()
            .env("DATA_DIR", folder)
            .env("SECRET_KEY", current)
            .env("SECRET_KEY_PREVIOUS", previous)
            .current_dir(folder)
            .output()
            .unwrap();
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
    };
    let other = "another key of the test's own, long enough";
    let told = migrate(other, key);
    assert!(
        told.contains("2 secrets were sealed again under SECRET_KEY\n"),
        "{told}"
    );
    let opens = async |key: &str| {
        let vault = Vault::new(&Secret::new(key), None).unwrap();
        let store = Store::open(Location::parse("", folder).unwrap()).unwrap();
        let sealed = store.secret_list("scenario/").await.unwrap();
        assert_eq!(sealed.len(), 2);
        sealed.iter().all(|sealed| vault.open(sealed).is_ok())
    };
    assert!(opens(other).await && !opens(key).await);
    assert!(
        !migrate(other, key).contains("sealed"),
        "nothing is left to do"
    );
    let told = migrate(
        "a third key, which knows of none before it",
        "and not this one either, I fear",
    );
    assert!(told.contains("2 secrets do not open"), "{told}");

    // A server that starts under the first key again.
    let setup = setup().with(
        "SECRET_KEY_PREVIOUS",
        "another key of the test's own, long enough",
    );
    let url = format!("sqlite:{}", folder.join("ringback.db").display());
    let again = Service::at(setup, &url).await;
    tokio::spawn(follow(Arc::clone(&again.server.app)));
    crate::simulated::until("the secrets", async || opens(key).await.then_some(())).await;
    let found = crate::simulated::until("the scenario", async || {
        again.server.app.scenarios.find("dentist")
    })
    .await;
    assert_eq!(found.stored.unwrap().version, 1);
}
