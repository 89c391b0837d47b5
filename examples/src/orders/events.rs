//! What the topics hold.

use kafka_client::{KafkaHeaders, KafkaRecord, KafkaRecords};

/// Headers that all records have.
#[derive(Debug, Clone, PartialEq, KafkaHeaders)]
pub struct Origin {
    /// Whose order it is.
    #[kafka(header = "tenant")]
    pub tenant: String,
    /// What it belongs to.
    #[kafka(header = "trace-id")]
    pub trace_id: Option<String>,
}

/// An order was placed.
#[derive(Debug, Clone, PartialEq, KafkaRecord)]
pub struct Placed {
    /// Which order: its events stay in their order.
    #[kafka(key)]
    pub order: String,
    /// From where.
    #[kafka(headers)]
    pub origin: Origin,
    /// Who pays.
    pub customer: String,
    /// How much.
    pub cents: i64,
}

/// An order was taken back.
#[derive(Debug, Clone, PartialEq, KafkaRecord)]
pub struct Cancelled {
    /// Which order.
    #[kafka(key)]
    pub order: String,
    /// From where.
    #[kafka(headers)]
    pub origin: Origin,
    /// Who gets the money back.
    pub customer: String,
    /// How much.
    pub cents: i64,
}

/// All that happens to orders, in one topic.
#[derive(Debug, Clone, PartialEq, KafkaRecords)]
#[kafka(topic = "orders", dispatch = header("type"), rename_all = "snake_case")]
pub enum OrderEvent {
    /// It was placed.
    Placed(Placed),
    /// It was taken back.
    Cancelled(Cancelled),
}

/// What was charged, or given back.
#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(topic = "invoices")]
pub struct Invoice {
    /// For which order.
    #[kafka(key)]
    pub order: String,
    /// Made of the order and what happened to it: the same each time.
    pub number: String,
    /// From where.
    #[kafka(headers)]
    pub origin: Origin,
    /// Who.
    pub customer: String,
    /// How much; below zero if it is given back.
    pub cents: i64,
}

impl Invoice {
    /// What an order costs.
    #[must_use]
    pub fn of(placed: Placed) -> Self {
        Self {
            number: format!("{}-charge", placed.order),
            order: placed.order,
            origin: placed.origin,
            customer: placed.customer,
            cents: placed.cents,
        }
    }

    /// What is given back.
    #[must_use]
    pub fn credit(cancelled: Cancelled) -> Self {
        Self {
            number: format!("{}-credit", cancelled.order),
            order: cancelled.order,
            origin: cancelled.origin,
            customer: cancelled.customer,
            cents: -cancelled.cents,
        }
    }
}
