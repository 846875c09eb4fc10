//! What the callers are asked and say.

use ringback_speech::grammar::Expect;

/// A question with answers that are expected.
pub struct Question {
    pub name: &'static str,
    pub expect: Expect,
    pub answers: &'static [&'static str],
}

pub fn questions() -> Vec<Question> {
    let phrases = |list: &[&str]| Expect::Phrases(list.iter().map(ToString::to_string).collect());
    vec![
        Question {
            name: "yes or no",
            expect: Expect::YesNo,
            answers: YES_OR_NO,
        },
        Question {
            name: "a number from 1 to 10",
            expect: Expect::Number { min: 1, max: 10 },
            answers: TO_TEN,
        },
        Question {
            name: "a number up to 999,999",
            expect: Expect::Number {
                min: 0,
                max: 999_999,
            },
            answers: TO_A_MILLION,
        },
        Question {
            name: "four digits",
            expect: Expect::Digits { min: 4, max: 4 },
            answers: FOUR_DIGITS,
        },
        Question {
            name: "a day",
            expect: Expect::Date,
            answers: DAYS,
        },
        Question {
            name: "eight phrases",
            expect: phrases(&[
                "[i would like to] leave feedback",
                "[i want to] [speak to] a manager",
                "the food was cold",
                "call me back",
                "opening hours",
                "[i want to] cancel [my] order",
                "the staff (was | were) friendly",
                "something else",
            ]),
            answers: EIGHT,
        },
        Question {
            name: "twelve phrases",
            expect: phrases(TWELVE),
            answers: TWELVE,
        },
    ]
}

const YES_OR_NO: &[&str] = &[
    "yes",
    "no",
    "yes please",
    "no thank you",
    "yeah",
    "nope",
    "that is correct",
    "i don't think so",
    "sure",
    "not really",
];
const TO_TEN: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "i would say nine",
    "ten please",
];
const TO_A_MILLION: &[&str] = &[
    "twelve",
    "twenty five",
    "one hundred and twelve",
    "three thousand four hundred and seven",
    "ninety nine",
    "six hundred",
    "forty two thousand",
    "eight hundred and fifty",
    "two thousand and one",
    "seventy",
];
const FOUR_DIGITS: &[&str] = &[
    "four two seven one",
    "nine oh five three",
    "one one eight six",
    "zero zero seven two",
    "five three nine four",
    "six eight two one",
    "double four one two",
    "three six nine oh",
    "two two four eight",
    "eight one five seven",
];
const DAYS: &[&str] = &[
    "today",
    "tomorrow",
    "next monday",
    "friday",
    "march third",
    "the third of march",
    "the day after tomorrow",
    "december twenty first",
    "the ninth",
    "on july fourth please",
];
const EIGHT: &[&str] = &[
    "i would like to leave feedback",
    "i want to speak to a manager",
    "the food was cold",
    "call me back please",
    "opening hours",
    "cancel my order",
    "the staff were friendly",
    "something else",
    "um leave feedback",
    "a manager please",
];

const TWELVE: &[&str] = &[
    "i would like a table for tonight",
    "i have a question about my order",
    "i want to speak about the service",
    "early in the morning",
    "in the afternoon",
    "late in the evening",
    "yes please",
    "no thank you",
    "it does not matter",
    "send me a letter",
    "call me back tomorrow",
    "nothing at all",
];

/// What answers none of them.
pub const UNEXPECTED: &[&str] = &[
    "what is the weather like in the mountains",
    "my dog ate the newspaper",
    "the train to london leaves at noon",
    "can you hear me",
    "please hold the line",
    "i bought a green bicycle",
    "purple elephants dance",
    "how much does it cost",
    "where are you located",
    "the children are playing in the garden",
    "he opened the window",
    "have you seen the new movie",
    "this music is very loud",
    "a friend of mine lives in paris",
    "hello",
    "what did you say",
    "winter is cold",
    "she sells sea shells",
    "take the second street on the left",
    "nothing works on this computer",
    "um well you see",
    "water",
    "banana",
    "excuse me",
    "who is speaking",
];
