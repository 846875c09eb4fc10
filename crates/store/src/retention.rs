//! What is kept no longer: files and transcripts by their age, and everything about one telephone number.

use sqlx::FromRow;

use crate::calls::{CallFile, FileKind};
use crate::db::{execute, execute_in, fetch, fetch_in, statements};
use crate::number::is_whole;
use crate::{Error, Store, like_text, normal_number};

/// What is to become of the wish not to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// The number stays on the list of those that must not be called.
    Keep,
    /// It is taken off, too.
    Forget,
}

/// What an erasure has deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Erased {
    /// Our ids of the calls.
    pub calls: Vec<String>,
    /// Their files. Those of this node are to be deleted now, and forgotten by [`Store::file_erased`]; other nodes find theirs by
    /// [`Store::files_to_erase`].
    pub files: Vec<NodeFile>,
    /// Entries of the schedule.
    pub entries: u64,
}

/// A file of a call, and the node that has it.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct NodeFile {
    /// The file.
    #[sqlx(flatten)]
    pub file: CallFile,
    /// The node.
    pub node: String,
}

statements! {
    FILES_OLD = ["SELECT f.* FROM call_files f JOIN calls c ON c.id = f.call_id
        WHERE f.kind = $1 AND f.created_at < $2 AND c.status_rank = 9 AND c.node = $3
        ORDER BY f.created_at, f.call_id LIMIT $4"];
    FILE_DELETE = ["DELETE FROM call_files WHERE call_id = $1 AND kind = $2"];
    TRANSCRIPTS_OLD = ["DELETE FROM transcripts WHERE created_at < $1"];
    TURNS_OLD = ["DELETE FROM turns WHERE call_id IN
        (SELECT id FROM calls WHERE created_at < $1 AND status_rank = 9)"];
    SUMMARIES_OLD = ["UPDATE calls SET summary = NULL
        WHERE created_at < $1 AND status_rank = 9 AND summary IS NOT NULL"];
    CALLS_OF_NUMBER = ["SELECT id FROM calls WHERE from_number = $1 OR to_number = $1 ORDER BY created_at"];
    FILE_PATHS = ["SELECT path FROM call_files WHERE kind = $1 AND created_at >= $2 AND created_at < $3"];
    FILES_BY_NODE = ["SELECT f.*, c.node FROM call_files f JOIN calls c ON c.id = f.call_id
        WHERE c.from_number = $1 OR c.to_number = $1 ORDER BY f.call_id, f.kind"];
    FILES_MARK = ["INSERT INTO files_to_erase (node, path, marked_at)
        SELECT c.node, f.path, CAST($2 AS BIGINT) FROM call_files f JOIN calls c ON c.id = f.call_id
        WHERE c.from_number = $1 OR c.to_number = $1 ON CONFLICT (node, path) DO NOTHING"];
    FILES_MARKED = ["SELECT path FROM files_to_erase WHERE node = $1 AND path > $2 ORDER BY path LIMIT $3"];
    FILE_ERASED = ["DELETE FROM files_to_erase WHERE node = $1 AND path = $2"];
    CALLS_ERASE = ["DELETE FROM calls WHERE from_number = $1 OR to_number = $1"];
    TRANSCRIPTS_ERASE = ["DELETE FROM transcripts WHERE body LIKE $1 ESCAPE '\\' OR full_text LIKE $1 ESCAPE '\\'"];
    SCHEDULE_ERASE = ["DELETE FROM schedule WHERE phone = $1"];
    DO_NOT_CALL_ERASE = ["DELETE FROM do_not_call WHERE phone = $1"];
    AUDIT_ERASE = ["UPDATE audit SET detail = '{}', subject = CASE WHEN subject = $1 THEN 'erased' ELSE subject END
        WHERE subject = $1 OR detail LIKE $2 ESCAPE '\\'"];
    IDEMPOTENCY_ERASE = ["DELETE FROM idempotency WHERE answer LIKE $1 ESCAPE '\\' OR route LIKE $1 ESCAPE '\\'"];
}

/// A word for a withheld number would mean everybody who withheld theirs.
fn erasable(number: &str) -> Result<String, Error> {
    let number = normal_number(number);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if number.contains('\0') || !number.contains(':') && digits < 3 {
        return Err(Error::Refused("that is no telephone number".to_owned()));
    }
    Ok(number)
}

impl Store {
    /// At most `most` files of this kind that were begun before `before`, of calls of this node that are over; oldest first.
    /// Each is deleted by the caller, then forgotten by [`Store::file_delete`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn file_list_old(
        &self,
        kind: FileKind,
        before: i64,
        node: &str,
        most: i64,
    ) -> Result<Vec<CallFile>, Error> {
        fetch!(self, fetch_all, FILES_OLD, kind, before, node, most)
    }

    /// Where files of this kind lie that were begun from `from` on and before `until`, on whichever node.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn file_paths(
        &self,
        kind: FileKind,
        from: i64,
        until: i64,
    ) -> Result<Vec<String>, Error> {
        let paths: Vec<(String,)> = fetch!(self, fetch_all, FILE_PATHS, kind, from, until)?;
        Ok(paths.into_iter().map(|(path,)| path).collect())
    }

    /// At most `most` files of this node whose calls were erased, in the order of their paths and beyond `after`. Each is deleted by
    /// the caller, then forgotten by [`Store::file_erased`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn files_to_erase(
        &self,
        node: &str,
        after: &str,
        most: i64,
    ) -> Result<Vec<String>, Error> {
        let paths: Vec<(String,)> = fetch!(self, fetch_all, FILES_MARKED, node, after, most)?;
        Ok(paths.into_iter().map(|(path,)| path).collect())
    }

    /// Forgets a file whose call was erased, once it is deleted.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn file_erased(&self, node: &str, path: &str) -> Result<(), Error> {
        execute!(self, FILE_ERASED, node, path).map(drop)
    }

    /// Forgets a file.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn file_delete(&self, call_id: &str, kind: FileKind) -> Result<(), Error> {
        execute!(self, FILE_DELETE, call_id, kind).map(drop)
    }

    /// Deletes what was said in calls that began before `before` and are over: transcripts, turns and summaries. Their
    /// rows stay, with who, when and what it cost. Answers how many rows were deleted or emptied.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; nothing is deleted then.
    pub async fn transcript_delete_old(&self, before: i64) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        let transcripts = execute_in!(tx, TRANSCRIPTS_OLD, before)?;
        let turns = execute_in!(tx, TURNS_OLD, before)?;
        let summaries = execute_in!(tx, SUMMARIES_OLD, before)?;
        tx.commit().await?;
        Ok(transcripts + turns + summaries)
    }

    /// Erases everything about a telephone number, in one transaction: its calls with turns, faults, transcripts and
    /// checkpoints, its entries in the schedule, answers kept for repeats, and its traces in the audit log. Its files are
    /// answered and marked at `now` (µs since 1970), so that each node deletes its own however it is interrupted. A call that goes on
    /// leaves no more rows behind, because its own is gone.
    ///
    /// # Errors
    /// [`Error::Refused`] where it is no number, or one without its country of which nothing is known; [`Error::Unavailable`]: nothing is
    /// erased then.
    pub async fn number_erase(
        &self,
        number: &str,
        suppression: Suppression,
        now: i64,
    ) -> Result<Erased, Error> {
        let number = erasable(number)?;
        // A short one is looked for as a whole value: its digits stand in many others.
        let mentions = match number.len() {
            ..8 => like_text(&format!("\"{number}\"")),
            _ => like_text(&number),
        };
        let mut tx = self.begin().await?;
        let calls: Vec<(String,)> = fetch_in!(tx, fetch_all, CALLS_OF_NUMBER, &number)?;
        let files = fetch_in!(tx, fetch_all, FILES_BY_NODE, &number)?;
        execute_in!(tx, FILES_MARK, &number, now)?;
        execute_in!(tx, CALLS_ERASE, &number)?;
        execute_in!(tx, TRANSCRIPTS_ERASE, &mentions)?;
        let entries = execute_in!(tx, SCHEDULE_ERASE, &number)?;
        execute_in!(tx, AUDIT_ERASE, &number, &mentions)?;
        execute_in!(tx, IDEMPOTENCY_ERASE, &mentions)?;
        let mut found = calls.len() as u64 + entries;
        if suppression == Suppression::Forget {
            found += execute_in!(tx, DO_NOT_CALL_ERASE, &number)?;
        }
        // Most likely it is there under its whole number.
        if found == 0 && !is_whole(&number) {
            let what = "write it in E.164, with + and the country code, as +15005550001";
            return Err(Error::Refused(what.to_owned()));
        }
        tx.commit().await?;
        let calls = calls.into_iter().map(|(id,)| id).collect();
        Ok(Erased {
            calls,
            files,
            entries,
        })
    }
}
