//! A broker whose answers are changed on their way.

use std::sync::Arc;

use bytes::Bytes;
use kafka_client_protocol::Message;
use kafka_client_protocol::Request;
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::frame::{RequestHeader, decode_response, encode_response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What becomes of a request.
pub(crate) enum Act {
    /// The broker's answer is passed on.
    Pass,
    /// The broker's answer, changed: the frame without its length to the frame with it.
    Edit(Box<dyn FnOnce(Bytes) -> Bytes + Send>),
    /// An answer that the broker knows nothing of, with its length.
    Instead(Bytes),
    /// The connection ends.
    Close,
}

/// Changes the answer to a request of type `R`; others are passed on.
pub(crate) fn edit<R: Request>(
    header: &RequestHeader,
    change: impl FnOnce(&mut R::Response) + Send + 'static,
) -> Act {
    if header.api_key != R::API_KEY {
        return Act::Pass;
    }
    let (version, id) = (header.api_version, header.correlation_id);
    Act::Edit(Box::new(move |frame| {
        let mut response = decode_response::<R>(&frame, version).unwrap();
        change(&mut response);
        let frame = encode_response::<R>(&response, version, id).unwrap();
        frame.to_bytes()
    }))
}

/// Connections to a broker, for [`Network::route_to`](integration::network::Network::route_to). A
/// connection's requests are served one after the other.
pub(crate) fn edited(
    broker: kafka_broker::Connector,
    act: impl Fn(&RequestHeader) -> Act + Send + Sync + 'static,
) -> impl Fn() -> DuplexStream + Send + Sync + 'static {
    edited_by_body(broker, move |header, _| act(header))
}

/// As [`edited`], by what stands in the request.
pub(crate) fn edited_by_body(
    broker: kafka_broker::Connector,
    act: impl Fn(&RequestHeader, &Bytes) -> Act + Send + Sync + 'static,
) -> impl Fn() -> DuplexStream + Send + Sync + 'static {
    let act = Arc::new(act);
    move || {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(relay(far, broker.connect(), act.clone()));
        near
    }
}

async fn relay(
    mut client: DuplexStream,
    mut broker: DuplexStream,
    act: Arc<impl Fn(&RequestHeader, &Bytes) -> Act>,
) -> Option<()> {
    loop {
        let request = frame(&mut client).await?;
        let (header, body) = RequestHeader::decode(&request).unwrap();
        let answer = match act(&header, &body) {
            Act::Close => return None,
            Act::Instead(answer) => answer,
            passed => {
                broker.write_all(&with_length(&request)).await.ok()?;
                if is_unanswered(&header, body) {
                    continue;
                }
                let answer = frame(&mut broker).await?;
                match passed {
                    Act::Edit(edit) => edit(answer),
                    _ => with_length(&answer),
                }
            }
        };
        client.write_all(&answer).await.ok()?;
    }
}

/// Whether no answer comes (acks=0).
pub(crate) fn is_unanswered(header: &RequestHeader, body: Bytes) -> bool {
    header.api_key == ProduceRequest::API_KEY
        && ProduceRequest::decode(body, header.api_version).is_ok_and(|request| request.acks == 0)
}

/// The next frame, without its length.
pub(crate) async fn frame(stream: &mut DuplexStream) -> Option<Bytes> {
    let length = stream.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame.into())
}

pub(crate) fn with_length(frame: &[u8]) -> Bytes {
    [&(frame.len() as u32).to_be_bytes()[..], frame]
        .concat()
        .into()
}
