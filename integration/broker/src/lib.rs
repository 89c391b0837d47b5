//! The bundled reference broker.
