//! Whole conversations with the scenarios for the front desk, sales, check in and the help desk, written as in `dialogue_tests`.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use ringback_call::Direction::{Inbound, Outbound};

use super::Hearing::{DtmfOnly, Speech};
use super::dialogue_tests::{check, check_with};
use crate::scenario::destination::is_destination;
use crate::scenario::{Origin, Vars, built_in, built_in_slugs, parse};

#[test]
fn the_front_desk_takes_a_message_where_nobody_can_be_reached() {
    check("front-desk", Inbound, Speech, "
        > Hello! Thank you for calling Compass Group. How can I direct your call? You can say sales, support, billing, or a person.
        < i have a question about my bill
        > I cannot put you through to the billing team right now. May I take a message, so that they call you back?
        < yes please
        > What is it about? Please tell me in a few words.
        < the invoice of march is too high
        > Which number shall we call? Say or enter it, and press pound. Or say, this number.
        # 5551234#
        > I heard 5 5 5 1 2 3 4. Is that right?
        < yes
        > When is a good time to call? You can say in the morning, in the afternoon, or at any time.
        < in the morning
        > Thank you. I will pass your message on, and someone from the billing team will call you back, in the morning. Have a good day. Goodbye. [end]
        = call_back: yes
        = message: the invoice of march is too high
        = number: 5551234
        = team: the billing team
        = time: in the morning
        = wanted: billing
    ");
    check("front-desk", Outbound, DtmfOnly, "
        > Hello! This is the front desk of Compass Group, returning your call. How can I direct your call? Press 1 for sales, 2 for support, 3 for billing, or 4 for a person.
        # 2
        > I cannot put you through to the support team right now. May I take a message, so that they call you back? Press 1 for yes, or 2 for no.
        # 2
        > Would you like another team? Press 1 for yes, or 2 for no.
        # 1
        > How can I direct your call? Press 1 for sales, 2 for support, 3 for billing, or 4 for a person.
        # 0
        > I cannot put you through to our staff right now. May I take a message, so that they call you back? Press 1 for yes, or 2 for no.
        # 1
        > What is it about? Please tell me in a few words. Press pound to go on.
        # #
        > Which number shall we call? Enter the digits on your keypad, then press pound. Press 1 for this number.
        # 1
        > When is a good time to call? Press 1 for in the morning, 2 for in the afternoon, or 3 for at any time.
        # 3
        > Thank you. I will pass your message on, and someone from our staff will call you back, at any time. Have a good day. Goodbye. [end]
        = call_back: yes
        = message:
        = number: this number
        = team: our staff
        = time: at any time
        = wanted: support
    ");
}

#[test]
fn the_front_desk_puts_callers_through_to_the_teams_that_have_a_number() {
    let open = "> Hello! Thank you for calling Compass Group. How can I direct your call? You can say sales, support, billing, or a person.";
    let sales = |vars: &mut Vars| vars.set("transfer_to_sales", "+15005550006");
    check_with(
        "front-desk",
        Inbound,
        Speech,
        sales,
        &format!(
            "{open}
        < i would like an offer
        > One moment, please. I will put you through to the sales team. [transfer +15005550006]
        = team: the sales team
        = wanted: sales
    "
        ),
    );
    check_with(
        "front-desk",
        Inbound,
        Speech,
        sales,
        &format!("{open}
        < support
        > I cannot put you through to the support team right now. May I take a message, so that they call you back?
        < no
        > Would you like another team?
        < no
        > Have a good day. Goodbye. [end]
        = team: the support team
        = wanted: support
    "),
    );
    let desk = |vars: &mut Vars| vars.set("transfer_to", "sip:desk@example.com");
    check_with(
        "front-desk",
        Inbound,
        Speech,
        desk,
        &format!("{open}
        ~
        > Are you still there? Would you like sales, support, billing, or a person?
        < banana
        > Sorry, I did not catch that. Would you like sales, support, billing, or a person? Press 1 for sales, 2 for support, 3 for billing, or 4 for a person.
        < banana
        > I am sorry, I am having trouble hearing you. One moment, please. I will put you through. [transfer sip:desk@example.com]
    "),
    );
}

#[test]
fn the_settings_that_stand_in_the_files_as_comments_can_be_used_as_they_stand() {
    let mut tables = Vec::new();
    for slug in built_in_slugs() {
        let used: Vec<&str> = built_in(slug)
            .unwrap()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.starts_with('[') || setting.contains(" = \"") => setting,
                Some(_) | None => line,
            })
            .collect();
        let (scenario, warnings) = parse(&used.join("\n"), &Origin::text(slug)).unwrap();
        assert_eq!(warnings, [], "{slug}");
        let vars = scenario.vars(Inbound, "Compass Group");
        for name in [
            "transfer_to",
            "transfer_to_sales",
            "transfer_to_support",
            "transfer_to_billing",
        ] {
            if let Some(to) = vars.value(name) {
                assert!(is_destination(to));
                tables.push(format!("{slug} {name}"));
            }
        }
    }
    assert_eq!(
        tables.join(", "),
        "guest-relations transfer_to, front-desk transfer_to, front-desk transfer_to_sales, \
        front-desk transfer_to_support, front-desk transfer_to_billing, lead-qualification transfer_to, check-in transfer_to, \
        it-support transfer_to"
    );
}

#[test]
fn a_lead_says_what_it_needs_and_when_it_may_be_called() {
    check("lead-qualification", Outbound, Speech, "
        > Hello! This is Compass Group. You asked us about our services. Do you have two minutes for four short questions?
        < yes
        > Thank you. What are you looking for? You can say something new, a replacement, advice, or only prices.
        < we want to change
        > How many people work at your company? You can say just me, up to ten, up to fifty, up to five hundred, or more than that.
        < about twenty
        > When would you like to start? You can say right away, in three months, later, or not decided.
        < next month
        > And which budget do you have in mind? You can say under ten thousand, up to fifty thousand, more than fifty thousand, or not decided.
        < i would rather not say
        > You are looking for a replacement. Company size, up to fifty. Start, right away. Budget, not decided. Is that right?
        < yes
        > Thank you. May one of our team call you back?
        < yes
        > Which number is best? Say or enter it, and press pound. Or say, this number.
        < this number
        > On which day shall we call? You can say tomorrow, next monday, or a date.
        < tomorrow
        > In the morning, or in the afternoon?
        < the afternoon
        > We will call you tomorrow, in the afternoon. Is that right?
        < yes
        > Thank you. I have noted that. Goodbye. [end]
        = budget: not decided
        = call_back: tomorrow, in the afternoon
        = day: tomorrow
        = has_time: yes
        = may_call: yes
        = need: a replacement
        = number: this number
        = part_of_day: in the afternoon
        = size: up to fifty
        = status: qualified
        = timing: right away
    ");
    check("lead-qualification", Outbound, Speech, "
        > Hello! This is Compass Group. You asked us about our services. Do you have two minutes for four short questions?
        < i am not interested
        > Of course. I will note that. Thank you for your time. Goodbye. [end]
        = status: not interested
    ");
}

#[test]
fn a_lead_answers_by_keypad_and_corrects_what_was_noted() {
    let noted = "You are looking for something new. Company size, just me. Start, later. Budget, under ten thousand. Is that right? Press 1 for yes, or 2 for no.";
    let need = "What are you looking for? Press 1 for something new, 2 for a replacement, 3 for advice, or 4 for only prices.";
    let rest = "
        # 1
        > How many people work at your company? Press 1 for just me, 2 for up to ten, 3 for up to fifty, 4 for up to five hundred, or 5 for more than that.
        # 1
        > When would you like to start? Press 1 for right away, 2 for in three months, 3 for later, or 4 for not decided.
        # 3
        > And which budget do you have in mind? Press 1 for under ten thousand, 2 for up to fifty thousand, 3 for more than fifty thousand, or 4 for not decided.
        # 1
    ";
    check("lead-qualification", Inbound, DtmfOnly, &format!("
        > Hello! Thank you for calling Compass Group about our services. I have four short questions, so that the right person can call you. {need}
        {rest}
        > {noted}
        # 2
        > I am sorry. Let us go through it once more. {need}
        {rest}
        > {noted}
        # 1
        > Thank you. May one of our team call you back? Press 1 for yes, or 2 for no.
        # 2
        > I will note that. Thank you for your time. Goodbye. [end]
        = budget: under ten thousand
        = may_call: no
        = need: something new
        = size: just me
        = status: qualified
        = timing: later
    "));
}

#[test]
fn a_medication_is_reported_and_side_effects_lead_to_a_person() {
    let doses = "
        < yes
        > How many doses have you taken today?
        < two
        > I heard 2. Is that right?
        < yes
        > Do you have any side effects?
    ";
    check("check-in", Inbound, Speech, &format!("
        > Hello! This is the check in line of Compass Group. What are you checking in for? You can say my medication, a visit, or my shift.
        < my medication
        > Have you taken your medication today?
        {doses}
        < no
        > Thank you. I have noted it for today. Take care. Goodbye. [end]
        = check_in: my medication
        = doses: 2
        = side_effects: no
        = status: complete
        = taken: yes
    "));
    let set = |vars: &mut Vars| {
        vars.set("purpose", "medication");
        vars.set("transfer_to", "+15005550006");
    };
    check_with("check-in", Outbound, Speech, set, &format!("
        > Hello! This is Compass Group, calling for your check in. Is this a good moment?
        < yes
        > Have you taken your medication today?
        {doses}
        < yes
        > I am sorry to hear that. In an emergency, please hang up and call your emergency number. Would you like to talk to a person about it?
        < yes
        > One moment, please. I will put you through. [transfer +15005550006]
        = doses: 2
        = side_effects: yes
        = taken: yes
        = wants_person: yes
    "));
}

#[test]
fn a_visitor_arrives_with_and_without_an_appointment() {
    check("check-in", Inbound, Speech, "
        > Hello! This is the check in line of Compass Group. What are you checking in for? You can say my medication, a visit, or my shift.
        < i have an appointment
        > Are you a patient, or a visitor?
        < i am a patient
        > Do you have an appointment?
        < yes
        > At what hour is it? Say the full hour, a number from one to twelve.
        < three
        > In the morning, or in the afternoon?
        < in the afternoon
        > Your appointment is at 3 in the afternoon. Is that right?
        < yes
        > Thank you. I will let the team know that you are here. Please take a seat. Goodbye. [end]
        = appointment: yes
        = check_in: a visit
        = hour: 3
        = part_of_day: in the afternoon
        = status: arrived
        = visitor: a patient
    ");
    check("check-in", Inbound, DtmfOnly, "
        > Hello! This is the check in line of Compass Group. What are you checking in for? Press 1 for my medication, 2 for a visit, or 3 for my shift.
        # 2
        > Are you a patient, or a visitor? Press 1 for a patient, or 2 for a visitor.
        # 2
        > Do you have an appointment? Press 1 for yes, or 2 for no.
        # 2
        > That is fine. Thank you. I will let the team know that you are here. Please take a seat. Goodbye. [end]
        = appointment: no
        = check_in: a visit
        = status: arrived
        = visitor: a visitor
    ");
}

#[test]
fn an_employee_reports_a_shift_by_keypad_and_asks_for_help_by_voice() {
    check("check-in", Inbound, DtmfOnly, "
        > Hello! This is the check in line of Compass Group. What are you checking in for? Press 1 for my medication, 2 for a visit, or 3 for my shift.
        # 3
        > Is this the start of your shift, or the end? Press 1 for the start, or 2 for the end.
        # 1
        > What is your employee number? Enter the digits on your keypad, then press pound.
        # 0417#
        > I have 0 4 1 7. Is that right? Press 1 for yes, or 2 for no.
        # 1
        > Are you safe and well? Press 1 for yes, or 2 for no.
        # 1
        > Thank you. I have noted the start of your shift. Goodbye. [end]
        = check_in: my shift
        = employee_number: 0417
        = safe: yes
        = shift: the start
        = status: complete
    ");
    let purpose = |vars: &mut Vars| vars.set("purpose", "employee");
    check_with("check-in", Inbound, Speech, purpose, "
        > Hello! This is the check in line of Compass Group. Is this the start of your shift, or the end?
        < the end of my shift
        > What is your employee number? Enter it on your keypad, and press pound. Or say it digit by digit.
        < four one seven
        > I have 4 1 7. Is that right?
        < yes
        > Are you safe and well?
        < no
        > I am sorry to hear that. In an emergency, please hang up and call your emergency number. Would you like to talk to a person now?
        < yes
        > I cannot put you through right now, but one of us will call you back as soon as possible. Which number shall we call? Say or enter it, and press pound. Or say, this number.
        < this number
        > Thank you. One of us will call you back as soon as possible. Take care. Goodbye. [end]
        = call_back: yes
        = employee_number: 417
        = number: this number
        = safe: no
        = shift: the end
        = wants_person: yes
    ");
}

#[test]
fn the_help_desk_tries_what_often_helps_and_hands_over_with_the_ticket() {
    check("it-support", Inbound, Speech, "
        > Hello! This is the help desk of Compass Group. What can I help you with? You can say a password, an outage, a device, or an open ticket.
        < the printer does not work
        > Which device is it? You can say the computer, the printer, the telephone, or the screen.
        < the printer
        > I understand, the printer. Did you switch it off and on again?
        < no
        > Please switch it off, wait ten seconds, and switch it on again. Take your time. Does it work now?
        < yes
        > I am glad to hear that. Goodbye. [end]
        = problem: a device
        = status: solved
        = what: the printer
        = works: yes
    ");
    let desk = |vars: &mut Vars| vars.set("transfer_to", "+15005550006");
    check_with("it-support", Inbound, Speech, desk, "
        > Hello! This is the help desk of Compass Group. What can I help you with? You can say a password, an outage, a device, or an open ticket.
        < the internet is down
        > What does not work? You can say the internet, the email, the telephone, or a program.
        < the internet
        > I understand, the internet. Are other people affected as well?
        < yes
        > Can you still work?
        < no
        > I will mark it as urgent. Do you have a ticket number for this?
        < yes
        > What is the ticket number? Enter it on your keypad, and press pound. Or say it digit by digit.
        # 20417#
        > I have 2 0 4 1 7. Is that right?
        < yes
        > One moment, please. I will put you through to one of our technicians. [transfer +15005550006]
        = can_work: no
        = others_affected: yes
        = problem: an outage
        = ticket: 20417
        = urgent: yes
        = what: the internet
    ");
}

#[test]
fn the_help_desk_calls_back_about_a_password_and_asks_whether_a_request_is_done() {
    check("it-support", Outbound, DtmfOnly, "
        > Hello! This is the help desk of Compass Group, about your request. Is your problem solved? Press 1 for yes, or 2 for no.
        # 2
        > I am sorry to hear that. What can I help you with? Press 1 for a password, 2 for an outage, 3 for a device, or 4 for an open ticket.
        # 1
        > Is it for your computer, your email, or something else? Press 1 for your computer, 2 for your email, or 3 for another account.
        # 2
        > The password of your email. Did you try the link, forgot my password, on the sign in page? Press 1 for yes, or 2 for no.
        # 1
        > Do you have a ticket number for this? Press 1 for yes, or 2 for no.
        # 2
        > I have noted it as a new request. One of our technicians will call you back. Which number shall we call? Enter the digits on your keypad, then press pound. Press 1 for this number.
        # 5551234#
        > I heard 5 5 5 1 2 3 4. Is that right? Press 1 for yes, or 2 for no.
        # 1
        > Thank you. One of our technicians will call you back. Goodbye. [end]
        = call_back: yes
        = number: 5551234
        = problem: a password
        = ticket: new
        = what: your email
    ");
    check(
        "it-support",
        Outbound,
        Speech,
        "
        > Hello! This is the help desk of Compass Group, about your request. Is your problem solved?
        < yes
        > I am glad to hear that. Goodbye. [end]
        = status: solved
    ",
    );
}
