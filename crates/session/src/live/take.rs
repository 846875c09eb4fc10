//! What the engines of a call give back, and who takes the place of one that is lost.

use ringback_call::{At, Event, Expect, Fault, FaultKind, Intent, Party, ReplyId, TurnHint, Usage};

use super::Live;
use crate::expect::expected;
use crate::news::News;
use crate::prices::Prices;
use crate::provided::Provided;
use crate::provider::Failure;
use crate::tts::{Loss, Spoken};

impl Live {
    pub(crate) fn take(&mut self, at: At, provided: Provided) {
        match provided {
            Provided::Recognized(recognized) => match self.ears.recognized(recognized) {
                Ok(Some(words)) => self.handle(at, Event::Heard(words)),
                Ok(None) => {}
                Err(why) => self.fault(at, Party::Stt, FaultKind::Misbehaved, &why),
            },
            Provided::Heard { engine, heard } => {
                // A turn that is over by now is over before it is asked whose words these are.
                self.fire_due(at);
                if let Some(words) = self.ears.late(engine, &heard) {
                    self.handle(at, Event::Heard(words));
                }
                if let Some((words, hint)) = self.ears.heard(engine, heard) {
                    if hint != Some(TurnHint::Again) {
                        self.books.teller.tell(|| News::Hearing(words.text.clone()));
                        self.handle(at, Event::Heard(words));
                    }
                    if let Some(hint) = hint {
                        self.handle(at, Event::Turn(hint));
                    }
                }
            }
            Provided::Deaf { engine, failure } => self.deaf(at, engine, &failure),
            Provided::Spoken { engine, spoken } => self.spoken(at, engine, spoken),
            Provided::Mute { engine, failure } => self.mute(at, engine, &failure),
            Provided::Line { reply, part, line } => {
                if let Some(piece) = self.outbox.put_line(reply, part, line) {
                    self.handle(at, Event::Spoken(piece));
                }
            }
            Provided::Text { reply, text } => self.handle(at, Event::Text { reply, text }),
            Provided::TextEnd {
                reply,
                intent,
                expect,
            } => self.text_end(at, reply, intent, expect.as_ref()),
            Provided::Speechless { reply, fault } => self.speechless(at, reply, fault),
            Provided::ToolCall { reply, call } => {
                self.handle(at, Event::ToolCall { reply, call });
            }
            Provided::ToolDone { id, result, failed } => {
                self.handle(at, Event::ToolDone { id, result, failed });
            }
            Provided::Used { reply, usage } => self.used(at, Some(reply), usage),
            Provided::Replaced(fault) => self.handle(at, Event::Replaced(fault)),
            Provided::Fault(fault) => {
                if fault.party == Party::Recorder
                    && let Some(recorder) = &mut self.recorder
                {
                    recorder.fail();
                }
                self.handle(at, Event::Fault(fault));
            }
        }
    }

    fn used(&mut self, at: At, reply: Option<ReplyId>, usage: Usage) {
        self.handle(at, Event::Used { reply, usage });
    }

    /// Ends the call when it has cost what it may.
    pub(super) fn check_budget(&mut self) {
        let Some(most) = self.books.most.filter(|_| !self.books.spent) else {
            return;
        };
        let direction = self.call.spec().direction;
        let bill = self
            .prices()
            .bill(self.call.usage(), direction, self.call.lasted_ms());
        if bill.total() >= most {
            self.books.spent = true;
            self.work.events.push_back(Event::Spent);
        }
    }

    /// What the recognisers of providers were sent until now counts for the turns until now.
    pub(super) fn count_audio(&mut self) {
        let used = self.ears.take_usage().into_iter();
        let events = used.map(|usage| Event::Used { reply: None, usage });
        self.work.events.extend(events);
    }

    /// The call is over, and so are its tools: what came of them since.
    pub(crate) fn close_tools(&mut self, results: Vec<(At, Provided)>) {
        // One that broke does not go on by a result.
        if self.call.is_over() {
            for (at, provided) in results {
                self.take(at, provided);
            }
        }
    }

