//! What symbols are called.

/// The names of symbols in one language.
pub(super) struct Words {
    pub(super) dot: &'static str,
    pub(super) at: &'static str,
    pub(super) slash: &'static str,
    pub(super) dash: &'static str,
    pub(super) underscore: &'static str,
    pub(super) colon: &'static str,
    pub(super) plus: &'static str,
    pub(super) minus: &'static str,
    pub(super) equals: &'static str,
    pub(super) and: &'static str,
    pub(super) number: &'static str,
    pub(super) percent: &'static str,
    pub(super) times: &'static str,
    pub(super) currencies: [Currency; 3],
    /// Words after an amount that belong to its number.
    pub(super) scales: &'static [&'static str],
}

/// The names of a currency.
pub(super) struct Currency {
    pub(super) symbol: char,
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// Between whole and hundredths, with its spaces.
    pub(super) joint: &'static str,
    /// One hundredth and many, after the whole; empty where they are not named there.
    pub(super) after: [&'static str; 2],
    /// One hundredth and many, alone.
    pub(super) alone: [&'static str; 2],
}

impl Words {
    /// The words of the language of a tag, where they are known.
    pub(super) fn of(language: &str) -> Option<&'static Self> {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(&ENGLISH),
            "de" => Some(&GERMAN),
            "es" => Some(&SPANISH),
            _ => None,
        }
    }

    pub(super) fn currency(&self, symbol: char) -> Option<&Currency> {
        self.currencies
            .iter()
            .find(|currency| currency.symbol == symbol)
    }
}

const fn english(
    symbol: char,
    one: &'static str,
    many: &'static str,
    alone: [&'static str; 2],
) -> Currency {
    Currency {
        symbol,
        one,
        many,
        joint: " and ",
        after: alone,
        alone,
    }
}

static ENGLISH: Words = Words {
    dot: "dot",
    at: "at",
    slash: "slash",
    dash: "dash",
    underscore: "underscore",
    colon: "colon",
    plus: "plus",
    minus: "minus",
    equals: "equals",
    and: "and",
    number: "number",
    percent: "percent",
    times: "times",
    currencies: [
        english('$', "dollar", "dollars", ["cent", "cents"]),
        english('€', "euro", "euros", ["cent", "cents"]),
        english('£', "pound", "pounds", ["penny", "pence"]),
    ],
    scales: &["thousand", "million", "billion", "trillion"],
};

const fn german(symbol: char, name: &'static str, alone: [&'static str; 2]) -> Currency {
    Currency {
        symbol,
        one: name,
        many: name,
        joint: " ",
        after: ["", ""],
        alone,
    }
}

static GERMAN: Words = Words {
    dot: "Punkt",
    at: "at",
    slash: "Schrägstrich",
    dash: "Bindestrich",
    underscore: "Unterstrich",
    colon: "Doppelpunkt",
    plus: "plus",
    minus: "minus",
    equals: "gleich",
    and: "und",
    number: "Nummer",
    percent: "Prozent",
    times: "mal",
    currencies: [
        german('$', "Dollar", ["Cent", "Cent"]),
        german('€', "Euro", ["Cent", "Cent"]),
        german('£', "Pfund", ["Penny", "Pence"]),
    ],
    scales: &["Tausend", "Million", "Millionen", "Milliarde", "Milliarden"],
};

const fn spanish(
    symbol: char,
    one: &'static str,
    many: &'static str,
    alone: [&'static str; 2],
) -> Currency {
    Currency {
        symbol,
        one,
        many,
        joint: " con ",
        after: ["", ""],
        alone,
    }
}

static SPANISH: Words = Words {
    dot: "punto",
    at: "arroba",
    slash: "barra",
    dash: "guion",
    underscore: "guion bajo",
    colon: "dos puntos",
    plus: "más",
    minus: "menos",
    equals: "igual a",
    and: "y",
    number: "número",
    percent: "por ciento",
    times: "por",
    currencies: [
        spanish('$', "dólar", "dólares", ["centavo", "centavos"]),
        spanish('€', "euro", "euros", ["céntimo", "céntimos"]),
        spanish('£', "libra", "libras", ["penique", "peniques"]),
    ],
    scales: &["mil", "millón", "millones"],
};
