//! The exchange with a broker (RFC 4752).

use std::fmt;
use std::sync::Arc;

use super::super::mechanism::{
    Beginning, Responding, SaslError, SaslExchange, SaslMechanism, SaslStart,
};
use super::explain::explain;
use super::kerberos::Kerberos;
use super::layer;
use super::library::{Context, Failure};
use super::worker::Worker;
use crate::env::Env;

pub(in crate::security::sasl) const NAME: &str = "GSSAPI";

/// GSSAPI with one client's tickets.
#[derive(Clone)]
pub(in crate::security::sasl) struct Gssapi {
    kerberos: Arc<Kerberos>,
    worker: Worker,
}

impl fmt::Debug for Gssapi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gssapi").field(&self.kerberos).finish()
    }
}

impl Gssapi {
    pub(in crate::security::sasl) fn new(env: &Env, kerberos: &Kerberos) -> Self {
        Self {
            kerberos: Arc::new(kerberos.clone()),
            worker: Worker::new(env, kerberos.memory_cache()),
        }
    }

    /// A call of the library for a broker.
    async fn call<T: Send + 'static>(
        &self,
        host: &str,
        call: impl FnOnce(&Kerberos, &str) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, SaslError> {
        let (kerberos, host) = (self.kerberos.clone(), host.to_owned());
        let called = self.worker.call(move || {
            call(&kerberos, &host).map_err(|failure| explain(&failure, &kerberos, &host))
        });
        called.await?
    }
}

impl SaslMechanism for Gssapi {
    fn name(&self) -> &str {
        NAME
    }

    fn begin<'a>(&'a self, host: &'a str) -> Beginning<'a> {
        Box::pin(async move {
            // A dot at the end says that a name is whole; principals are without.
            let host = host.trim_end_matches('.');
            let (context, message) = self.call(host, Context::begin).await?;
            Ok(SaslStart {
                message,
                exchange: Box::new(Exchange {
                    mechanism: self.clone(),
                    host: host.to_owned(),
                    step: Step::Tokens(context),
                }),
            })
        })
    }
}

/// An exchange with one broker.
struct Exchange {
    mechanism: Gssapi,
    host: String,
    step: Step,
}

enum Step {
    /// Both sides prove who they are.
    Tokens(Context),
    /// They have; the broker offers security layers.
    Offer(Context),
    /// The choice is sent; the broker has nothing more to say.
    Chosen,
    Over,
}

impl SaslExchange for Exchange {
    fn respond<'a>(&'a mut self, challenge: &'a [u8]) -> Responding<'a> {
        Box::pin(async {
            let challenge = challenge.to_vec();
            match std::mem::replace(&mut self.step, Step::Over) {
                Step::Tokens(context) => {
                    let step = move |_: &Kerberos, _: &str| prove(context, &challenge);
                    let (step, token) = self.mechanism.call(&self.host, step).await?;
                    let step = step.ok_or_else(|| {
                        SaslError::refused("the broker does not prove who it is, as it has to")
                    })?;
                    self.step = step;
                    Ok(Some(token))
                }
                Step::Offer(mut context) => {
                    let choose = move |_: &Kerberos, _: &str| {
                        let offer = context.unwrap(&challenge)?;
                        match layer::answer(&offer, &context.principal()?) {
                            Ok(answer) => Ok(Ok(context.wrap(&answer)?)),
                            Err(refusal) => Ok(Err(refusal)),
                        }
                    };
                    let chosen = self.mechanism.call(&self.host, choose).await?;
                    let message = chosen.map_err(SaslError::refused)?;
                    self.step = Step::Chosen;
                    Ok(Some(message))
                }
                Step::Chosen if challenge.is_empty() => Ok(None),
                Step::Chosen | Step::Over => Err(SaslError::refused(
                    "the broker goes on after the end of the exchange",
                )),
            }
        })
    }
}

/// Gives the broker's token to the library: what is waited for next, unless the broker should have proved by now
/// who it is and has not, and the token to send.
fn prove(mut context: Context, challenge: &[u8]) -> Result<(Option<Step>, Vec<u8>), Failure> {
    let token = context.step(challenge)?;
    let next = match context.is_complete() {
        false => Some(Step::Tokens(context)),
        true => context.is_mutual()?.then_some(Step::Offer(context)),
    };
    Ok((next, token))
}