    /// What was used and not told yet is told.
    pub(crate) fn close_books(&mut self) {
        let at = self.call.report().ended;
        self.voices.settle();
        self.responder.settle();
        while let Ok(provided) = self.provided.try_recv() {
            if let Provided::Used { reply, usage } = provided {
                self.used(at, Some(reply), usage);
            }
        }
        for usage in self.ears.take_usage() {
            self.used(at, None, usage);
        }
        self.books.teller.close();
        self.catch_up();
    }

    /// Whoever follows the call learns what has changed.
    pub(super) fn catch_up(&mut self) {
        self.books
            .teller
            .catch_up(&self.call, self.engines.prices());
    }

    pub(crate) fn prices(&self) -> &Prices {
        self.engines.prices()
    }

    pub(super) fn expect(&mut self, expect: &ringback_speech::grammar::Expect) {
        self.ears.expect(&self.engines, expect);
    }

    /// A recogniser of a provider is lost: the next takes its place.
    fn deaf(&mut self, at: At, engine: u32, failure: &Failure) {
        if !self.ears.is_current(engine) {
            return;
        }
        let ring = self.ear.ring();
        let fault = failure.fault(Party::Stt);
        let led = self.ears.leads();
        let event = if self.ears.fall_back(&self.engines, &self.provide, ring) {
            Event::Replaced(fault)
        } else {
            Event::Fault(Fault {
                kind: FaultKind::Misconfigured,
                ..fault
            })
        };
        self.handle(at, event);
        let leads = self.ears.leads();
        if led != leads {
            self.handle(at, Event::Turn(TurnHint::Leads(leads)));
        }
    }

    fn text_end(
        &mut self,
        at: At,
        reply: ReplyId,
        intent: Intent,
        expect: Option<&(ringback_speech::grammar::Expect, u8)>,
    ) {
        if let Some((expect, _)) = expect {
            self.expect(expect);
        }
        let expect = expect.map_or(Expect::OPEN, expected);
        self.handle(
            at,
            Event::TextEnd {
                reply,
                intent,
                expect,
            },
        );
    }

    fn spoken(&mut self, at: At, engine: u32, spoken: Spoken) {
        let taken = self.voices.take(at, engine, spoken);
        for failure in taken.overtaken {
            self.handle(at, Event::Replaced(failure.fault(Party::Tts)));
        }
        for spoken in taken.spoken {
            self.speech(at, spoken);
        }
    }

    fn speech(&mut self, at: At, spoken: Spoken) {
        match spoken {
            Spoken::Audio { reply, part, mulaw } => {
                self.voices.spoke(reply, part, &mulaw);
                if let Some(piece) = self.outbox.put(reply, part, &mulaw) {
                    self.handle(at, Event::Spoken(piece));
                }
            }
            Spoken::Words { reply, part, words } => {
                if let Some(ends) = self.voices.timed(reply, part, words) {
                    self.handle(at, Event::Timed { reply, part, ends });
                }
            }
            Spoken::Done { reply, part } => {
                self.voices.done(reply, part);
                if let Some(piece) = self.outbox.finish(reply, part) {
                    self.handle(at, Event::Spoken(piece));
                }
                self.handle(at, Event::SpokenEnd { reply, part });
            }
        }
    }

    /// No model answers: the scenario's script does, if it has one.
    fn speechless(&mut self, at: At, reply: ReplyId, fault: Fault) {
        // Nobody waits for an answer to what may not be all that the caller says: it is asked for again.
        let waits = !self.call.speculating();
        let Some(put) = self.responder.stand_in(reply) else {
            return self.handle(at, Event::Fault(fault));
        };
        self.handle(at, Event::Replaced(fault));
        if waits {
            self.responder.go_on(reply, &put, &self.provide);
        }
    }

    /// A voice is lost: the next speaks what it owed.
    fn mute(&mut self, at: At, engine: u32, failure: &Failure) {
        let fault = failure.fault(Party::Tts);
        match self.voices.lost(at, engine, &*self.engines) {
            Loss::None => {}
            Loss::Replaced => self.handle(at, Event::Replaced(fault)),
            Loss::Mute => self.handle(at, Event::Fault(fault)),
        }
    }
}
