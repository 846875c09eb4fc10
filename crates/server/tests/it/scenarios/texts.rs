use serde_json::json;

use super::*;

const TOML: &str = "application/toml";

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let house = house().await;
    let mut body = called("dentist");
    body["variables"] = json!({"house": "Ünïcode \"quoted\"\nand {braces}", "empty": ""});
    body["name"] = json!("Ein Name, 1 Zeile");
    body["turn"] = json!({"idle_ms": 8000, "speculate": false});
    body["idle"] = json!({"prompts": ["Still there?", "Hello?"]});
    body["tools"] = json!([{"name": "look", "description": "Looks.\nTwice.", "http": {"url": "https://example.com/{day}"},
        "parameters": {"required": ["day"], "properties": {"day": {"type": "string", "enum": ["a", "b"]}, "n": {"minimum": 0.5, "maximum": 3}}}}]);
    let made = house.make(&house.ada, body).await;
    let exported = house.text(&house.ada, "/scenarios/dentist/export").await;
    assert_eq!(exported.headers["content-type"], TOML);
    assert_eq!(
        exported.headers["content-disposition"],
        "attachment; filename=\"dentist.toml\""
    );
    let again = house.import(&house.ada, "", TOML, &exported.body).await;
    assert_eq!(again.status, 409, "{again:?}");
    let same = house
        .import(&house.ada, "?replace=true", TOML, &exported.body)
        .await;
    assert_eq!(
        (same.status, &same.json["version"]),
        (200, &json!(1)),
        "it says nothing new"
    );
    let nameless = exported.body.replace("slug = \"dentist\"\n", "");
    assert_ne!(nameless, exported.body);
    let refused = house
        .import(&house.ada, "?replace=true", TOML, &nameless)
        .await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(refused.json["detail"][0]["loc"], json!(["body", "slug"]));
    house.delete(&house.ada, "dentist").await;
    let back = house.import(&house.ada, "", TOML, &exported.body).await;
    assert_eq!(back.status, 201, "{back:?}");
    let own = ["id", "created_at", "updated_at"];
    let content = |json: &Value| {
        let mut json = json.clone();
        own.iter()
            .for_each(|name| drop(json.as_object_mut().unwrap().remove(*name)));
        json
    };
    assert_eq!(content(&back.json), content(&made));
}

#[tokio::test]
async fn every_built_in_scenario_can_be_exported_and_made_ones_own() {
    let house = house().await;
    let all = house.get(&house.ada, "/scenarios?limit=200").await.json;
    let mut count = 0;
    for row in all
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["source"] == "built-in")
    {
        let slug = text(row, "slug");
        let exported = house
            .text(&house.ada, &format!("/scenarios/{slug}/export"))
            .await;
        assert_eq!(exported.status, 200);
        let taken = house.import(&house.ada, "", TOML, &exported.body).await;
        assert_eq!(taken.status, 409, "{slug}: {taken:?}");
        let line = format!("slug = \"{slug}\"");
        let own = exported.body.replace(&line, "");
        let own = format!("slug = \"my-{slug}\"\n{own}");
        let made = house
            .import(&house.ada, "", "text/plain; charset=utf-8", &own)
            .await;
        assert_eq!(made.status, 201, "{slug}: {made:?}");
        count += 1;
    }
    assert_eq!(count, 8);
}

#[tokio::test]
async fn what_is_no_toml_is_refused_by_line_and_a_file_is_for_admins() {
    let house = house().await;
    let broken = house
        .import(&house.ada, "", TOML, "prompt = \"p\"\nname =\n")
        .await;
    assert_eq!(broken.status, 422);
    let said = text(&broken.json["detail"][0], "msg");
    assert!(said.starts_with("line 2, column "), "{said}");
    let wrong = house
        .import(
            &house.ada,
            "",
            TOML,
            "prompt = \"p\"\n[turn]\nyeild_ms = 5\n",
        )
        .await;
    assert_eq!(
        wrong.json["detail"][0]["loc"],
        json!(["body", "turn", "yeild_ms"])
    );
    assert_eq!(wrong.json["detail"][0]["type"], "extra_forbidden");
    for (kind, status) in [("application/json", 415), ("", 415)] {
        let told = house.import(&house.ada, "", kind, "prompt = \"p\"\n").await;
        assert_eq!(told.status, status, "{kind}");
    }
    let told = house
        .import(&house.ada, "?replace=perhaps", TOML, "prompt = \"p\"\n")
        .await;
    assert_eq!(told.status, 422);
    assert_eq!(
        house
            .get(&house.ada, "/scenarios/reminders/export")
            .await
            .status,
        403
    );
    let shown = house.get(&house.ada, "/scenarios/reminders").await.json;
    assert!(
        shown["prompt"].is_null() && shown["source"] == "file",
        "{shown}"
    );
    let shown = house.get(&house.admin, "/scenarios/reminders").await.json;
    assert_eq!(shown["prompt"], "Repeat.");
    let exported = house
        .text(&house.admin, "/scenarios/reminders/export")
        .await;
    assert!(
        exported.body.contains("direction = \"outbound\""),
        "{}",
        exported.body
    );
    for name in ["reminders", "survey"] {
        assert_eq!(
            house
                .put(&house.admin, name, json!({"prompt": "x"}))
                .await
                .status,
            404
        );
        assert_eq!(house.delete(&house.admin, name).await.status, 404);
    }
}
