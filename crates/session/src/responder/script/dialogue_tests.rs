//! Whole conversations with the built-in scenarios, written as they are heard.
//!
//! A line is what the caller says (`<`), keys (`#`), or nothing (`~`); the line after it is what the agent answers (`>`).
//! `[end]` and `[transfer TO]` stand where the call ends, `=` names a variable at the end.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use ringback_call::Direction::{self, Inbound, Outbound};

use super::Hearing::{self, DtmfOnly, Speech};
use super::{Answer, End, Said, ScriptRun};
use crate::scenario::{Catalog, Responder, Vars};

fn told(answer: &Answer) -> String {
    let end = match &answer.end {
        None => String::new(),
        Some(End::HangUp) => " [end]".to_owned(),
        Some(End::Transfer(to)) => format!(" [transfer {to}]"),
    };
    format!("> {}{end}", answer.text)
}

pub(super) fn check(slug: &str, direction: Direction, hearing: Hearing, dialogue: &str) {
    check_with(slug, direction, hearing, |_| {}, dialogue);
}

pub(super) fn check_with(
    slug: &str,
    direction: Direction,
    hearing: Hearing,
    set: impl Fn(&mut Vars),
    dialogue: &str,
) {
    let catalog = Catalog::built_in();
    let scenario = catalog.scenario(slug).unwrap();
    let Some(Responder::Script { script }) = scenario.engines.responders.last() else {
        panic!("{slug} has no script");
    };
    let mut vars = scenario.vars(direction, "Compass Group");
    set(&mut vars);
    vars.greeting = scenario.greeting_of(&vars);
    let mut run = ScriptRun::new(Arc::clone(script), vars, hearing);
    let mut heard = vec![told(&run.open())];
    let wanted: Vec<&str> = dialogue
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    for line in &wanted {
        let said = match line.split_at(2.min(line.len())) {
            ("< ", text) => Said {
                text,
                ..Said::default()
            },
            ("# ", digits) => Said {
                digits: Some(digits),
                ..Said::default()
            },
            ("~", _) => Said {
                silence: true,
                ..Said::default()
            },
            _ => continue,
        };
        heard.push((*line).to_owned());
        heard.push(told(&run.answer(&said)));
    }
    heard.extend(
        run.collected()
            .iter()
            .map(|(name, value)| format!("= {name}: {value}").trim_end().to_owned()),
    );
    assert_eq!(heard.join("\n"), wanted.join("\n"), "{slug}");
}

