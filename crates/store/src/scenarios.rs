//! Scenarios and their versions. A version never changes: a live call keeps the one it began with.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::db::{execute, execute_in, fetch, fetch_in, is_nowhere, statements};
use crate::vault::{forget_in, secrets_in};
use crate::{Error, Page, Paged, SealedSecret, Store};

/// A scenario, with the body of its newest version.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub struct Scenario {
    /// Id.
    pub id: String,
    /// Its name in addresses, unique.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whose it is; `None` once the user is gone.
    pub owner: Option<String>,
    /// Every user may use it.
    pub shared: bool,
    /// The number of its newest version, from 1.
    pub version: i64,
    /// JSON, as it was given.
    pub body: String,
    /// When it was made (µs since 1970).
    pub created_at: i64,
    /// When its newest version was made, or it was shared or not.
    pub updated_at: i64,
}

/// A scenario to be made.
#[derive(Clone, Debug)]
pub struct ScenarioNew {
    /// Its name in addresses, unique.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Every user may use it.
    pub shared: bool,
    /// JSON.
    pub body: String,
}

/// Which scenario there is in which version, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ScenarioHead {
    /// Id.
    pub id: String,
    /// The number of its newest version.
    pub version: i64,
    /// As [`Scenario::updated_at`].
    pub updated_at: i64,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ScenarioVersion {
    /// The scenario.
    pub scenario_id: String,
    /// From 1.
    pub number: i64,
    /// JSON.
    pub body: String,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When (µs since 1970).
    pub created_at: i64,
}

