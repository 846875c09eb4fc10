-- A caller who is put through to another scenario has a call with us for each, all under the carrier's one id.

DROP INDEX calls_call_sid;
CREATE INDEX calls_call_sid ON calls (call_sid, created_at);