#[test]
fn a_guest_gives_feedback_and_a_number() {
    check("guest-relations", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group. I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.
        < i would like to give feedback
        > What would you like to talk about? You can say food quality, service, cleanliness, wait time, or something else.
        < the food
        > How would you rate the food quality, from one to five? Five is the best.
        < two
        > I am sorry to hear that. We will look into the food quality. Would you like one of our team members to call you back about it?
        < yes
        > Which number is best? Say or enter it, and press pound. Or say, this number.
        < five five five one two three four
        > I heard 5 5 5 1 2 3 4. Is that right?
        < no
        > Let us try that again. Which number is best? Say or enter it, and press pound. Or say, this number.
        # 5551235#
        > I heard 5 5 5 1 2 3 5. Is that right?
        < yes
        > Thank you. One of our team members will call you back. We look forward to seeing you again. Have a great day. Goodbye. [end]
        = call_back: yes
        = number: 5551235
        = rating: 2
        = request: feedback
        = subject: the food quality
        = topic: food quality
        = wants_call_back: yes
    ");
}

#[test]
fn a_guest_who_was_called_is_asked_for_a_moment_first() {
    check("guest-relations", Outbound, Speech, "
        > Hello! This is calling from Compass Group's Guest Relations team. I hope this is not a bad moment. We would like to follow up on your recent experience with us. Do you have a minute?
        < yes
        > Thank you. What would you like to talk about? You can say food quality, service, cleanliness, wait time, or something else.
        < something else
        > How would you rate your visit, from one to five? Five is the best.
        < five
        > That is wonderful. I will tell the team. Would you like one of our team members to call you back about it?
        < no
        > Thank you for helping us do better. We look forward to seeing you again. Have a great day. Goodbye. [end]
        = has_time: yes
        = rating: 5
        = subject: your visit
        = topic: something else
        = wants_call_back: no
    ");
    check("guest-relations", Outbound, Speech, "
        > Hello! This is calling from Compass Group's Guest Relations team. I hope this is not a bad moment. We would like to follow up on your recent experience with us. Do you have a minute?
        < no
        > No problem. May we call you another time?
        < yes
        > I will pass that on. Thank you, and have a great day. Goodbye. [end]
        = call_again: yes
        = has_time: no
    ");
}

#[test]
fn a_guest_can_do_everything_by_keypad() {
    check("guest-relations", Inbound, DtmfOnly, "
        > Hello! Thank you for calling Compass Group. I can take your feedback about our food and services. How can I help you today? Press 1 for feedback, or 2 for a call back.
        # 1
        > What would you like to talk about? Press 1 for food quality, 2 for service, 3 for cleanliness, 4 for wait time, or 5 for something else.
        # 7
        > Sorry, I did not catch that. What would you like to talk about? Press 1 for food quality, 2 for service, 3 for cleanliness, 4 for wait time, or 5 for something else.
        # 4
        > How would you rate the wait time, from one to five? Five is the best. Press a number from 1 to 5.
        # 3
        > Thank you. That helps us do better. Would you like one of our team members to call you back about it? Press 1 for yes, or 2 for no.
        # 1
        > Which number is best? Enter the digits on your keypad, then press pound. Press 1 for this number.
        # 1
        > Thank you. One of our team members will call you back. We look forward to seeing you again. Have a great day. Goodbye. [end]
        = call_back: yes
        = number: this number
        = rating: 3
        = request: feedback
        = subject: the wait time
        = topic: wait time
        = wants_call_back: yes
    ");
}

#[test]
fn a_guest_who_asks_for_a_person_is_called_back_or_put_through() {
    let open = "
        > Hello! Thank you for calling Compass Group. I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.
    ";
    check("guest-relations", Inbound, Speech, &format!("{open}
        < speak to a person
        > I am an automated assistant, but one of our team members will gladly call you back. Which number is best? Say or enter it, and press pound. Or say, this number.
        < this number
        > Thank you. One of our team members will call you back. We look forward to seeing you again. Have a great day. Goodbye. [end]
        = call_back: yes
        = number: this number
    "));
    let number = |vars: &mut Vars| vars.set("transfer_to", "+15005550006");
    check_with(
        "guest-relations",
        Inbound,
        Speech,
        number,
        &format!(
            "{open}
        # 0
        > One moment, please. I will put you through. [transfer +15005550006]
        < wait
        > One moment, please. I will put you through. [transfer +15005550006]
    "
        ),
    );
}

#[test]
fn a_guest_who_is_not_understood_or_silent_is_helped_and_then_let_go() {
    check("guest-relations", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group. I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.
        < banana
        > Sorry, I did not catch that. Would you like to give feedback, or get a call back?
        < repeat that
        > I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.
        ~
        > Are you still there? Would you like to give feedback, or get a call back? Press 1 for feedback, or 2 for a call back.
        ~
        > I am sorry, I am having trouble hearing you. Please call us again, or speak to a member of our team when you visit. Goodbye. [end]
        < hello
        > Goodbye. [end]
    ");
    check("guest-relations", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group. I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.
        < goodbye
        > We look forward to seeing you again. Have a great day. Goodbye. [end]
    ");
}

#[test]
fn an_appointment_is_confirmed_moved_or_cancelled() {
    let table = |vars: &mut Vars| vars.set("appointment", "your table for two on friday at seven");
    check_with("appointment-reminder", Outbound, Speech, table, "
        > Hello! This is Compass Group with a reminder of your table for two on friday at seven. Will you be able to come? You can say yes, another time, or cancel.
        < yes please
        > Wonderful. We look forward to seeing you. Goodbye. [end]
        = answer: yes
        = status: confirmed
    ");
    check("appointment-reminder", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group. This is about your coming appointment. Will you be able to come? You can say yes, another time, or cancel.
        < no
        > Would you like another time, or shall we cancel?
        < another time
        > Which day suits you better? You can say tomorrow, next monday, or a date.
        < banana
        > Sorry, I did not catch that. Please name a day, as next monday, or the third of march.
        < tomorrow
        > In the morning, or in the afternoon?
        < in the afternoon
        > Thank you. I have noted tomorrow, in the afternoon. We will call you to confirm it. Goodbye. [end]
        = answer: another time
        = day: tomorrow
        = part_of_day: the afternoon
        = status: moved
    ");
}

#[test]
fn an_appointment_is_moved_by_keypad() {
    check("appointment-reminder", Outbound, DtmfOnly, "
        > Hello! This is Compass Group with a reminder of your coming appointment. Will you be able to come? Press 1 for yes, 2 for another time, or 3 for cancel.
        # 3
        > Shall I cancel your coming appointment? Press 1 for yes, or 2 for no.
        # 2
        > Will you be able to come? Press 1 for yes, 2 for another time, or 3 for cancel.
        # 2
        > Which day suits you better? Enter the month and the day as 4 digits.
        # 0303
        > In the morning, or in the afternoon? Press 1 for the morning, or 2 for the afternoon.
        # 1
        > Thank you. I have noted March 3, in the morning. We will call you to confirm it. Goodbye. [end]
        = answer: another time
        = day: March 3
        = part_of_day: the morning
        = status: moved
    ");
}

#[test]
fn a_survey_is_taken_by_voice_and_by_keypad() {
    check("survey", Outbound, Speech, "
        > Hello! This is Compass Group with a short survey about your last visit. There are four questions, and they take one minute. Shall we begin?
        < yes
        > How did you like the food, from one to five? Five is the best.
        < seven
        > Sorry, I did not catch that. Please rate the food with a number from one to five.
        < two
        > Thank you. And the service, from one to five?
        < four
        > Would you recommend us to a friend?
        < yes
        > Last question. What should we improve first? You can say the food, the service, the prices, or nothing.
        < the prices
        > Thank you. I am sorry that we did not do better, and I will pass that on. Goodbye. [end]
        = food: 2
        = improve: the prices
        = recommend: yes
        = service: 4
        = sorry: yes
        = status: complete
    ");
    check("survey", Inbound, DtmfOnly, "
        > Hello! Thank you for calling Compass Group's survey line. There are four questions, and they take one minute. Shall we begin? Press 1 for yes, or 2 for no.
        # 1
        > How did you like the food, from one to five? Five is the best. Press a number from 1 to 5.
        # 5
        > Thank you. And the service, from one to five? Press a number from 1 to 5.
        # 4
        > Would you recommend us to a friend? Press 1 for yes, or 2 for no.
        # 2
        > Last question. What should we improve first? Press 1 for the food, 2 for the service, 3 for the prices, or 4 for nothing.
        # 4
        > Thank you. We are glad that you took the time. Goodbye. [end]
        = food: 5
        = improve: nothing
        = recommend: no
        = service: 4
        = status: complete
    ");
    check("survey", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group's survey line. There are four questions, and they take one minute. Shall we begin?
        < no
        > No problem. Thank you, and have a good day. Goodbye. [end]
        = status: declined
    ");
}
