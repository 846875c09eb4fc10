use proptest::prelude::*;
use ringback_wire::twilio::twiml::{
    BadAddress, BadParameter, CallEvent, Callee, Connect, Dial, DialRecord, DialTarget,
    MAX_DOCUMENT_BYTES, Method, Parameter, RejectReason, Say, SipAddress, Stream, StreamUrl, Verb,
    WebUrl, parse, render,
};

use crate::fixtures::fixture;

fn web(url: &str) -> WebUrl {
    WebUrl::new(url).unwrap()
}

fn stream(url: &str) -> Stream {
    Stream::to(StreamUrl::new(url).unwrap())
}

fn reference_stream() -> Vec<Verb> {
    let mut stream = stream("wss://agent.example.test/media/k3yF0rThisCall");
    stream.name = Some("main".to_owned());
    stream.status_callback = Some(web("https://agent.example.test/stream/status"));
    stream.status_callback_method = Some(Method::Post);
    stream.parameters = vec![
        Parameter::new("agent_id", "42").unwrap(),
        Parameter::new("caller", "+15005550001").unwrap(),
    ];
    let action = Some(web("https://agent.example.test/voice/after-stream"));
    let method = Some(Method::Post);
    vec![
        Verb::Connect(Connect {
            stream,
            action,
            method,
        }),
        Verb::Hangup,
    ]
}

fn squeezed(xml: &str) -> String {
    xml.lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
        .replace("> <", "><")
}

#[test]
fn the_documents_of_the_reference_are_read_and_written() {
    assert_eq!(
        parse(fixture!("connect_stream.xml")),
        Ok(reference_stream())
    );
    assert_eq!(
        render(&reference_stream()),
        squeezed(fixture!("connect_stream.xml"))
    );
    let dial = Verb::Dial(Dial {
        targets: vec![DialTarget {
            callee: Callee::Number("+15005550009".to_owned()),
            status_callback: Some(web("https://agent.example.test/call/status")),
            status_events: vec![
                CallEvent::Initiated,
                CallEvent::Ringing,
                CallEvent::Answered,
                CallEvent::Completed,
            ],
        }],
        caller_id: Some("+15005550006".to_owned()),
        timeout_s: Some(25),
        answer_on_bridge: Some(true),
        record: Some(DialRecord::FromAnswerDual),
        recording_status_callback: Some(web("https://agent.example.test/recording/status")),
        action: Some(web("https://agent.example.test/voice/after-dial")),
        ..Dial::default()
    });
    assert_eq!(parse(fixture!("dial.xml")), Ok(vec![dial]));
    assert_eq!(
        parse(fixture!("start_recording.xml"))
            .unwrap_err()
            .to_string(),
        "<Response> must not contain <Start>"
    );
}

