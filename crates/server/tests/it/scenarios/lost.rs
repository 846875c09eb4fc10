//! Secrets that do not open, and the calls of the scenarios that need them.

use ringback_server::config::Secret;
use ringback_server::scenarios::check_default;
use ringback_server::vault::Vault;
use ringback_wire::twilio::twiml::{Verb, parse};

use super::*;

const BY_TOOL: &str = "Bearer hidden";

fn line() -> Value {
    json!({
        "slug": "table-line",
        "language": "de-DE",
        "prompt": "Take reservations.",
        "responder": [{"provider": "openai", "key": "sk-hidden"}],
        "tools": [
            {"name": "look", "description": "Looks.", "http": {"url": "https://example.com", "headers": {"Authorization": BY_TOOL}}},
            {"name": "book", "description": "Books.", "http": {"url": "https://example.com"}},
        ],
    })
}

impl House {
    /// Has the secret that a reference names sealed as another `SECRET_KEY` would have, and everything read again.
    async fn lose(&self, made: &Value, reference: &Value) {
        let id = text(made, "id");
        let name = reference.as_str().unwrap().strip_prefix("secret:").unwrap();
        let other = Vault::new(&Secret::new("the key of another server"), None).unwrap();
        let sealed = other
            .seal(&format!("scenario/{id}/{name}"), &Secret::new("lost"), 1)
            .unwrap();
        let store = &self.service.store;
        store.secret_set(&sealed).await.unwrap();
        let later = ringback_server::database::now();
        store.scenario_share(id, false, None, later).await.unwrap();
        self.refresh().await;
    }

    async fn health(&self) -> (Value, Value) {
        let health = self.service.ask("GET", "/health", None, Value::Null).await;
        let database = health.json["services"]["database"].clone();
        (health.json["status"].clone(), database)
    }

    /// How many scenarios cannot be used, beside a file of every test's server, and how many secrets do not open, by what is scraped.
    async fn scraped(&self) -> [u32; 2] {
        let text = self.service.server.get("/metrics").await.body;
        let figure = |name: &str| -> u32 {
            let mut lines = text.lines();
            let found = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            found.unwrap()
        };
        [
            figure("ringback_scenarios_unusable ") - 1,
            figure("ringback_secrets_unopened "),
        ]
    }
}

