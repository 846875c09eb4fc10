//! What others want of the call while it goes on.

use ringback_call::{At, Event, Order};

use super::Live;
use crate::orders::{Given, Refused};

impl Live {
    /// Takes an order, or says why not. One for which nobody waits any more was told that it is not done, and is not.
    pub(crate) fn order(&mut self, at: At, given: Given) {
        let Given { order, told } = given;
        if told.is_closed() {
            return;
        }
        let answer = match self.refuses(&order) {
            Some(refused) => Err(refused),
            None => {
                self.handle(at, Event::Order(order));
                // Nothing that is said brings a hint along.
                self.catch_up();
                Ok(())
            }
        };
        let _ = told.send(answer);
    }

    fn refuses(&self, order: &Order) -> Option<Refused> {
        let hint = matches!(order, Order::Whisper(_));
        let unfit = self.call.unfit(order).map(Refused::from);
        unfit.or_else(|| (hint && !self.responder.takes_hints()).then_some(Refused::Deaf))
    }
}
