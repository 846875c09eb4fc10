//! What a webhook answers: read from bytes as they come.

use serde_json::{Map, Value};

use crate::scenario::destination::is_destination;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The next stretch of what is to be said. One that was a line of text ends with a line break.
    Text(String),
    /// The answer is over. It comes once, and last.
    End {
        /// The call is to be ended.
        end: bool,
        /// The caller is to be put through to this number (E.164) or SIP address; stronger than `end`.
        transfer: Option<String>,
    },
}

/// Why an answer cannot be taken. It says what was wrong, never what was said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("answered with more than {0} bytes; the scenario's bound is max_bytes")]
    TooLarge(usize),
    #[error("answered with bytes that are not UTF-8")]
    NotUtf8,
    #[error("answered with malformed JSON (line {line}, column {column})")]
    Malformed { line: usize, column: usize },
    #[error("answered with JSON that is not an object")]
    NotAnObject,
    #[error("answered with `{field}` that is not {wanted}")]
    Type {
        field: &'static str,
        wanted: &'static str,
    },
    #[error("answered with `transfer` to what is neither a number in E.164 nor a sip: address")]
    Destination,
    #[error("answered with more text after the line that ended its answer")]
    AfterEnd,
    #[error(
        "answered with the content type {0}; it must be application/json, text/plain or application/x-ndjson"
    )]
    ContentType(String),
    #[error("answered with a compressed body, which was not asked for")]
    Encoded,
}

/// How an answer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object.
    Object,
    /// Lines of text, or of JSON objects.
    Lines,
    /// Something else; only an empty body can be taken.
    Other(String),
}

impl Form {
    /// The form that a content type stands for.
    pub(super) fn of(content_type: Option<&[u8]>) -> Self {
        let Some(named) = content_type else {
            return Self::Other("(none)".to_owned());
        };
        let essence = named.split(|&byte| byte == b';').next().unwrap_or(named);
        let essence = String::from_utf8_lossy(essence.trim_ascii()).to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Self::Object,
            "text/plain" | "application/x-ndjson" => Self::Lines,
            _ => {
                let sober = |c: char| c.is_ascii_alphanumeric() || "/+-._".contains(c);
                let readable = essence.len() <= 80 && essence.chars().all(sober);
                Self::Other(if readable {
                    essence
                } else {
                    "(unreadable)".to_owned()
                })
            }
        }
    }
}

/// Reads the body of one answer.
pub(super) struct Reader {
    form: Form,
    max_bytes: usize,
    taken: usize,
    rest: Vec<u8>,
    ending: Option<Ending>,
}

impl Reader {
    pub(super) fn new(form: Form, max_bytes: usize) -> Self {
        Self {
            form,
            max_bytes,
            taken: 0,
            rest: Vec::new(),
            ending: None,
        }
    }

    /// Takes the next bytes. Lines that are whole with them go to `on`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        on: &mut (dyn FnMut(Answered) + Send),
    ) -> Result<(), Wrong> {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.taken > self.max_bytes {
            return Err(Wrong::TooLarge(self.max_bytes));
        }
        match &self.form {
            Form::Object => self.rest.extend_from_slice(bytes),
            Form::Other(named) if !bytes.is_empty() => {
                return Err(Wrong::ContentType(named.clone()));
            }
            Form::Other(_) => {}
            Form::Lines => {
                let mut lines = bytes.split(|&byte| byte == b'\n');
                let unfinished = lines.next_back().unwrap_or_default();
                for line in lines {
                    self.rest.extend_from_slice(line);
                    let line = std::mem::take(&mut self.rest);
                    self.line(&line, on)?;
                }
                self.rest.extend_from_slice(unfinished);
            }
        }
        Ok(())
    }

    /// The body is over.
    pub(super) fn finish(mut self, on: &mut (dyn FnMut(Answered) + Send)) -> Result<(), Wrong> {
        let rest = std::mem::take(&mut self.rest);
        let ending = if self.form == Form::Object {
            let (text, ending) = object(&rest)?;
            if let Some(text) = text {
                on(Answered::Text(text));
            }
            Some(ending)
        } else {
            self.line(&rest, on)?;
            self.ending
        };
        let Ending { end, transfer } = ending.unwrap_or_default();
        on(Answered::End { end, transfer });
        Ok(())
    }

    fn line(&mut self, line: &[u8], on: &mut (dyn FnMut(Answered) + Send)) -> Result<(), Wrong> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if self.ending.is_some() {
            return Err(Wrong::AfterEnd);
        }
        let text = if line.starts_with(b"{") {
            let (text, ending) = object(line)?;
            self.ending = Some(ending).filter(Ending::ends);
            text
        } else {
            let text = std::str::from_utf8(line).map_err(|_| Wrong::NotUtf8)?;
            Some(text.to_owned())
        };
        if let Some(mut text) = text {
            text.push('\n');
            on(Answered::Text(text));
        }
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Ending {
    end: bool,
    transfer: Option<String>,
}

