//! What the log of a call may not hold.

use std::time::Duration;

use ringback_wire::twilio::signature::{AuthToken, SIGNATURE_HEADER, sign};
use serde_json::Value;

use crate::media::announce;
use crate::server::Server;
use crate::telephone::{FROM, TO, in_real_time};
use crate::until;

const TOKEN: &str = "fedcba9876543210fedcba9876543210";
const KEY: &str = "a key that signs the tokens of this test, and no others";
const ELSEWHERE: &str = "+15005550009";

const SCENARIO: &str = r#"
[[script.state]]
name = "question"
say = "The lighthouse keeper has painted his boat."
ask = "Would you like to be put through?"
expect = "yes_no"
when = [{ answer = "yes", goto = "through" }]
goto = "question"

[[script.state]]
name = "through"
say = "I will connect you with the harbour office."
transfer = "+15005550009"
"#;

#[test]
fn the_log_of_a_whole_call_holds_no_number_no_word_and_no_token() {
    let server = Server::with(&[
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("SECRET_KEY", KEY),
        ("LOG_FORMAT", "json"),
    ])
    .scenario("private", SCENARIO)
    .start();
    in_real_time(&server, |server, late| {
        let steps = ["wait_reply = 15000", "say = \"yes\"", "expect_end = 15000"];
        let call = server
            .call("private")
            .with(&["--auth-token", TOKEN, "--voice", "flite:rms"]);
        let made = call.script(&steps).made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        anyhow::ensure!(
            outcome.ended.by == "transfer",
            "{}{}",
            outcome.summary(),
            files.conversation()
        );

        // A call whose tokens are known here: announced, its socket never comes, its resume webhook is asked.
        let sid = "CA00000000000000000000000000000008";
        let url = |path: &str| format!("http://{}{path}", server.address());
        let token = AuthToken::new(TOKEN)?;
        let path = "/call/inbound/receive/private";
        let form = [
            ("CallSid", sid),
            ("From", FROM),
            ("To", TO),
            ("Direction", "inbound"),
        ];
        let announced = announce(
            server,
            "private",
            sid,
            &[(SIGNATURE_HEADER, &sign(&token, &url(path), &form))],
        );
        let resume = announced.resume.strip_prefix(&url("")).unwrap_or_default();
        let signature = sign(&token, &announced.resume, &form);
        let after = crate::http::post(
            server.address(),
            resume,
            &[(SIGNATURE_HEADER, &signature)],
            &form,
        );
        anyhow::ensure!(after.status == 200, "{after:?}");

        until("the log files", Duration::from_secs(5), || {
            server
                .log_files()
                .contains("its media socket never came")
                .then_some(())
        });
        let resume_token = resume.trim_start_matches("/resume/").to_owned();
        let mut private = vec![
            TOKEN.to_owned(),
            KEY.to_owned(),
            announced.token,
            resume_token,
        ];
        private.extend([FROM, TO, ELSEWHERE].map(|number| number[2..].to_owned()));
        private.extend(words(&files.lines));
        for (place, log) in [
            ("terminal", server.log()),
            ("log files", server.log_files()),
        ] {
            let calls = log
                .lines()
                .filter(|line| line.contains(&outcome.call_sid))
                .count();
            anyhow::ensure!(
                calls >= 4,
                "the {place} tell {calls} lines of the call:\n{log}"
            );
            let lower = log.to_lowercase();
            for secret in &private {
                anyhow::ensure!(
                    !lower.contains(&secret.to_lowercase()),
                    "{secret:?} is in the {place}:\n{log}"
                );
            }
        }
        Ok(())
    });
}

/// Everything that was said, sentence by sentence. Single words stand in any log.
fn words(lines: &[Value]) -> Vec<String> {
    let texts = lines
        .iter()
        .flat_map(|line| [line["said"].as_str(), line["heard"].as_str()]);
    let sentences = texts
        .flatten()
        .flat_map(|text| text.split(['.', '!', '?', ',']));
    let sentences = sentences
        .map(str::trim)
        .filter(|sentence| sentence.contains(' '));
    sentences.map(str::to_owned).collect()
}
