//! What is wrong on purpose, and what the user is told.