impl Ending {
    fn ends(&self) -> bool {
        self.end || self.transfer.is_some()
    }
}

/// Reads `{"text"?, "end"?, "transfer"?}`; what else is in it is ignored, `null` is as good as absent.
fn object(bytes: &[u8]) -> Result<(Option<String>, Ending), Wrong> {
    let json = std::str::from_utf8(bytes).map_err(|_| Wrong::NotUtf8)?;
    let mut fields: Map<String, Value> = serde_json::from_str(json).map_err(|error| {
        if error.is_data() {
            Wrong::NotAnObject
        } else {
            Wrong::Malformed {
                line: error.line(),
                column: error.column(),
            }
        }
    })?;
    let text = text(fields.remove("text"), "text")?;
    let end = match fields.remove("end") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(end)) => end,
        Some(_) => {
            let (field, wanted) = ("end", "true or false");
            return Err(Wrong::Type { field, wanted });
        }
    };
    let transfer = destination(fields.remove("transfer"))?;
    let text = text.filter(|text| !text.trim().is_empty());
    Ok((text, Ending { end, transfer }))
}

fn destination(value: Option<Value>) -> Result<Option<String>, Wrong> {
    match text(value, "transfer")? {
        Some(to) if !is_destination(&to) => Err(Wrong::Destination),
        transfer => Ok(transfer),
    }
}

