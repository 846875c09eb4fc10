//! How others reach a live call: what they want of it goes in, and whether it was taken comes back.

use std::time::Duration;

use ringback_call::{Order, Unfit};
use tokio::sync::{mpsc, oneshot};

/// Orders that wait for a call. It deals with each as soon as it runs.
const WAITING: usize = 4;
/// A call that does not take an order by then is not running.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a call does not do what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is over, or on its way there.
    #[error("the call is over, or ends")]
    Ending,
    /// A machine that takes a message, or is to hear a line.
    #[error("a machine has answered, and nobody would hear it")]
    Machine,
    /// As many lines as may wait to be said.
    #[error("eight lines wait to be said already; try again when they were heard")]
    Full,
    /// What answers follows a script, or has no mind at all.
    #[error("nobody there can take a hint: no model and no web service answers")]
    Deaf,
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Ending => Self::Ending,
            Unfit::Machine => Self::Machine,
            Unfit::Full => Self::Full,
        }
    }
}

/// Gives a call orders.
#[derive(Clone, Debug)]
pub struct Orders(mpsc::Sender<Given>);

/// Where a call finds its orders.
#[derive(Debug)]
pub struct OrderBook(mpsc::Receiver<Given>);

/// An order that waits to be taken.
#[derive(Debug)]
pub struct Given {
    /// What is wanted.
    pub order: Order,
    /// Who wants it learns here whether it was taken.
    pub told: oneshot::Sender<Result<(), Refused>>,
}

/// The two ends for one call.
pub fn orders() -> (Orders, OrderBook) {
    let (give, take) = mpsc::channel(WAITING);
    (Orders(give), OrderBook(take))
}

impl Orders {
    /// Has the call do this. It is taken when this returns: a line may still have to wait until it is said.
    ///
    /// # Errors
    /// Why the call does not do it.
    pub async fn give(&self, order: Order) -> Result<(), Refused> {
        let (told, answer) = oneshot::channel();
        let given = Given { order, told };
        let taken = async {
            self.0.send(given).await.ok()?;
            answer.await.ok()
        };
        let taken = tokio::time::timeout(PATIENCE, taken).await;
        taken.ok().flatten().unwrap_or(Err(Refused::Ending))
    }
}

impl OrderBook {
    /// Nobody gives orders.
    pub fn none() -> Self {
        orders().1
    }

    /// The next order. `None`: nobody gives any more.
    pub async fn next(&mut self) -> Option<Given> {
        self.0.recv().await
    }
}
