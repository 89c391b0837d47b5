//! Connections that end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use integration::eventually;
use integration::security::{PASSWORD, USER};
use kafka_client::record::Record;
use kafka_client::security::Sasl;
use kafka_client::{Connector, Dialing};
use tokio::net::TcpStream;

use crate::log::Log;
use crate::site::{Embedded, Site};

/// Dials TCP, and writes down the client's addresses.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Vec<SocketAddr>>>);

impl Connector for Recorded {
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            self.0.lock().unwrap().push(stream.local_addr()?);
            let stream: Box<dyn kafka_client::Stream> = Box::new(stream);
            Ok(stream)
        })
    }
}

/// Else the broker cannot tell an end from a cut (RFC 8446, 6.1).
#[tokio::test]
async fn a_client_that_goes_says_so_in_tls() {
    let log = Log::begin();
    let site = Embedded::start_with(&[]).await;
    let connector = Recorded::default();
    let kafka = site
        .client("SASL_SSL", Some(Sasl::plain(USER, PASSWORD)))
        .connector(connector.clone())
        .connect()
        .await
        .unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let record = Record::to("ending").value("v");
    producer.send(record).await.unwrap();
    producer.close().await.unwrap();
    drop(kafka);
    eventually("no connection is left", async || {
        site.broker.connections() == 0
    })
    .await;
    let addresses = connector.0.lock().unwrap().clone();
    assert!(addresses.len() >= 2, "{addresses:?}");
    for address in addresses {
        assert_eq!(log.count("connection lost", &address.to_string()), 0);
    }
}
