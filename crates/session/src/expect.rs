//! What the recogniser may expect, in the core's words.

use ringback_call::{Expect as Expected, Form};
use ringback_speech::grammar::Expect;

/// How the core waits for what a responder expects.
pub(crate) fn expected((expect, keys): &(Expect, u8)) -> Expected {
    Expected {
        form: form(expect),
        keys: *keys,
    }
}

fn form(expect: &Expect) -> Form {
    match expect {
        Expect::Open | Expect::Keywords(_) => Form::Open,
        Expect::Digits { .. } => Form::Digits,
        Expect::Phrases(_)
        | Expect::YesNo
        | Expect::Number { .. }
        | Expect::Date
        | Expect::Name(_) => Form::Closed,
        Expect::Any(list) => {
            let forms: Vec<_> = list.iter().map(form).collect();
            if forms.contains(&Form::Open) {
                Form::Open
            } else if forms.contains(&Form::Digits) {
                Form::Digits
            } else {
                Form::Closed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beside_a_choice_are_waited_for_as_digits() {
        let digits = Expect::Digits { min: 10, max: 10 };
        assert_eq!(
            form(&Expect::Any(vec![Expect::YesNo, digits.clone()])),
            Form::Digits
        );
        assert_eq!(form(&Expect::Any(vec![Expect::Open, digits])), Form::Open);
        assert_eq!(form(&Expect::YesNo), Form::Closed);
    }
}
