//! What we say of our own accord, in the languages that we know.

use ringback_speech::language::Language;
use ringback_speech::language::vocabulary::SPANISH_MONTHS;

/// Our own lines in one language.
pub(crate) struct Phrases {
    /// What a silent caller hears, in turn.
    pub(crate) idle: [&'static str; 2],
    /// Where a tool takes long, in turn.
    pub(crate) tool_wait: [&'static str; 3],
    /// Before a call ends for silence or for its length.
    pub(crate) goodbye: &'static str,
    /// When an engine fails.
    pub(crate) apology: &'static str,
    /// When an answer to a script was not understood.
    pub(crate) sorry: &'static str,
    /// When it was not understood for the last time.
    pub(crate) give_up: &'static str,
    /// When a caller speaks into the goodbye.
    pub(crate) bye: &'static str,
    /// When a webhook would be asked about nothing.
    pub(crate) unclear: &'static str,
    /// When a webhook does not answer.
    pub(crate) no_answer: &'static str,
    /// The parrot's.
    pub(crate) parrot: Parrot,
    /// The star and the pound key.
    pub(crate) keys: [&'static str; 2],
    /// The months, as they are written in a date.
    pub(crate) months: [&'static str; 12],
}

/// What the parrot says.
pub(crate) struct Parrot {
    /// Where the scenario has no greeting.
    pub(crate) opening: &'static str,
    /// To callers who are not heard.
    pub(crate) keys_only: &'static str,
    /// Before what it heard.
    pub(crate) said: &'static str,
    /// Before the keys that were pressed.
    pub(crate) pressed: &'static str,
}

impl Phrases {
    /// Our lines in a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
            Language::Spanish => &SPANISH,
        }
    }
}

static ENGLISH: Phrases = Phrases {
    idle: [
        "Are you still there?",
        "I cannot hear you. Please say something if you are still there.",
    ],
    tool_wait: [
        "One moment, please.",
        "I am still working on it.",
        "Thank you for your patience. It takes a little longer.",
    ],
    goodbye: "Thank you for your time. Goodbye.",
    apology: "I am sorry, something went wrong on our side.",
    sorry: "Sorry, I did not catch that.",
    give_up: "I am sorry, I could not understand you. Goodbye.",
    bye: "Goodbye.",
    unclear: "Sorry, I did not catch that. Could you say it again?",
    no_answer: "I am sorry, I could not find an answer just now. Could you say that again?",
    parrot: Parrot {
        opening: "Hey! How can I help you?",
        keys_only: "I cannot hear speech here: press keys, and I will say them.",
        said: "You said:",
        pressed: "You pressed:",
    },
    keys: ["star", "pound"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

static GERMAN: Phrases = Phrases {
    idle: [
        "Sind Sie noch da?",
        "Ich kann Sie nicht hören. Bitte sagen Sie etwas, wenn Sie noch da sind.",
    ],
    tool_wait: [
        "Einen Moment, bitte.",
        "Ich bin noch dabei.",
        "Danke für Ihre Geduld. Es dauert noch ein wenig.",
    ],
    goodbye: "Vielen Dank für Ihre Zeit. Auf Wiederhören.",
    apology: "Es tut mir leid, bei uns ist etwas schiefgegangen.",
    sorry: "Entschuldigung, das habe ich nicht verstanden.",
    give_up: "Es tut mir leid, ich konnte Sie nicht verstehen. Auf Wiederhören.",
    bye: "Auf Wiederhören.",
    unclear: "Entschuldigung, das habe ich nicht verstanden. Können Sie es noch einmal sagen?",
    no_answer: "Es tut mir leid, ich habe gerade keine Antwort gefunden. Können Sie das noch einmal sagen?",
    parrot: Parrot {
        opening: "Hallo! Wie kann ich Ihnen helfen?",
        keys_only: "Ich kann hier keine Sprache hören: Drücken Sie Tasten, und ich sage sie an.",
        said: "Sie sagten:",
        pressed: "Sie haben gedrückt:",
    },
    keys: ["Stern", "Raute"],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
};

static SPANISH: Phrases = Phrases {
    idle: [
        "¿Sigue usted ahí?",
        "No le oigo. Por favor, diga algo si sigue ahí.",
    ],
    tool_wait: [
        "Un momento, por favor.",
        "Sigo en ello.",
        "Gracias por su paciencia. Tardará un poco más.",
    ],
    goodbye: "Gracias por su tiempo. Adiós.",
    apology: "Lo siento, algo ha fallado por nuestra parte.",
    sorry: "Perdone, no le he entendido.",
    give_up: "Lo siento, no he podido entenderle. Adiós.",
    bye: "Adiós.",
    unclear: "Perdone, no le he entendido. ¿Puede repetirlo?",
    no_answer: "Lo siento, ahora mismo no encuentro una respuesta. ¿Puede repetirlo?",
    parrot: Parrot {
        opening: "¡Hola! ¿En qué puedo ayudarle?",
        keys_only: "Aquí no puedo oír la voz: pulse teclas y las diré.",
        said: "Ha dicho:",
        pressed: "Ha pulsado:",
    },
    keys: ["asterisco", "almohadilla"],
    months: SPANISH_MONTHS,
};
