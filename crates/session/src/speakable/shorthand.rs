//! Abbreviations and units, written out in German and Spanish.

use ringback_speech::language::Language;

/// As it is written, as it is said.
type Abbreviation = (&'static str, &'static str);
/// As it is written behind a number, one of it, many of it.
type Unit = (&'static str, &'static str, &'static str);

const GERMAN: [Abbreviation; 27] = [
    ("z. B.", "zum Beispiel"),
    ("z.B.", "zum Beispiel"),
    ("d. h.", "das heißt"),
    ("d.h.", "das heißt"),
    ("u. a.", "unter anderem"),
    ("u.a.", "unter anderem"),
    ("bzw.", "beziehungsweise"),
    ("ca.", "circa"),
    ("Dr.", "Doktor"),
    ("evtl.", "eventuell"),
    ("ggf.", "gegebenenfalls"),
    ("Hr.", "Herr"),
    ("inkl.", "inklusive"),
    ("max.", "maximal"),
    ("mind.", "mindestens"),
    ("Min.", "Minuten"),
    ("Mio.", "Millionen"),
    ("Mrd.", "Milliarden"),
    ("MwSt.", "Mehrwertsteuer"),
    ("Nr.", "Nummer"),
    ("Prof.", "Professor"),
    ("St.", "Sankt"),
    ("Std.", "Stunden"),
    ("Str.", "Straße"),
    ("Tel.", "Telefon"),
    ("usw.", "und so weiter"),
    ("zzgl.", "zuzüglich"),
];
const SPANISH: [Abbreviation; 23] = [
    ("p. ej.", "por ejemplo"),
    ("p.ej.", "por ejemplo"),
    ("EE. UU.", "Estados Unidos"),
    ("EE.UU.", "Estados Unidos"),
    ("aprox.", "aproximadamente"),
    ("Av.", "avenida"),
    ("Avda.", "avenida"),
    ("C/", "calle "),
    ("Dr.", "doctor"),
    ("Dra.", "doctora"),
    ("etc.", "etcétera"),
    ("máx.", "máximo"),
    ("mín.", "mínimo"),
    ("n.º", "número"),
    ("nº", "número"),
    ("núm.", "número"),
    ("Prof.", "profesor"),
    ("Sr.", "señor"),
    ("Sra.", "señora"),
    ("Srta.", "señorita"),
    ("tel.", "teléfono"),
    ("Ud.", "usted"),
    ("Uds.", "ustedes"),
];
/// Abbreviations behind which a new sentence may begin.
const AT_ENDS: [&str; 2] = ["usw.", "etc."];
const HALVES: [(&str, bool); 8] = [
    ("a. m.", true),
    ("a.m.", true),
    ("a.m", true),
    ("am", true),
    ("p. m.", false),
    ("p.m.", false),
    ("p.m", false),
    ("pm", false),
];

const GERMAN_UNITS: [Unit; 20] = [
    ("km/h", "Kilometer pro Stunde", "Kilometer pro Stunde"),
    ("km", "Kilometer", "Kilometer"),
    ("cm", "Zentimeter", "Zentimeter"),
    ("mm", "Millimeter", "Millimeter"),
    ("m²", "Quadratmeter", "Quadratmeter"),
    ("m", "Meter", "Meter"),
    ("kg", "Kilogramm", "Kilogramm"),
    ("mg", "Milligramm", "Milligramm"),
    ("g", "Gramm", "Gramm"),
    ("ml", "Milliliter", "Milliliter"),
    ("l", "Liter", "Liter"),
    ("°C", "Grad Celsius", "Grad Celsius"),
    ("°", "Grad", "Grad"),
    ("h", "Stunde", "Stunden"),
    ("min", "Minute", "Minuten"),
    ("MB", "Megabyte", "Megabyte"),
    ("GB", "Gigabyte", "Gigabyte"),
    ("kWh", "Kilowattstunde", "Kilowattstunden"),
    ("EUR", "Euro", "Euro"),
    ("USD", "Dollar", "Dollar"),
];
const SPANISH_UNITS: [Unit; 20] = [
    ("km/h", "kilómetro por hora", "kilómetros por hora"),
    ("km", "kilómetro", "kilómetros"),
    ("cm", "centímetro", "centímetros"),
    ("mm", "milímetro", "milímetros"),
    ("m²", "metro cuadrado", "metros cuadrados"),
    ("m", "metro", "metros"),
    ("kg", "kilo", "kilos"),
    ("mg", "miligramo", "miligramos"),
    ("g", "gramo", "gramos"),
    ("ml", "mililitro", "mililitros"),
    ("l", "litro", "litros"),
    ("°C", "grado", "grados"),
    ("°", "grado", "grados"),
    ("h", "hora", "horas"),
    ("min", "minuto", "minutos"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("kWh", "kilovatio hora", "kilovatios hora"),
    ("EUR", "euro", "euros"),
    ("USD", "dólar", "dólares"),
];

/// `text` with abbreviations and units as words.
pub(super) fn expanded(text: &str, language: Language) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = unit(&out, rest, language).or_else(|| abbreviation(&out, rest, language));
        let (spoken, taken) = match &found {
            Some((spoken, taken)) => (spoken.as_str(), *taken),
            None => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        if found.is_some() && out.ends_with(|last: char| last.is_ascii_digit()) {
            out.push(' ');
        }
        out.push_str(spoken);
        rest = &rest[taken..];
    }
    out
}

/// The words for the unit with which `text` begins, and how many bytes it has.
fn unit(before: &str, text: &str, language: Language) -> Option<(String, usize)> {
    let number = number_before(before)?;
    let after = |unit: &str| ends(text.strip_prefix(unit)?).then_some(unit.len());
    if language == Language::Spanish
        && let Some((half, morning)) = HALVES.iter().find(|(half, _)| after(half).is_some())
    {
        let hour = number.split([':', '.']).next().unwrap_or_default();
        let evening = matches!(hour, "8" | "9" | "10" | "11" | "08" | "09");
        let part = match (morning, evening) {
            (true, _) => "de la mañana",
            (false, true) => "de la noche",
            (false, false) => "de la tarde",
        };
        return Some((part.to_owned(), taken(half, text)));
    }
    let units = match language {
        Language::English => return None,
        Language::German => &GERMAN_UNITS,
        Language::Spanish => &SPANISH_UNITS,
    };
    let (unit, one, many) = units.iter().find(|(unit, _, _)| after(unit).is_some())?;
    // "14:30 h" is a time.
    let counted = !number.contains(':');
    let name = if number == "1" { one } else { many };
    counted.then(|| ((*name).to_owned(), unit.len()))
}

/// The figures that end a text, but for a space.
fn number_before(text: &str) -> Option<&str> {
    let text = text.strip_suffix([' ', '\u{a0}']).unwrap_or(text);
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let number = text.trim_end_matches(|part: char| part.is_ascii_digit() || ".,:".contains(part));
    let free = !number.ends_with(char::is_alphanumeric);
    free.then(|| &text[number.len()..])
}

fn ends(rest: &str) -> bool {
    !rest.starts_with(|next: char| next.is_alphanumeric() || "/-²³".contains(next))
}

/// The words for the abbreviation with which `text` begins, and how many bytes it has.
fn abbreviation(before: &str, text: &str, language: Language) -> Option<(String, usize)> {
    let within = before.ends_with(char::is_alphanumeric);
    let list: &[Abbreviation] = match language {
        Language::English => return None,
        Language::German if within && begins(text, "str.") => {
            return Some(("straße".to_owned(), taken("str.", text)));
        }
        Language::German => &GERMAN,
        Language::Spanish => &SPANISH,
    };
    let (written, spoken) = list
        .iter()
        .find(|(written, _)| !within && begins(text, written))?;
    Some(((*spoken).to_owned(), taken(written, text)))
}

fn begins(text: &str, written: &str) -> bool {
    let same = text
        .get(..written.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(written));
    same && match text[written.len()..].chars().next() {
        // "C/ Mayor" is a street, "c/u" is not.
        Some(next) if written.ends_with('/') => next == ' ' || next.is_uppercase(),
        Some(next) => !next.is_alphanumeric(),
        None => !written.ends_with('/'),
    }
}

/// The length of an abbreviation, without its full stop where that also ends the sentence.
fn taken(written: &str, text: &str) -> usize {
    let rest = text.get(written.len()..).unwrap_or_default().trim_start();
    let sentence = rest.is_empty()
        || AT_ENDS.contains(&written) && rest.starts_with(|next: char| next.is_uppercase());
    written.len() - usize::from(sentence && written.ends_with('.'))
}