#[tokio::test]
async fn a_line_whose_key_is_lost_answers_with_an_apology_and_says_why_to_those_who_may_see_it() {
    let house = house().await;
    let made = house.make(&house.ada, line()).await;
    assert_eq!(house.health().await.1, "connected");
    assert_eq!(house.scraped().await, [0, 0]);
    house.lose(&made, &made["responder"][0]["key"]).await;
    assert_eq!(house.scraped().await, [1, 1]);

    let server = &house.service.server;
    for path in [
        "/call/inbound/receive/table-line",
        &format!("/call/inbound/receive/{}", text(&made, "id")),
    ] {
        let answer = server.post(path, &inbound()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let verbs = parse(&answer.body).unwrap();
        let [Verb::Say(say), Verb::Hangup] = &verbs[..] else {
            panic!("{}", answer.body)
        };
        assert_eq!(say.language.as_deref(), Some("de-DE"));
        assert!(say.text.starts_with("Es tut uns leid"), "{}", say.text);
    }
    let socket = server.get("/ws/table-line/audio/stream").await;
    let outside = r#"{"detail":"this scenario cannot be used at present","#;
    assert!(
        socket.status == 503 && socket.body.starts_with(outside),
        "{socket:?}"
    );

    let begin = async |token: &str| {
        let wanted = json!({"scenario": "table-line"});
        let path = "/conversations";
        house.service.ask("POST", path, Some(token), wanted).await
    };
    for token in [&house.ada, &house.admin] {
        let told = begin(token).await;
        assert_eq!(told.status, 503, "{told:?}");
        let why = text(&told.json, "detail");
        let name = text(&made["responder"][0], "key").replace("secret:", "");
        let begins = format!(
            "the scenario table-line cannot be used: responder[0].key: the secret {name} does not open under SECRET_KEY; "
        );
        assert!(why.starts_with(&begins), "{why}");
    }
    let told = begin(&house.bob).await;
    assert_eq!(told.status, 422, "another user's is nobody's business");
    assert_eq!(
        told.json["detail"][0]["msg"],
        "there is no scenario of this name"
    );
    // Nor may callers be put through to it.
    let through = json!({"prompt": "Help.", "destinations": {"table": "scenario:table-line"}});
    assert_eq!(house.post(&house.bob, through).await.status, 422);
    assert_eq!(house.health().await, (json!("degraded"), json!("degraded")));

    // Whoever gives the key again has the line back, and the other secrets with it.
    let again = json!({"responder": [{"provider": "openai", "key": "sk-new"}]});
    let told = house.put(&house.ada, "table-line", again).await;
    assert_eq!(told.status, 200, "{told:?}");
    let answer = server
        .post("/call/inbound/receive/table-line", &inbound())
        .await;
    assert!(stream(&answer.body).url.contains("table-line"));
    assert_eq!(house.health().await.1, "connected");
    assert_eq!(house.scraped().await, [0, 0]);
}

#[tokio::test]
async fn a_tool_whose_secret_is_lost_is_left_out_and_the_line_answers() {
    let house = house().await;
    let made = house.make(&house.ada, line()).await;
    let lost = &made["tools"][0]["http"]["headers"]["Authorization"];
    house.lose(&made, lost).await;
    let tools = || {
        let found = house.app().scenarios.find("table-line").unwrap();
        let tools = found.scenario.persona.toolkit.tools.iter();
        tools.map(|tool| tool.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(tools(), ["book"]);
    let answer = house
        .service
        .server
        .post("/call/inbound/receive/table-line", &inbound())
        .await;
    assert!(stream(&answer.body).url.contains("table-line"));
    let warned = |told: &Told| {
        let warnings = told.json["warnings"].as_array().unwrap();
        let mut warnings = warnings.iter();
        warnings.any(|one| {
            one["loc"] == json!(["body", "tools", 0])
                && text(one, "msg").starts_with("this tool is left out of calls: the secret ")
        })
    };
    let shown = house.get(&house.ada, "/scenarios/table-line").await;
    assert!(warned(&shown), "{shown:?}");
    assert_eq!(house.health().await, (json!("degraded"), json!("degraded")));
    assert_eq!(house.scraped().await, [0, 1], "the line answers");

    // What has nothing to do with it can be changed.
    let change = json!({"prompt": "Take more reservations."});
    let told = house.put(&house.ada, "table-line", change).await;
    assert!(told.status == 200 && warned(&told), "{told:?}");
    assert_eq!(house.health().await.1, "degraded");
    let told = house
        .put(&house.ada, "table-line", json!({"tools": line()["tools"]}))
        .await;
    assert!(told.status == 200 && !warned(&told), "{told:?}");
    assert_eq!(
        (tools(), house.health().await.1),
        (
            vec!["look".to_owned(), "book".to_owned()],
            json!("connected")
        )
    );
}

#[tokio::test]
async fn callers_of_a_file_that_cannot_be_read_hear_an_apology_and_nobody_takes_its_line() {
    let house = house().await;
    let path = "/call/inbound/receive/kaputt";
    let answer = house.service.server.post(path, &inbound()).await;
    assert!(spoken(&answer.body).starts_with("Es tut uns leid"));
    let mut wanted = line();
    wanted["slug"] = json!("kaputt");
    assert_eq!(house.post(&house.ada, wanted).await.status, 409);
    let wanted = json!({"scenario": "kaputt"});
    let asked = house
        .service
        .ask("POST", "/conversations", Some(&house.ada), wanted);
    let told = asked.await;
    assert_eq!(told.status, 503);
    let why = "the scenario kaputt cannot be used: its file kaputt.toml has a problem: see the log of the server's start";
    assert_eq!(told.json["detail"], why);
}

#[tokio::test]
async fn a_default_scenario_whose_key_is_lost_does_not_keep_the_server_from_starting() {
    let setup = setup().with("DEFAULT_SCENARIO", "table-line");
    let house = House::of(Service::at(setup, "").await).await;
    let made = house.make(&house.admin, line()).await;
    house.lose(&made, &made["responder"][0]["key"]).await;
    assert!(check_default(house.app(), true).is_ok());
    let answer = house.service.server.post("/", &inbound()).await;
    assert!(spoken(&answer.body).starts_with("Es tut uns leid"));
}
