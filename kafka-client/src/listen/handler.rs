//! Functions that handle records.

use std::future::Future;
use std::sync::Arc;

use tower_service::Service;

use super::service::ServiceFn;
use super::{BoxError, FromMessage, Message, Reply, Value};

/// An async function of up to eight arguments, each of them a [`FromMessage`], that returns a [`Reply`].
///
/// It is a plain function: tests call it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of records",
    label = "not an async function of up to eight arguments",
    note = "a handler is `async fn bill(Value(order): Value<Order>) -> Result<(), BillError>`; the types of a \
            closure's arguments have to be written: `async |Value(order): Value<Order>| {{ .. }}`"
)]
pub trait Handler<Arguments>: Send + Sync + 'static {
    /// What it returns.
    type Reply;

    /// The call under way.
    type Future: Future<Output = Self::Reply>;

    /// Calls it.
    fn call(&self, arguments: Arguments) -> Self::Future;
}

/// The arguments of a handler of records of a type: the first is a [`Value<T>`](super::Value), which is one too.
#[diagnostic::on_unimplemented(
    message = "the first argument of this handler does not say of which topic it handles records",
    label = "`{Self}` comes first, and is no `Value<T>`",
    note = "put `Value(order): Value<Order>` first, where `Order` names its topic by `#[kafka(topic = \"..\")]`",
    note = "or name the topic: `.on_topic(\"orders\", handler)`"
)]
pub trait OfRecord {
    /// Its type.
    type Record;
}

impl<T> OfRecord for Value<T> {
    type Record = T;
}

macro_rules! of_record {
    () => {};
    ($first:ident $(, $argument:ident)*) => {
        impl<$first: OfRecord $(, $argument)*> OfRecord for ($first, $($argument,)*) {
            type Record = $first::Record;
        }
    };
}

super::all_arities!(of_record);

macro_rules! handlers {
    ($($argument:ident),*) => {
        impl<Function, Running, $($argument),*> Handler<($($argument,)*)> for Function
        where
            Function: Fn($($argument),*) -> Running + Send + Sync + 'static,
            Running: Future,
        {
            type Reply = Running::Output;
            type Future = Running;

            #[inline]
            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> Running {
                self($($argument),*)
            }
        }
    };
}

super::all_arities!(handlers);

/// A handler as a service of tower's, which is always ready: what a layer is put around.
pub trait HandlerService<S>:
    Service<
        Message<S>,
        Response = (),
        Error = BoxError,
        Future: Future<Output = Result<(), BoxError>> + Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S, V> HandlerService<S> for V where
    V: Service<Message<S>, Response = (), Error = BoxError, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// The service that reads a handler's arguments, calls it, and sees its reply through.
pub(super) fn service<S, A, H>(handler: H) -> impl HandlerService<S>
where
    S: Send + Sync + 'static,
    A: FromMessage<S> + Send,
    H: Handler<A, Reply: Reply, Future: Send>,
{
    let handler = Arc::new(handler);
    ServiceFn(move |mut message: Message<S>| {
        let handler = handler.clone();
        async move {
            let arguments = A::from_message(&message)?;
            let reply = handler.call(arguments).await;
            reply.see_through(&message).await?;
            Ok(message.pending.wait().await?)
        }
    })
}