fn text(value: Option<Value>, field: &'static str) -> Result<Option<String>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Wrong::Type {
            field,
            wanted: "a string",
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = 1000;

    fn read(form: Form, chunks: &[&[u8]]) -> (Vec<Answered>, Result<(), Wrong>) {
        let mut answered = Vec::new();
        let mut on = |piece| answered.push(piece);
        let mut reader = Reader::new(form, ROOM);
        let result = chunks
            .iter()
            .try_for_each(|chunk| reader.feed(chunk, &mut on))
            .and_then(|()| reader.finish(&mut on));
        (answered, result)
    }

    fn said(text: &str) -> Answered {
        Answered::Text(text.to_owned())
    }

    fn over(end: bool, transfer: Option<&str>) -> Answered {
        let transfer = transfer.map(str::to_owned);
        Answered::End { end, transfer }
    }

    #[track_caller]
    fn check(form: Form, body: &str, expected: &[Answered]) {
        let (answered, result) = read(form, &[body.as_bytes()]);
        assert_eq!(result, Ok(()), "{body}");
        assert_eq!(answered, expected, "{body}");
    }

    #[track_caller]
    fn check_wrong(form: Form, body: &[u8], expected: &Wrong) {
        let (answered, result) = read(form, &[body]);
        assert_eq!(result.as_ref(), Err(expected));
        let ended = |piece: &Answered| matches!(piece, Answered::End { .. });
        assert!(
            !answered.iter().any(ended),
            "a wrong answer must not end as a right one"
        );
    }

    fn not_a(field: &'static str, wanted: &'static str) -> Wrong {
        Wrong::Type { field, wanted }
    }

    #[test]
    fn an_object_says_its_text_and_how_the_call_goes_on() {
        let (object, to) = (Form::Object, "+15005550006");
        for (body, expected) in [
            (
                r#"{"text":"Hello.","mood":["fine"]}"#,
                vec![said("Hello."), over(false, None)],
            ),
            (
                r#"{"text":null,"end":null,"transfer":null}"#,
                vec![over(false, None)],
            ),
            (" {} ", vec![over(false, None)]),
            (r#"{"text":" \n "}"#, vec![over(false, None)]),
            (
                r#"{"text":"Bye.","end":true}"#,
                vec![said("Bye."), over(true, None)],
            ),
            (
                r#"{"transfer":"+15005550006"}"#,
                vec![over(false, Some(to))],
            ),
            (
                r#"{"end":true,"transfer":"sip:desk@example.com"}"#,
                vec![over(true, Some("sip:desk@example.com"))],
            ),
        ] {
            check(object.clone(), body, &expected);
        }
    }

    #[test]
    fn an_object_of_the_wrong_shape_is_refused_by_name() {
        for (body, wrong) in [
            (r#"{"text":7}"#, not_a("text", "a string")),
            (r#"{"text":["a"]}"#, not_a("text", "a string")),
            (r#"{"end":"true"}"#, not_a("end", "true or false")),
            (r#"{"end":1}"#, not_a("end", "true or false")),
            (r#"{"transfer":15005550006}"#, not_a("transfer", "a string")),
            (r#"{"transfer":""}"#, Wrong::Destination),
            (r#"{"transfer":"15005550006"}"#, Wrong::Destination),
            (r#"{"transfer":"tel:+15005550006"}"#, Wrong::Destination),
            (r#"{"transfer":"sip:a b@example.com"}"#, Wrong::Destination),
            (r#"["Hello.",true]"#, Wrong::NotAnObject),
            (r#""Hello.""#, Wrong::NotAnObject),
            ("null", Wrong::NotAnObject),
            ("", Wrong::Malformed { line: 1, column: 0 }),
            (r#"{"text":"#, Wrong::Malformed { line: 1, column: 8 }),
            ("{} {}", Wrong::Malformed { line: 1, column: 4 }),
            ("<html>", Wrong::Malformed { line: 1, column: 1 }),
        ] {
            check_wrong(Form::Object, body.as_bytes(), &wrong);
        }
    }

    #[test]
    fn each_line_is_a_stretch_and_a_last_object_is_control() {
        check(
            Form::Lines,
            "One moment.\r\n\n  I have it. \n{\"end\":true}\n\n",
            &[
                said("One moment.\n"),
                said("I have it.\n"),
                over(true, None),
            ],
        );
        check(
            Form::Lines,
            "No line break",
            &[said("No line break\n"), over(false, None)],
        );
        check(Form::Lines, "", &[over(false, None)]);
        check(
            Form::Lines,
            "{\"text\":\"One.\"}\n{\"text\":\"Two.\",\"transfer\":\"+15005550006\"}",
            &[
                said("One.\n"),
                said("Two.\n"),
                over(false, Some("+15005550006")),
            ],
        );
        check(
            Form::Lines,
            "{\"end\":false}\nGo on.",
            &[said("Go on.\n"), over(false, None)],
        );
    }

    #[test]
    fn nothing_may_follow_the_line_that_ends_an_answer() {
        check_wrong(
            Form::Lines,
            b"Bye.\n{\"end\":true}\nOne more thing.\n",
            &Wrong::AfterEnd,
        );
    }

    #[test]
    fn a_line_that_begins_like_an_object_is_never_said() {
        check_wrong(
            Form::Lines,
            b"Hello.\n{name}, how are you?\n",
            &Wrong::Malformed { line: 1, column: 2 },
        );
    }

    #[test]
    fn a_body_of_another_type_is_refused_unless_it_is_empty() {
        let html = Form::of(Some(b"text/html; charset=utf-8"));
        check(html.clone(), "", &[over(false, None)]);
        check_wrong(html, b"<html>", &Wrong::ContentType("text/html".to_owned()));
        let odd = Form::of(Some(b"\xff secret"));
        check_wrong(odd, b"x", &Wrong::ContentType("(unreadable)".to_owned()));
    }

    #[test]
    fn content_types_are_told_apart_without_their_parameters() {
        for (named, form) in [
            ("application/json", Form::Object),
            ("Application/JSON ; charset=utf-8", Form::Object),
            ("text/plain;charset=UTF-8", Form::Lines),
            ("application/x-ndjson", Form::Lines),
        ] {
            assert_eq!(Form::of(Some(named.as_bytes())), form, "{named}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        check_wrong(Form::Lines, b"caf\xe9\n", &Wrong::NotUtf8);
        check_wrong(Form::Object, b"{\"text\":\"caf\xe9\"}", &Wrong::NotUtf8);
    }

    #[test]
    fn one_byte_beyond_the_bound_is_too_much() {
        let body = "x".repeat(ROOM);
        check(
            Form::Lines,
            &body,
            &[said(&format!("{body}\n")), over(false, None)],
        );
        check_wrong(
            Form::Lines,
            format!("{body}x").as_bytes(),
            &Wrong::TooLarge(ROOM),
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn it_does_not_matter_how_an_answer_is_cut_into_pieces(
            lines in proptest::collection::vec("[a-zé{ \r]{0,12}", 0..6),
            cuts in proptest::collection::vec(0_usize..80, 0..6),
            object: bool,
        ) {
            let body = lines.join("\n").into_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
            let form = if object { Form::Object } else { Form::Lines };
            prop_assert_eq!(read(form.clone(), &chunks), read(form, &[&body]));
        }
    }
}
