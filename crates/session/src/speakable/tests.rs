use std::borrow::Cow;

use proptest::prelude::*;

use super::speakable;

fn check(language: &str, table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(speakable(text, language), *expected, "{text:?}");
        assert_eq!(speakable(expected, language), *expected, "of its result");
    }
}

#[test]
fn what_is_speakable_is_given_back_as_it_is() {
    for text in [
        "Your table for four is booked, at half past seven.",
        "Well... that's fine (really): 3 o'clock on 24/12/2026!",
        "Am 3. Oktober um 19:30 Uhr, 1.250 Gäste.",
        "¿A qué hora? ¡A las 9:30!",
        "¿Está bien? 注文は三つです。",
    ] {
        for language in ["en-US", "ja"] {
            assert!(
                matches!(speakable(text, language), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }
    assert_eq!(speakable("  Hello\tthere. \n", "en"), "Hello there.");
}

#[test]
fn markdown_goes_in_every_language() {
    for language in ["en", "fr"] {
        check(
            language,
            &[
                ("# Opening hours", "Opening hours"),
                ("## Hours ##\nMonday to Friday", "Hours. Monday to Friday"),
                (
                    "We have:\n\n- **soup**\n- *salad*\n* `bread`",
                    "We have: soup. salad. bread",
                ),
                ("1. Call us\n2. Wait", "1. Call us. 2. Wait"),
                ("One line\nand the next", "One line and the next"),
                ("A paragraph\n\nAnother", "A paragraph. Another"),
                ("> quoted\n> twice", "quoted. twice"),
                ("__Really__ ~~not~~ _so_ ***bad***.", "Really not so bad."),
                (
                    "See [our menu](https://example.com/menu) now.",
                    "See our menu now.",
                ),
                (
                    "![a plate](plate.png) of it, [here][1]",
                    "a plate of it, here",
                ),
                ("```text\nOak Street 5\n```", "Oak Street 5"),
                (
                    "| Dish | Price |\n|---|:---:|\n| Soup | 5 |\n| Fish | 12 |",
                    "Dish, Price. Soup, 5. Fish, 12",
                ),
                ("First\n\n---\n\nSecond", "First. Second"),
                (
                    "Wait<br/> <b>here</b> <span class=\"x\">now</span>",
                    "Wait here now",
                ),
                ("- [x] done\n- [ ] open", "done. open"),
                ("- - # deep", "deep"),
                ("the snake_case name", "the snake case name"),
            ],
        );
    }
}

#[test]
fn emoji_go_and_nothing_else_is_nothing() {
    for language in ["en", "hi"] {
        check(
            language,
            &[
                ("😊", ""),
                ("👍🏽👨‍👩‍👧‍👦🇩🇪", ""),
                ("❤️ ✅ ☎️ ™ →", ""),
                ("👍!!", ""),
                ("...", ""),
                ("", ""),
                ("Great 😊!", "Great!"),
                ("Great!😊Really", "Great! Really"),
                ("Press 1️⃣ now", "Press 1 now"),
                ("क्‍ष", "क्‍ष"),
            ],
        );
    }
}

#[test]
fn faces_of_marks_go_and_what_only_looks_like_one_stays() {
    check(
        "en-US",
        &[
            ("Hello :)", "Hello"),
            ("Great! :-D See you.", "Great! See you."),
            ("Sure :).", "Sure."),
            ("Of course ;-) What else?", "Of course What else?"),
            ("Gladly:)", "Gladly"),
            (":D", ""),
            (":P!", ""),
            (
                "Bring it (the ticket:) please.",
                "Bring it (the ticket:) please.",
            ),
            (
                "The options: (a) tea, (b) coffee.",
                "The options: (a) tea, (b) coffee.",
            ),
            ("Drive D: is full.", "Drive D: is full."),
        ],
    );
}

#[test]
fn addresses_are_read_out() {
    check(
        "en",
        &[
            (
                "Go to https://www.example.com/path/.",
                "Go to www dot example dot com slash path.",
            ),
            (
                "(example.com/a-b_c)",
                "(example dot com slash a dash b underscore c)",
            ),
            ("See **https://example.com?x=1#y**!", "See example dot com!"),
            (
                "Write to <jane.doe+x@example.co.uk>, please.",
                "Write to jane dot doe plus x at example dot co dot uk, please.",
            ),
            ("http://localhost:8080/", "localhost colon 8080"),
            ("mailto:a@b.org", "a at b dot org"),
            ("e.g. Dr.Smith at 5.30 p.m.", "e.g. Dr.Smith at 5.30 p.m."),
            ("See [](https://example.com)", "See example dot com"),
        ],
    );
    check(
        "de-AT",
        &[(
            "info@beispiel.de, www.beispiel.de/karte",
            "info at beispiel Punkt de, www Punkt beispiel Punkt de Schrägstrich karte",
        )],
    );
    check(
        "es",
        &[(
            "hola@ejemplo.es o ejemplo.com/mi-menu",
            "hola arroba ejemplo punto es o ejemplo punto com barra mi guion menu",
        )],
    );
    check(
        "fr",
        &[(
            "Voir https://example.com/a_b *ici*",
            "Voir https://example.com/a_b ici",
        )],
    );
}

#[test]
fn telephone_numbers_are_said_digit_by_digit_in_groups() {
    check(
        "en",
        &[
            (
                "Call +1 415 555 0123.",
                "Call plus 1, 4 1 5, 5 5 5, 0 1 2 3.",
            ),
            ("Call (415) 555-0123 now", "Call 4 1 5, 5 5 5, 0 1 2 3 now"),
            (
                "415.555.0123 or 4155550123",
                "4 1 5, 5 5 5, 0 1 2 3 or 4 1 5, 5 5 5, 0 1 2 3",
            ),
            ("+14155550123!", "plus 1, 4 1 5, 5 5 5, 0 1 2 3!"),
            ("555-0123 4 times", "5 5 5, 0 1 2 3 4 times"),
            (
                "(4155550123) or (+49 30 123456)",
                "(4 1 5, 5 5 5, 0 1 2 3) or (plus 4 9, 3 0, 1 2 3, 4 5 6)",
            ),
            ("1-800-555-0199", "1, 8 0 0, 5 5 5, 0 1 9 9"),
        ],
    );
    check(
        "de",
        &[
            (
                "Unter 030 1234567 oder 089/123456.",
                "Unter null drei null, eins zwei drei, vier fünf sechs sieben oder null acht neun, eins zwei drei, vier fünf sechs.",
            ),
            (
                "+49 (30) 123-45",
                "plus vier neun, drei null, eins zwei drei, vier fünf",
            ),
        ],
    );
    check(
        "es",
        &[(
            "Llame al 612 34 56 78",
            "Llame al seis uno dos, tres cuatro, cinco seis, siete ocho",
        )],
    );
    for text in [
        "on 2026-03-02 or 02.03.2026 or 02-03-2026",
        "500-1000 guests, 1,250,000 people, 12345678 pages",
        "at 19:30, room 1204, 192.168.178.20",
        "in 2024 1500 came",
        "We are done.At five we close.",
    ] {
        assert_eq!(speakable(text, "en"), text);
    }
}

#[test]
fn amounts_and_symbols_are_words() {
    check(
        "en",
        &[
            (
                "$5, $1, €1.00, £0.99 or $1,200.50",
                "5 dollars, 1 dollar, 1 euro, 99 pence or 1,200 dollars and 50 cents",
            ),
            (
                "It costs $3.5 million, or 20 €.",
                "It costs 3.5 million dollars, or 20 euros.",
            ),
            ("$5.", "5 dollars."),
            ("5% of 10 % & more", "5 percent of 10 percent and more"),
            (
                "AT&amp;T, 2+2=4, 3 * 4",
                "AT and T, 2 plus 2 equals 4, 3 times 4",
            ),
            (
                "#1 @home and/or -5 degrees",
                "number 1 at home and slash or minus 5 degrees",
            ),
            ("#hashtag ~ [x] {y} a|b", "hashtag x y a b"),
            ("$ and 50%", "and 50 percent"),
        ],
    );
    check(
        "de",
        &[
            (
                "5,50 € oder 0,50 € oder $3",
                "fünf Euro fünfzig oder fünfzig Cent oder drei Dollar",
            ),
            ("10% & #3", "zehn Prozent und Nummer drei"),
            ("2,5 € Millionen", "zwei Komma fünf Millionen Euro"),
        ],
    );
    check(
        "es",
        &[
            (
                "5,50 € o 1€, $0.25",
                "cinco euros con cincuenta o un euro, veinticinco centavos",
            ),
            (
                "10% y 2+2=4",
                "diez por ciento y dos más dos igual a cuatro",
            ),
        ],
    );
    check(
        "fr",
        &[(
            "10 % à 5 € & +33 1 23 45 67 89",
            "10 % à 5 € & +33 1 23 45 67 89",
        )],
    );
}

#[test]
fn figures_are_words_of_german() {
    check(
        "de-DE",
        &[
            (
                "Am 3. Mai, am 3.5.2026 oder 2026-05-03.",
                "Am dritten Mai, am dritten Mai zweitausendsechsundzwanzig oder dritten Mai zweitausendsechsundzwanzig.",
            ),
            (
                "Montag, 1. Juni 1999",
                "Montag, erster Juni neunzehnhundertneunundneunzig",
            ),
            (
                "Bis zum 7.12. im 2. Stock, der 21. Termin",
                "Bis zum siebten Dezember im zweiten Stock, der einundzwanzigste Termin",
            ),
            ("Das ist in der 3. Etage.", "Das ist in der dritten Etage."),
            (
                "Um 14:30 Uhr, 9:05, 1 Uhr oder 8.00 Uhr",
                "Um vierzehn Uhr dreißig, neun Uhr fünf, ein Uhr oder acht Uhr",
            ),
            (
                "10:00-12:30 Uhr, 8–12 Uhr",
                "zehn Uhr bis zwölf Uhr dreißig, acht bis zwölf Uhr",
            ),
            (
                "12,50 € oder 1.250,99 Euro",
                "zwölf Euro fünfzig oder eintausendzweihundertfünfzig Komma neun neun Euro",
            ),
            (
                "1.250 Gäste, 2,05 m, 1 Stunde, 1 Tisch",
                "eintausendzweihundertfünfzig Gäste, zwei Komma null fünf Meter, eine Stunde, ein Tisch",
            ),
            ("1000000 Gäste", "eine Million Gäste"),
            (
                "50 km/h bei -3 °C, 90 min, 5kg",
                "fünfzig Kilometer pro Stunde bei minus drei Grad Celsius, neunzig Minuten, fünf Kilogramm",
            ),
            (
                "Zimmer 101, Nr. 7, Code 0042.",
                "Zimmer einhunderteins, Nummer sieben, Code null null vier zwei.",
            ),
            (
                "Bei Dr. Müller, z. B. in der Hauptstr. 5, d.h. ca. 2 km.",
                "Bei Doktor Müller, zum Beispiel in der Hauptstraße fünf, das heißt circa zwei Kilometer.",
            ),
            (
                "Tee, Kaffee usw. Danach 24-Stunden-Dienst",
                "Tee, Kaffee und so weiter. Danach vierundzwanzig-Stunden-Dienst",
            ),
            (
                "seit 1984, 24/7, 192.168.178.20, A4",
                "seit neunzehnhundertvierundachtzig, 24/7, 192.168.178.20, A4",
            ),
        ],
    );
}

#[test]
fn figures_are_words_of_spanish() {
    check(
        "es-ES",
        &[
            (
                "El 3 de mayo, el 1 de junio de 2026 o el 03/05/2026.",
                "El tres de mayo, el primero de junio de dos mil veintiséis o el tres de mayo de dos mil veintiséis.",
            ),
            (
                "A las 14:30, a las 9:05 h o a la 1:00.",
                "A las catorce treinta, a las nueve cero cinco o a la una.",
            ),
            (
                "a las 9:30 p. m. o a las 10 a. m.",
                "a las nueve treinta de la noche o a las diez de la mañana.",
            ),
            (
                "21 mesas, 21 días, 1 y 2, 200 personas",
                "veintiuna mesas, veintiún días, uno y dos, doscientas personas",
            ),
            (
                "1.000.000 habitantes, 1.000.000 de euros",
                "un millón de habitantes, un millón de euros",
            ),
            (
                "12,50 € o 1,5 km, 3,25 kg",
                "doce euros con cincuenta o uno coma cinco kilómetros, tres coma veinticinco kilos",
            ),
            (
                "La Sra. López, núm. 3, p. ej. en la Av. Mayor, etc.",
                "La señora López, número tres, por ejemplo en la avenida Mayor, etcétera.",
            ),
            (
                "El 1.º, la 2.ª y el 3er piso, 5-10 minutos",
                "El primero, la segunda y el tercer piso, cinco a diez minutos",
            ),
            (
                "Código 007, 24/7, 2 € c/u en la C/ Mayor",
                "Código cero cero siete, 24/7, dos euros c barra u en la calle Mayor",
            ),
        ],
    );
    check(
        "es-MX",
        &[(
            "1,250 pesos, 1.5 litros",
            "mil doscientos cincuenta pesos, uno punto cinco litros",
        )],
    );
}

#[test]
fn a_long_reply_takes_no_long_time() {
    let text = "**Call** [us](tel) at +1 415 555 0123, <b>pay</b> $5.50 & see example.com/a_b! "
        .repeat(2_500);
    assert!(text.len() > 190_000);
    let spoken = speakable(&text, "en");
    assert!(spoken.starts_with("Call us at plus 1, 4 1 5, 5 5 5, 0 1 2 3, pay 5 dollars and 50 cents and see example dot com slash a underscore b!"));
}

#[test]
fn hostile_texts_stay_in_bounds() {
    for piece in [
        "[", "<", "%", "1 ", ".", "$", "(1", "amp;", "_", "|", "# ", "https://", "@", "+", "1.",
        "- ", "a/", "=", "😊", "*",
    ] {
        let text = format!("&{}", piece.repeat(8_000 / piece.len()));
        for language in ["de", "fr"] {
            assert!(
                speakable(&text, language).len() <= 16 * text.len(),
                "{piece}"
            );
        }
    }
}

#[test]
fn of_markup_that_is_too_deep_only_letters_are_left() {
    let text = format!("&{} 1 ok", "amp;".repeat(12));
    let spoken = speakable(&text, "fr");
    assert_eq!(spoken, format!("{}ok", "amp ".repeat(12)));
    assert_eq!(speakable(&spoken, "fr"), spoken);
}

fn written() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "#", "##", "- ", "* ", "**", "_", "__", "`", "```", "[", "]", "(", ")", "](", "!", "<",
        ">", "<b>", "|", "|-|", "\n", "\n\n", " ", ".", ",", "://", "https://", "www.", ".com",
        "a", "b_c", "Word", "@", "x@y.de", "/", "-", "+", "=", "%", "&", "&amp;", "amp;", "$", "€",
        "£", "1", "0", "5.50", "1,200", "555-0123", "+49", "030 ", "415", "million", "😊", "1️⃣",
        "\u{200d}", "\u{fe0f}", "~~", "\\", "é", "中", "#1", "{", "^", "×", "1. ", "> ", "=",
        "---", "mailto:", "3.5.", "2026", "-05-", "14:30", "h", "°C", "km/h", " z. B.", "Sra. ",
        "str.", "etc.", "p. m.", "º", " Mai", " de mayo", "am ", " Uhr", "–", "€ Mio.",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn hold(text: &str) -> Result<(), TestCaseError> {
    for language in ["en-US", "de", "es", "fr", ""] {
        let spoken = speakable(text, language);
        prop_assert!(
            spoken.len() <= 16 * text.len(),
            "{language}: {text:?} became {spoken:?}"
        );
        prop_assert_eq!(
            &speakable(&spoken, language),
            &spoken,
            "{}: {:?}",
            language,
            text
        );
        prop_assert_eq!(spoken.trim(), &*spoken);
        prop_assert!(!spoken.contains('\n') && !spoken.contains("**") && !spoken.contains('`'));
        prop_assert!(spoken.is_empty() || spoken.contains(char::is_alphanumeric));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn made_up_markup_stays_in_bounds_and_is_done_once(text in written()) {
        hold(&text)?;
    }

    #[test]
    fn any_text_stays_in_bounds_and_is_done_once(text: String) {
        hold(&text)?;
    }
}
