//! What must hold for any bytes that claim to come from a captcha's verifier, or from a client that claims to ask one. Fuzz targets
//! run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::captcha::{Demands, Kind, Question, Verdict};

/// What is understood can be written and understood again, and is judged without a panic: never for good where it is no success.
pub fn server(data: &[u8]) {
    let Ok(verdict) = Verdict::parse(data) else {
        return;
    };
    let again = Verdict::parse(verdict.to_text().as_bytes());
    assert_eq!(again.as_ref(), Ok(&verdict));
    for kind in Kind::ALL {
        let hostnames = ["app.example.org".to_owned()];
        for hostnames in [&[][..], &hostnames] {
            let judged = verdict.judge(&Demands {
                kind,
                action: "login",
                min_score: 0.5,
                hostnames,
            });
            assert!(verdict.success || judged.is_err());
            if let Err(objection) = judged {
                let line = objection.to_string();
                assert!(line.chars().count() <= 300 && !line.contains(char::is_control));
            }
        }
    }
}

/// What the strict reader takes can be written and is taken again as the same.
pub fn client(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for kind in Kind::ALL {
        if let Ok(question) = Question::parse(text, kind) {
            assert_eq!(Question::parse(&question.to_form(), kind), Ok(question));
        }
    }
}
