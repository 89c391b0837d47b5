//! Who moves the money.

use std::pin::Pin;

use super::Invoice;

/// Why it does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another time.
    #[error("the bank is busy")]
    Busy,
    /// For good.
    #[error("{customer} has no money")]
    NoMoney {
        /// Who.
        customer: String,
    },
}

/// A bank. It knows the numbers of invoices, and charges each once.
pub trait Bank: Send + Sync {
    /// Charges a customer.
    ///
    /// # Errors
    /// When it does not.
    fn charge<'a>(
        &'a self,
        invoice: &'a Invoice,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;
}
