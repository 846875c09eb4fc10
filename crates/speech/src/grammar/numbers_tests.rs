//! Numbers and digits as people say and type them.

use proptest::prelude::*;

use super::super::words::words;
use super::*;

fn check_number(text: &str, expected: impl Into<Option<i64>>) {
    assert_eq!(number(&words(text)), expected.into(), "{text}");
}

fn check_digits(text: &str, expected: impl Into<Option<&'static str>>) {
    assert_eq!(digits(&words(text)).as_deref(), expected.into(), "{text}");
}

#[test]
fn numbers_are_understood_in_words_and_figures() {
    check_number("zero", 0);
    check_number("seven", 7);
    check_number("twenty five", 25);
    check_number("twenty-five", 25);
    check_number("one hundred and twelve", 112);
    check_number("a hundred", 100);
    check_number("hundred", 100);
    check_number("three thousand four hundred and seven", 3407);
    check_number("a thousand and one", 1001);
    check_number(
        "nine hundred ninety nine thousand nine hundred ninety nine",
        999_999,
    );
    check_number("minus five", -5);
    check_number("-5", -5);
    check_number("42", 42);
    check_number("4 2", 42);
    check_number("four two", 42);
    check_number("one oh five", 105);
    check_number("1,204", 1204);
    check_number("2 thousand", 2000);
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "a",
        "and",
        "hundred and",
        "twenty twenty",
        "five twenty",
        "ten five",
        "one thousand thousand",
        "and five",
        "seven cats",
        "a five",
    ] {
        check_number(text, None);
    }
}

#[test]
fn digits_are_understood_as_people_read_them_out() {
    check_digits("four two seven one", "4271");
    check_digits("nine oh five three eight", "90538");
    check_digits("double four triple two", "44222");
    check_digits("eight hundred five five five", "800555");
    check_digits("twenty five nineteen", "2519");
    check_digits("twenty oh five", "2005");
    check_digits("4271", "4271");
    check_digits("4 2 7 1", "4271");
    check_digits("555-0100", "5550100");
    check_digits("", None);
    check_digits("double", None);
    check_digits("double twenty", None);
    check_digits("hundred", None);
    check_digits("four seven cats", None);
}

#[test]
fn a_fixed_count_of_digits_is_unrolled() {
    assert_eq!(digits_expansion(1, 1), "<digit>");
    assert!(digits_expansion(2, 3).starts_with("<digit> <digit> [<digit>] | "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_number_spelt_out_is_understood_as_itself(value in 0u32..1_000_000) {
        prop_assert_eq!(number(&spell(value)), Some(i64::from(value)));
        prop_assert_eq!(number(&[value.to_string()]), Some(i64::from(value)));
    }

    #[test]
    fn digits_spelt_out_are_understood_as_themselves(text in "[0-9]{1,20}") {
        let spelt: Vec<String> = text.bytes().map(|byte| digit(byte).to_string()).collect();
        let understood = digits(&spelt);
        prop_assert_eq!(understood.as_deref(), Some(text.as_str()));
        prop_assert_eq!(digits(std::slice::from_ref(&text)), Some(text));
    }
}
