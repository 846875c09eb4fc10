//! Rows of calls, written so that writing them again changes nothing.

use super::{CallAnswer, CallEnd, CallFile, CallStart, CallStatus, Fault, Turn};
use crate::db::{Tx, execute, execute_in, statements};
use crate::{Error, Store, normal_number};

statements! {
    CALL_INSERT = ["INSERT INTO calls (id, call_sid, direction, from_number, to_number, scenario,
            scenario_id, scenario_version, owner, node, status, status_rank, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (id) DO UPDATE SET
            call_sid = COALESCE(calls.call_sid, excluded.call_sid),
            scenario_id = COALESCE(calls.scenario_id, excluded.scenario_id),
            scenario_version = COALESCE(calls.scenario_version, excluded.scenario_version),
            owner = COALESCE(calls.owner, excluded.owner)"];
    CALL_STATUS = ["UPDATE calls SET status = $2, status_rank = $3,
            answered_at = CASE WHEN $3 = 3 THEN COALESCE(answered_at, $4) ELSE answered_at END,
            ended_at = CASE WHEN $3 = 9 THEN COALESCE(ended_at, $4) ELSE ended_at END
        WHERE id = $1 AND status_rank < $3"];
    CALL_STATUS_BY_SID = ["UPDATE calls SET status = $2, status_rank = $3,
            answered_at = CASE WHEN $3 = 3 THEN COALESCE(answered_at, $4) ELSE answered_at END,
            ended_at = CASE WHEN $3 = 9 THEN COALESCE(ended_at, $4) ELSE ended_at END
        WHERE call_sid = $1 AND status_rank < $3"];
    CALL_SID = ["UPDATE calls SET call_sid = $2 WHERE id = $1 AND (call_sid IS NULL OR call_sid = $2)"];
    CALL_ANSWER = ["UPDATE calls SET answered_at = COALESCE(answered_at, $2), engines = COALESCE(engines, $3)
        WHERE id = $1"];
    CALL_END = ["UPDATE calls SET
            status = CASE WHEN status_rank < 9 OR end_presumed = 1 THEN $2 ELSE status END, status_rank = 9,
            answered_at = COALESCE(answered_at, $3),
            ended_at = CASE WHEN end_presumed = 1 THEN $4 ELSE COALESCE(ended_at, $4) END,
            end_reason = CASE WHEN end_presumed = 1 THEN $5 ELSE COALESCE(end_reason, $5) END,
            engines = CASE WHEN end_reason IS NULL OR end_presumed = 1 THEN COALESCE($6, engines) ELSE engines END,
            cost = COALESCE(cost, $7), currency = COALESCE(currency, $8),
            summary = COALESCE(summary, $9), end_presumed = 0
        WHERE id = $1"];
    TURN_UPSERT = ["INSERT INTO turns (call_id, number, at, who, text, latencies, usage, cost, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (call_id, number) DO UPDATE SET text = excluded.text,
            latencies = excluded.latencies, usage = excluded.usage, cost = excluded.cost,
            detail = excluded.detail"];
    TURNS_CUT = ["DELETE FROM turns WHERE call_id = $1 AND number >= $2"];
    FAULT_INSERT = ["INSERT INTO faults (id, call_id, at, party, kind, detail)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING"];
    FILE_UPSERT = ["INSERT INTO call_files (call_id, kind, path, bytes, seconds, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (call_id, kind) DO UPDATE SET path = excluded.path,
            bytes = COALESCE(excluded.bytes, call_files.bytes),
            seconds = COALESCE(excluded.seconds, call_files.seconds)"];
}

/// PostgreSQL takes no NUL in a text; what callers or providers say may hold one.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) async fn call_insert(tx: &mut Tx, call: &CallStart) -> Result<(), Error> {
    let (from, to) = (
        normal_number(&clean(&call.from)),
        normal_number(&clean(&call.to)),
    );
    execute_in!(
        tx,
        CALL_INSERT,
        &call.id,
        call.call_sid.as_deref(),
        call.direction,
        &from,
        &to,
        clean(&call.scenario),
        call.scenario_id.as_deref(),
        call.scenario_version,
        call.owner.as_deref(),
        &call.node,
        call.status,
        call.status.rank(),
        call.at
    )
    .map(drop)
}

pub(crate) async fn call_status_set(
    tx: &mut Tx,
    id: &str,
    status: CallStatus,
    at: i64,
) -> Result<(), Error> {
    execute_in!(tx, CALL_STATUS, id, status, status.rank(), at).map(drop)
}

pub(crate) async fn call_answer(tx: &mut Tx, answer: &CallAnswer) -> Result<(), Error> {
    let CallAnswer {
        call_id,
        at,
        engines,
    } = answer;
    execute_in!(tx, CALL_ANSWER, call_id, *at, engines).map(drop)
}

pub(crate) async fn call_end(tx: &mut Tx, end: &CallEnd) -> Result<(), Error> {
    execute_in!(
        tx,
        CALL_END,
        &end.call_id,
        end.status,
        end.answered_at,
        end.ended_at,
        clean(&end.reason),
        end.engines.as_ref(),
        end.cost,
        end.currency.as_deref(),
        end.summary.as_ref()
    )
    .map(drop)
}

pub(crate) async fn turn_set(tx: &mut Tx, turn: &Turn) -> Result<(), Error> {
    execute_in!(
        tx,
        TURN_UPSERT,
        &turn.call_id,
        turn.number,
        turn.at,
        &turn.who,
        clean(&turn.text),
        turn.latencies.as_ref(),
        turn.usage.as_ref(),
        turn.cost,
        turn.detail.as_ref()
    )
    .map(drop)
}

pub(crate) async fn turns_cut(tx: &mut Tx, call_id: &str, count: i64) -> Result<(), Error> {
    execute_in!(tx, TURNS_CUT, call_id, count).map(drop)
}

pub(crate) async fn fault_insert(tx: &mut Tx, fault: &Fault) -> Result<(), Error> {
    execute_in!(
        tx,
        FAULT_INSERT,
        &fault.id,
        &fault.call_id,
        fault.at,
        &fault.party,
        &fault.kind,
        clean(&fault.detail)
    )
    .map(drop)
}

pub(crate) async fn file_set(tx: &mut Tx, file: &CallFile) -> Result<(), Error> {
    execute_in!(
        tx,
        FILE_UPSERT,
        &file.call_id,
        file.kind,
        &file.path,
        file.bytes,
        file.seconds,
        file.created_at
    )
    .map(drop)
}

impl Store {
    /// Writes a call that begins, at once. Calls that are live go through a [`Writer`](crate::Writer) instead.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_insert(&self, call: &CallStart) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        call_insert(&mut tx, call).await?;
        tx.commit().await
    }

    /// Notes the carrier's id of a call that has none yet.
    ///
    /// # Errors
    /// [`Error::NotFound`], also where the call has another one.
    pub async fn call_sid_set(&self, id: &str, call_sid: &str) -> Result<(), Error> {
        match execute!(self, CALL_SID, id, call_sid)? {
            0 => Err(Error::NotFound("the call")),
            _ => Ok(()),
        }
    }

    /// Takes what the carrier says of a call, in any order and any number of times: a status only goes forward, and the
    /// first final one stays. Answers whether anything changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_status_set(
        &self,
        call_sid: &str,
        status: CallStatus,
        at: i64,
    ) -> Result<bool, Error> {
        Ok(execute!(
            self,
            CALL_STATUS_BY_SID,
            call_sid,
            status,
            status.rank(),
            at
        )? > 0)
    }
}