#[test]
fn a_hostile_value_is_escaped_as_twilios_own_library_does() {
    let mut stream = stream("wss://agent.example.test/media/k3yF0rThisCall");
    stream.parameters = vec![Parameter::new("note", "Tom & \"Ana\" <b> '").unwrap()];
    let xml = render(&[stream.clone().into()]);
    assert!(
        xml.contains(r#"<Parameter name="note" value="Tom &amp; &quot;Ana&quot; &lt;b&gt; '"/>"#),
        "{xml}"
    );
    assert_eq!(parse(&xml), Ok(vec![stream.into()]));
}

#[test]
fn every_verb_is_written_as_short_as_it_can_be() {
    let table = [
        (vec![], "<Response/>"),
        (vec![Verb::Hangup], "<Response><Hangup/></Response>"),
        (
            vec![Verb::Pause { length_s: None }],
            "<Response><Pause/></Response>",
        ),
        (
            vec![Verb::Pause { length_s: Some(3) }],
            "<Response><Pause length=\"3\"/></Response>",
        ),
        (
            vec![Verb::Reject { reason: None }],
            "<Response><Reject/></Response>",
        ),
        (
            vec![Verb::Reject {
                reason: Some(RejectReason::Busy),
            }],
            "<Response><Reject reason=\"busy\"/></Response>",
        ),
        (
            vec![Verb::Redirect {
                url: web("https://a.test/r?x=1&y=2"),
                method: Some(Method::Post),
            }],
            "<Response><Redirect method=\"POST\">https://a.test/r?x=1&amp;y=2</Redirect></Response>",
        ),
        (
            vec![Verb::Say(Say {
                text: "Bye.\u{0}\u{8}\u{fffe}".to_owned(),
                repeat: Some(2),
                ..Say::default()
            })],
            "<Response><Say loop=\"2\">Bye.</Say></Response>",
        ),
        (
            vec![Verb::Dial(Dial {
                targets: vec![
                    Callee::Sip(SipAddress::new("sip:bob@pbx.example.test").unwrap()).into(),
                ],
                ..Dial::default()
            })],
            "<Response><Dial><Sip>sip:bob@pbx.example.test</Sip></Dial></Response>",
        ),
        (
            vec![stream("ws://127.0.0.1:8080/ws").into()],
            "<Response><Connect><Stream url=\"ws://127.0.0.1:8080/ws\"/></Connect></Response>",
        ),
    ];
    for (verbs, expected) in table {
        assert_eq!(
            render(&verbs),
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{expected}")
        );
    }
}

#[test]
fn an_address_twilio_would_refuse_cannot_be_made() {
    let stream_url = |text: &str| StreamUrl::new(text).map(|url| url.is_secure());
    assert_eq!(stream_url("wss://agent.example.test/ws"), Ok(true));
    assert_eq!(stream_url("WSS://agent.example.test"), Ok(true));
    assert_eq!(stream_url("ws://[::1]:8080/ws"), Ok(false));
    assert_eq!(
        stream_url("https://agent.example.test/ws"),
        Err(BadAddress::NotWebSocket)
    );
    assert_eq!(stream_url("/ws"), Err(BadAddress::NotAbsolute));
    assert_eq!(
        stream_url("wss:agent.example.test"),
        Err(BadAddress::NotAbsolute)
    );
    assert_eq!(stream_url("wss://"), Err(BadAddress::NotAbsolute));
    assert_eq!(
        stream_url("wss://agent.example.test/ws?token=1"),
        Err(BadAddress::Query)
    );
    assert_eq!(
        stream_url("wss://agent.example.test/ws?"),
        Err(BadAddress::Query)
    );
    assert_eq!(
        stream_url("wss://agent.example.test/ws#rc=2"),
        Err(BadAddress::Fragment)
    );
    assert_eq!(
        stream_url(" wss://agent.example.test/ws"),
        Err(BadAddress::NotAscii)
    );
    assert_eq!(
        stream_url("wss://agent.example.test/w\ns"),
        Err(BadAddress::NotAscii)
    );
    assert_eq!(
        stream_url("wss://agent.example.test/\u{fffe}"),
        Err(BadAddress::NotAscii)
    );
    assert_eq!(WebUrl::new("ftp://a.test/"), Err(BadAddress::NotWeb));
    assert_eq!(WebUrl::new("voice/next"), Err(BadAddress::NotAbsolute));
    assert!(WebUrl::new("http://127.0.0.1:8080/resume/x?a=b#rc=2").is_ok());
    for bad in [
        "bob@pbx.example.test",
        "sip:",
        "sip:bob@",
        "tel:+15005550001",
    ] {
        assert_eq!(SipAddress::new(bad), Err(BadAddress::NotSip), "{bad}");
    }
    assert!(SipAddress::new("sips:pbx.example.test;transport=tls").is_ok());
}

#[test]
fn a_parameter_stays_under_500_characters() {
    assert!(Parameter::new("note", "ü".repeat(495)).is_ok());
    assert_eq!(
        Parameter::new("note", "ü".repeat(496)),
        Err(BadParameter::TooLong {
            name: "note".to_owned(),
            length: 500
        })
    );
    assert_eq!(Parameter::new("", "x"), Err(BadParameter::NoName));
}

#[test]
fn whatever_is_not_known_is_an_error_that_names_it() {
    let within = |verb: &str| {
        parse(&format!("<Response>{verb}</Response>"))
            .unwrap_err()
            .to_string()
    };
    let table = [
        ("<Play>x</Play>", "<Response> must not contain <Play>"),
        ("<say>x</say>", "<Response> must not contain <say>"),
        ("hello", "<Response> must contain no text"),
        ("<Hangup now=\"1\"/>", "<Hangup> has no attribute \"now\""),
        ("<Hangup>x</Hangup>", "<Hangup> must contain no text"),
        ("<Hangup><Say/></Hangup>", "<Hangup> must not contain <Say>"),
        (
            "<Say Voice=\"x\">x</Say>",
            "<Say> has no attribute \"Voice\"",
        ),
        ("<Say><break/></Say>", "<Say> must not contain <break>"),
        (
            "<Say loop=\"+1\">x</Say>",
            "the attribute \"loop\" of <Say> must be a whole number",
        ),
        (
            "<Pause length=\"4294967296\"/>",
            "the attribute \"length\" of <Pause> must be a whole number",
        ),
        (
            "<Reject reason=\"no\"/>",
            "the attribute \"reason\" of <Reject> must be one of rejected, busy",
        ),
        ("<Hangup/><Reject/>", "<Reject> must be the first verb"),
        (
            "<Redirect>/next</Redirect>",
            "the address of <Redirect> (content) is not an absolute URL with a host",
        ),
        (
            "<Redirect method=\"post\">http://a.test/</Redirect>",
            "the attribute \"method\" of <Redirect> must be one of GET, POST",
        ),
        ("<Connect/>", "<Connect> must contain exactly one <Stream>"),
        (
            "<Connect><ConversationRelay/></Connect>",
            "<Connect> must not contain <ConversationRelay>",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/\"/><Stream url=\"wss://a.test/\"/></Connect>",
            "<Connect> must contain exactly one <Stream>",
        ),
        (
            "<Connect><Stream/></Connect>",
            "<Stream> needs the attribute \"url\"",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/?t=1\"/></Connect>",
            "the address of <Stream> (url) must not have a query string: Twilio drops it; use a path segment or a <Parameter>",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/\" audioFormat=\"x\"/></Connect>",
            "<Stream> has no attribute \"audioFormat\"",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/\" track=\"both_tracks\"/></Connect>",
            "the attribute \"track\" of <Stream> must be inbound_track under <Connect> (31941)",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/\"><Hangup/></Stream></Connect>",
            "<Stream> must not contain <Hangup>",
        ),
        (
            "<Connect><Stream url=\"wss://a.test/\"><Parameter name=\"a\"/></Stream></Connect>",
            "<Parameter> needs the attribute \"value\"",
        ),
        ("<Dial/>", "<Dial> must contain somebody to call"),
        (
            "<Dial><Client>x</Client></Dial>",
            "<Dial> must not contain <Client>",
        ),
        (
            "<Dial><Number/></Dial>",
            "<Number> must contain a telephone number",
        ),
        (
            "<Dial><Sip>bob</Sip></Dial>",
            "the address of <Sip> (content) must begin with sip: or sips:, followed by user@host or host",
        ),
        (
            "<Dial><Number statusCallbackEvent=\"ringing done\">1</Number></Dial>",
            "the attribute \"statusCallbackEvent\" of <Number> must be one of initiated, ringing, answered, completed",
        ),
    ];
    for (verb, expected) in table {
        assert_eq!(within(verb), expected, "{verb}");
    }
}

#[test]
fn what_is_not_xml_is_an_error_with_its_place() {
    let table = [
        (
            "",
            "12100: not XML as Twilio takes it, at byte 0: no element",
        ),
        ("<Say>x</Say>", "the root element is <Say>, not <Response>"),
        (
            "<Response/><Response/>",
            "12100: not XML as Twilio takes it, at byte 11: a second root element",
        ),
        (
            "<Response>",
            "12100: not XML as Twilio takes it, at byte 10: the document ends inside an element",
        ),
        (
            "<Response/>x",
            "12100: not XML as Twilio takes it, at byte 11: text outside the root element",
        ),
        (
            "<Response>&bomb;</Response>",
            "12100: not XML as Twilio takes it, at byte 10: the unknown entity &bomb;",
        ),
        (
            "<!DOCTYPE x><Response/>",
            "12100: not XML as Twilio takes it, at byte 0: a document type",
        ),
        (
            "<?php x?><Response/>",
            "12100: not XML as Twilio takes it, at byte 0: a processing instruction",
        ),
        (
            "<Response><Say>\u{8}</Say></Response>",
            "12100: not XML as Twilio takes it, at byte 15: the character U+0008 is illegal in XML 1.0",
        ),
        (
            "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>",
            "12100: not XML as Twilio takes it, at byte 24: elements nested more than 8 deep",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    for text in [
        "<Response></response>",
        "<Response><Say></Response></Say>",
        "<Response><Say a=\"1\" a=\"2\"/></Response>",
        "<Response><Say voice=x/></Response>",
        "<Response><Say>&#0;</Say></Response>",
        "<Response><Say voice=\"&#1;\"/></Response>",
        "<Response><Say voice=\"&x;\"/></Response>",
        "<Response",
    ] {
        assert!(
            parse(text).unwrap_err().to_string().starts_with("12100"),
            "{text}"
        );
    }
    let large = format!(
        "<Response><Say>{}</Say></Response>",
        "a".repeat(MAX_DOCUMENT_BYTES)
    );
    assert!(parse(&large).unwrap_err().to_string().starts_with("11750"));
}

#[test]
fn comments_cdata_and_character_references_are_read() {
    let text = "<Response><!-- a --><Say>A<![CDATA[ < ]]>&#66;&#x43;&amp;</Say>\n<Dial> +15005550009 </Dial></Response>";
    let say = Verb::Say(Say {
        text: "A < BC&".to_owned(),
        ..Say::default()
    });
    let targets = vec![Callee::Number("+15005550009".to_owned()).into()];
    assert_eq!(
        parse(text),
        Ok(vec![
            say,
            Verb::Dial(Dial {
                targets,
                ..Dial::default()
            })
        ])
    );
}

fn text() -> impl Strategy<Value = String> {
    "[ -~\t\n\r\u{85}\u{e9}\u{2028}\u{1f600}&<>\"']{0,12}"
}

fn optional_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn url() -> impl Strategy<Value = Option<WebUrl>> {
    prop::option::of(
        "https://a\\.test/[a-z/?&=%'#\"<>+]{0,10}".prop_map(|url| WebUrl::new(url).unwrap()),
    )
}

fn method() -> impl Strategy<Value = Option<Method>> {
    prop::option::of(prop::sample::select(vec![Method::Get, Method::Post]))
}

fn any_stream() -> impl Strategy<Value = Verb> {
    let parameter = ("[a-zA-Z_ \"&]{1,8}", text())
        .prop_map(|(name, value)| Parameter::new(name, value).unwrap());
    let parameters = prop::collection::vec(parameter, 0..4);
    (
        "wss?://a\\.test/[a-z/&'<>%+]{0,10}",
        optional_text(),
        url(),
        method(),
        parameters,
        url(),
        method(),
    )
        .prop_map(
            |(to, name, status_callback, status_callback_method, parameters, action, method)| {
                let url = StreamUrl::new(to).unwrap();
                let stream = Stream {
                    url,
                    name,
                    status_callback,
                    status_callback_method,
                    parameters,
                };
                Verb::Connect(Connect {
                    stream,
                    action,
                    method,
                })
            },
        )
}

fn any_dial() -> impl Strategy<Value = Verb> {
    let events = prop::sample::subsequence(
        vec![
            CallEvent::Initiated,
            CallEvent::Answered,
            CallEvent::Completed,
        ],
        0..=3,
    );
    let callee = prop_oneof![
        "\\+?[0-9]{3,15}".prop_map(Callee::Number),
        "sip:[a-z]{1,5}@a\\.test(;a=<&>\")?"
            .prop_map(|text| Callee::Sip(SipAddress::new(text).unwrap())),
    ];
    let target =
        (callee, url(), events).prop_map(|(callee, status_callback, status_events)| DialTarget {
            callee,
            status_callback,
            status_events,
        });
    let number = || prop::option::of(any::<u32>());
    let record = prop::option::of(prop::sample::select(vec![
        DialRecord::DoNotRecord,
        DialRecord::FromRinging,
        DialRecord::FromRingingDual,
        DialRecord::FromAnswer,
    ]));
    let first = (
        prop::collection::vec(target, 1..3),
        optional_text(),
        number(),
        number(),
    );
    (first, any::<Option<bool>>(), url(), method(), record, url()).prop_map(
        |(
            (targets, caller_id, timeout_s, time_limit_s),
            answer_on_bridge,
            action,
            method,
            record,
            ready,
        )| {
            Verb::Dial(Dial {
                targets,
                caller_id,
                timeout_s,
                time_limit_s,
                answer_on_bridge,
                action,
                method,
                record,
                recording_status_callback: ready,
            })
        },
    )
}

fn any_verb() -> impl Strategy<Value = Verb> {
    let say = (
        text(),
        optional_text(),
        optional_text(),
        any::<Option<u32>>(),
    )
        .prop_map(|(text, voice, language, repeat)| {
            Verb::Say(Say {
                text,
                voice,
                language,
                repeat,
            })
        });
    let redirect = (url(), method()).prop_filter_map("a redirect needs a url", |(url, method)| {
        url.map(|url| Verb::Redirect { url, method })
    });
    prop_oneof![
        any_stream(),
        any_dial(),
        say,
        redirect,
        Just(Verb::Hangup),
        any::<Option<u32>>().prop_map(|length_s| Verb::Pause { length_s }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_rendered_is_read_back(verbs in prop::collection::vec(any_verb(), 0..4)) {
        let xml = render(&verbs);
        prop_assert_eq!(parse(&xml), Ok(verbs), "{}", xml);
    }

    #[test]
    fn text_of_any_characters_makes_a_document_that_can_be_read(text in any::<String>()) {
        let mut stream = stream("wss://a.test/");
        stream.parameters = vec![Parameter::new("n", text.chars().take(400).collect::<String>()).unwrap()];
        let verbs = parse(&render(&[stream.into(), Verb::Say(Say { text: text.clone(), ..Say::default() })])).unwrap();
        let Verb::Say(say) = &verbs[1] else { panic!("{verbs:?}") };
        let mut left = text.chars();
        prop_assert!(say.text.chars().all(|kept| left.any(|character| character == kept)), "nothing is added");
    }

    #[test]
    fn the_reader_never_panics(text in "(<(/?(Response|Say|Dial|Stream|x)|!--|!\\[CDATA\\[|\\?xml)?( [a-z]{1,3}=[\"'][&#0-9a-z;]{0,5}[\"'])?/?>?|&#?[a-z0-9]{0,3};|]]>|-->|[ a<>&]){0,12}") {
        let _ = parse(&text);
    }
}
