//! Servers of one database, and under which `SECRET_KEY` each works.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ringback_server::config::Secret;
use ringback_server::database::now;
use ringback_server::keyring::Keyring;
use ringback_server::scenarios::follow;
use ringback_server::vault::Vault;
use ringback_store::Store;
use serde_json::json;

use crate::scenarios::{House, house, setup};
use crate::simulated::until;

/// As the servers of these tests have it.
const OURS: &str = "a key of the test's own, long enough";
const OTHER: &str = "another key of the test's own, long enough";
const SECOND: i64 = 1_000_000;

fn vault(key: &str, previous: Option<&str>) -> Vault {
    let previous = previous.map(Secret::new);
    Vault::new(&Secret::new(key), previous.as_ref()).unwrap()
}

async fn write(store: &Store, key: &str, node: &str, at: i64) {
    let keyring = Keyring::read(store).await.unwrap();
    let written = keyring.write(store, &vault(key, None), (node, at)).await;
    written.unwrap();
}

/// Exit status, and what was said on either side.
fn migrate(folder: &Path, key: &str, previous: &str) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_ringback"))
        .arg("migrate")
        .env_clear()
        .env("DATA_DIR", folder)
        .env("SECRET_KEY", key)
        .env("SECRET_KEY_PREVIOUS", previous)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

#[tokio::test]
async fn another_key_is_found_at_once_while_its_server_lives_and_later_unless_it_is_known() {
    let house = house().await;
    let store = &house.service.store;
    let at = now();
    let judge = async |key: &str, previous: Option<&str>, node: Option<&str>, after: i64| {
        let keyring = Keyring::read(store).await.unwrap();
        let found = keyring.discord(&vault(key, previous), node, at + after * SECOND);
        found.map(|discord| (discord.live, discord.announced))
    };
    assert_eq!(
        judge(OURS, None, Some("b"), 0).await,
        None,
        "nobody was here"
    );
    write(store, OURS, "a", at).await;
    for (key, previous, node, after, expected) in [
        (OURS, None, Some("b"), 10, None),
        (OTHER, None, Some("b"), 10, Some((true, false))),
        (OTHER, None, None, 10, Some((true, false))),
        (OTHER, Some(OURS), Some("b"), 10, Some((true, true))),
        // The very server, started again.
        (OTHER, None, Some("a"), 10, Some((false, false))),
        (OTHER, Some(OURS), Some("a"), 10, None),
        // The other one is gone.
        (OTHER, None, Some("b"), 200, Some((false, false))),
        (OTHER, Some(OURS), Some("b"), 200, None),
    ] {
        let found = judge(key, previous, node, after).await;
        assert_eq!(found, expected, "{key} {previous:?} {node:?} {after}");
    }
    // Both are told, and a new key that was started with is known the next time.
    write(store, OTHER, "b", at + SECOND).await;
    assert_eq!(judge(OURS, None, Some("a"), 10).await, Some((true, false)));
    assert_eq!(judge(OTHER, None, Some("b"), 200).await, None);
    let kept = store.setting_list("secret_key/").await.unwrap();
    assert!(!format!("{kept:?}").contains("test's own"));
    // Servers that are long gone are forgotten.
    write(store, OTHER, "b", at + 91 * 86_400 * SECOND).await;
    assert_eq!(store.setting_list("secret_key/").await.unwrap().len(), 1);
}

async fn opens(store: &Store, key: &str) -> bool {
    let sealed = store.secret_list("scenario/").await.unwrap();
    sealed
        .iter()
        .all(|sealed| vault(key, None).open(sealed).is_ok())
}

async fn with_a_secret() -> House {
    let house = house().await;
    let body = json!({"prompt": "p", "responder": [{"provider": "openai", "key": "sk-hidden"}]});
    house.make(&house.ada, body).await;
    house
}

#[tokio::test]
async fn nothing_is_sealed_again_while_a_server_works_under_the_key_before() {
    let house = with_a_secret().await;
    let (store, folder) = (&house.service.store, house.service.folder());
    write(store, OURS, "elsewhere", now()).await;
    let (status, said, complaint) = migrate(folder, OTHER, OURS);
    assert_eq!((status, complaint.as_str()), (0, ""), "{said}");
    let warned = "another server still works under the SECRET_KEY before this one";
    assert!(
        said.contains(warned) && said.contains("SECRET_KEY_PREVIOUS"),
        "{said}"
    );
    assert!(opens(store, OURS).await);
    let (status, _, complaint) = migrate(folder, OTHER, "");
    let told = "ringback: another server uses this database under another SECRET_KEY";
    assert!(
        status == 1 && complaint.starts_with(told),
        "{status} {complaint}"
    );
    // It is gone.
    write(store, OURS, "elsewhere", now() - 200 * SECOND).await;
    let (status, said, _) = migrate(folder, OTHER, OURS);
    assert!(
        status == 0 && said.contains("1 secret was sealed again"),
        "{said}"
    );
    assert!(opens(store, OTHER).await);
}

#[tokio::test]
async fn a_server_writes_its_key_down_and_leaves_what_another_must_open() {
    let house = with_a_secret().await;
    let store = &house.service.store;
    // Sealed by another server, whose key is announced here.
    let other = vault(OTHER, Some(OURS));
    other.reseal(store, now()).await.unwrap();
    write(store, OTHER, "elsewhere", now()).await;
    let url = format!(
        "sqlite:{}",
        house.service.folder().join("ringback.db").display()
    );
    let setup = setup().with("SECRET_KEY_PREVIOUS", OTHER);
    let second = crate::accounts::Service::at(setup, &url).await;
    tokio::spawn(follow(Arc::clone(&second.server.app)));
    until("its key", async || {
        let known = store.setting_list("secret_key/").await.unwrap();
        (known.len() == 2).then_some(())
    })
    .await;
    until("the scenarios", async || {
        let listed = store.scenario_heads().await.unwrap();
        second.server.app.scenarios.entry(&listed[0].id)
    })
    .await;
    assert!(opens(store, OTHER).await, "the other one can read it still");
}

#[tokio::test]
async fn secrets_that_do_not_open_are_told_on_stderr_with_a_status() {
    let house = with_a_secret().await;
    let folder = house.service.folder();
    let (status, said, complaint) = migrate(folder, OTHER, "");
    assert_eq!(status, 1);
    assert!(said.contains("nothing to do; all"), "{said}");
    assert!(
        complaint.starts_with("ringback: 1 secret does not open under SECRET_KEY")
            && complaint.lines().count() == 1,
        "{complaint}"
    );
    // Of a version that is not used any more it does not matter.
    let body = json!({"responder": [{"provider": "parrot"}]});
    let id = house.service.store.scenario_heads().await.unwrap()[0]
        .id
        .clone();
    assert_eq!(house.put(&house.ada, &id, body).await.status, 200);
    let (status, _, complaint) = migrate(folder, OTHER, "");
    assert_eq!((status, complaint.as_str()), (0, ""));
}