statements! {
    SCENARIO_INSERT = ["INSERT INTO scenarios (id, slug, name, owner, shared, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $6)"];
    VERSION_INSERT = ["INSERT INTO scenario_versions (scenario_id, number, body, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5)"];
    SCENARIO_FIND = ["SELECT s.*, v.body FROM scenarios s
        JOIN scenario_versions v ON v.scenario_id = s.id AND v.number = s.version
        WHERE s.id = $1 OR s.slug = $1 ORDER BY CASE WHEN s.id = $1 THEN 0 ELSE 1 END LIMIT 1"];
    SCENARIO_HEADS = ["SELECT id, version, updated_at FROM scenarios ORDER BY id"];
    SCENARIOS_OWNED = ["SELECT COUNT(*) FROM scenarios WHERE owner = $1"];
    SCENARIOS_COUNT = ["SELECT COUNT(*) FROM scenarios
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1 OR shared)"];
    SCENARIOS_LIST = ["SELECT s.*, v.body FROM scenarios s
        JOIN scenario_versions v ON v.scenario_id = s.id AND v.number = s.version
        WHERE (CAST($1 AS TEXT) IS NULL OR s.owner = $1 OR s.shared)
        ORDER BY s.created_at DESC, s.id DESC LIMIT $2 OFFSET $3"];
    SCENARIO_NEXT = ["UPDATE scenarios SET version = version + 1, slug = $3, name = $4, updated_at = $5
        WHERE id = $1 AND (CAST($2 AS BIGINT) IS NULL OR version = $2) RETURNING version"];
    SCENARIO_EXISTS = ["SELECT COUNT(*) FROM scenarios WHERE id = $1"];
    SCENARIO_SHARE = ["UPDATE scenarios SET shared = $2, owner = COALESCE(CAST($3 AS TEXT), owner),
        updated_at = $4 WHERE id = $1"];
    SCENARIO_DELETE = ["DELETE FROM scenarios WHERE id = $1"];
    VERSION_LIST = ["SELECT * FROM scenario_versions WHERE scenario_id = $1
        ORDER BY number DESC LIMIT $2 OFFSET $3"];
    VERSION_COUNT = ["SELECT COUNT(*) FROM scenario_versions WHERE scenario_id = $1"];
    VERSION_FIND = ["SELECT * FROM scenario_versions WHERE scenario_id = $1 AND number = $2"];
}

impl Store {
    /// Makes a scenario of this id (see [`crate::new_id`]) and its version 1, with the secrets that it names.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the slug is taken; [`Error::NotFound`] where there is no such owner.
    pub async fn scenario_insert(
        &self,
        id: &str,
        new: &ScenarioNew,
        secrets: &[SealedSecret],
        now: i64,
    ) -> Result<Scenario, Error> {
        let owner = new.owner.as_deref();
        let mut tx = self.begin().await?;
        execute_in!(
            tx,
            SCENARIO_INSERT,
            id,
            &new.slug,
            &new.name,
            owner,
            new.shared,
            now
        )?;
        execute_in!(tx, VERSION_INSERT, id, 1_i64, &new.body, owner, now)?;
        secrets_in(&mut tx, secrets).await?;
        tx.commit().await?;
        let made = self.scenario_find(id).await?;
        made.ok_or(Error::NotFound("the scenario"))
    }

    /// The scenario of this id or, where there is none, of this slug.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_find(&self, id_or_slug: &str) -> Result<Option<Scenario>, Error> {
        if is_nowhere([Some(id_or_slug)]) {
            return Ok(None);
        }
        fetch!(self, fetch_optional, SCENARIO_FIND, id_or_slug)
    }

    /// All scenarios there are, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_heads(&self) -> Result<Vec<ScenarioHead>, Error> {
        fetch!(self, fetch_all, SCENARIO_HEADS)
    }

    /// How many scenarios a user has.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_count(&self, owner: &str) -> Result<i64, Error> {
        let (count,): (i64,) = fetch!(self, fetch_one, SCENARIOS_OWNED, owner)?;
        Ok(count)
    }

    /// What a user may use, their own and what is shared; for `None` all there are. Newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_list(
        &self,
        user: Option<&str>,
        page: Page,
    ) -> Result<Paged<Scenario>, Error> {
        let (total,): (i64,) = fetch!(self, fetch_one, SCENARIOS_COUNT, user)?;
        let rows = fetch!(self, fetch_all, SCENARIOS_LIST, user, page.limit, page.skip)?;
        Ok(Paged { rows, total })
    }

    /// Makes the next version, with the secrets that it names beside those before; where `expected` names a version, only if it is
    /// still the newest. `content` is slug, name and body.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where the slug is taken, or somebody else made a version meanwhile.
    pub async fn scenario_update(
        &self,
        id: &str,
        expected: Option<i64>,
        content: (&str, &str, &str),
        secrets: &[SealedSecret],
        (by, now): (Option<&str>, i64),
    ) -> Result<Scenario, Error> {
        let (slug, name, body) = content;
        let mut tx = self.begin().await?;
        let next: Option<(i64,)> = fetch_in!(
            tx,
            fetch_optional,
            SCENARIO_NEXT,
            id,
            expected,
            slug,
            name,
            now
        )?;
        let Some((number,)) = next else {
            let (count,): (i64,) = fetch_in!(tx, fetch_one, SCENARIO_EXISTS, id)?;
            return Err(match count {
                0 => Error::NotFound("the scenario"),
                _ => Error::Conflict("the scenario has a newer version by now".to_owned()),
            });
        };
        execute_in!(tx, VERSION_INSERT, id, number, body, by, now)?;
        secrets_in(&mut tx, secrets).await?;
        tx.commit().await?;
        let changed = self.scenario_find(id).await?;
        changed.ok_or(Error::NotFound("the scenario"))
    }

    /// Shares it with every user or not, and gives it to another owner where one is named.
    ///
    /// # Errors
    /// [`Error::NotFound`], of the scenario or of the owner.
    pub async fn scenario_share(
        &self,
        id: &str,
        shared: bool,
        owner: Option<&str>,
        now: i64,
    ) -> Result<(), Error> {
        match execute!(self, SCENARIO_SHARE, id, shared, owner, now)? {
            0 => Err(Error::NotFound("the scenario")),
            _ => Ok(()),
        }
    }

    /// Deletes it with all versions, and the secrets whose names begin with `secrets`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn scenario_delete(&self, id: &str, secrets: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let deleted = execute_in!(tx, SCENARIO_DELETE, id)?;
        forget_in(&mut tx, secrets).await?;
        tx.commit().await?;
        match deleted {
            0 => Err(Error::NotFound("the scenario")),
            _ => Ok(()),
        }
    }

    /// The versions, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_versions(
        &self,
        id: &str,
        page: Page,
    ) -> Result<Paged<ScenarioVersion>, Error> {
        let (total,): (i64,) = fetch!(self, fetch_one, VERSION_COUNT, id)?;
        let rows = fetch!(self, fetch_all, VERSION_LIST, id, page.limit, page.skip)?;
        Ok(Paged { rows, total })
    }

    /// One version.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scenario_version(
        &self,
        id: &str,
        number: i64,
    ) -> Result<Option<ScenarioVersion>, Error> {
        fetch!(self, fetch_optional, VERSION_FIND, id, number)
    }
}
