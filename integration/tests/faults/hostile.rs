//! Peers that are no brokers (part B, 4 and 8): a clear error that names the address, no panic, and
//! no memory by a length that they made up.

use std::time::Duration;

use kafka_client::{Error, ErrorKind, Kafka};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Reads a request's frame and gives its correlation id.
async fn request(stream: &mut TcpStream) -> Option<[u8; 4]> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).await.ok()?;
    frame[4..8].try_into().ok()
}

/// Connects a client to a peer that answers each request with what `answer` makes of its
/// correlation id, and then ends the connection if it is told to.
async fn connect(close: bool, answer: impl Fn([u8; 4]) -> Vec<u8>) -> (String, Error) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(id) = request(&mut stream).await {
                let _ = stream.write_all(&answer(id)).await;
                if close {
                    break;
                }
            }
        }
    };
    let kafka = Kafka::builder(address.clone())
        .connect_timeout(Duration::from_millis(300))
        .connection_setup_timeout(Duration::from_millis(100))
        .request_timeout(Duration::from_millis(100));
    let error = tokio::select! {
        connected = kafka.connect() => connected.unwrap_err(),
        () = peer => unreachable!("it listens for ever"),
    };
    (address, error)
}

fn frame(body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = body.len() as u32;
    [&length.to_be_bytes()[..], &body].concat()
}

#[tokio::test]
async fn answers_that_are_not_kafkas_are_errors_that_name_the_address() {
    type Answer = Box<dyn Fn([u8; 4]) -> Vec<u8>>;
    let answers: Vec<(&str, Answer)> = vec![
        (
            "HTTP",
            Box::new(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ),
        (
            "TLS",
            Box::new(|_| vec![0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28]),
        ),
        ("SSH", Box::new(|_| b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
        ("negative length", Box::new(|_| vec![0xff; 64])),
        (
            "huge length",
            Box::new(|_| [&i32::MAX.to_be_bytes()[..], &[0; 64]].concat()),
        ),
        ("no length", Box::new(|_| vec![0; 4])),
        ("short frame", Box::new(|_| frame(&[&[1, 2]]))),
        (
            "other correlation id",
            Box::new(|id| frame(&[&id.map(|byte| !byte), &[0; 20]])),
        ),
        ("empty body", Box::new(|id| frame(&[&id]))),
        (
            "huge array",
            Box::new(|id| frame(&[&id, &[0, 0, 0x7f, 0xff, 0xff, 0xff], &[0; 32]])),
        ),
        (
            "huge compact array",
            Box::new(|id| frame(&[&id, &[0, 0], &[0xff, 0xff, 0xff, 0xff, 0x0f]])),
        ),
        (
            "rest of a frame",
            Box::new(|id| frame(&[&id, &[0; 6], &[1; 300]])),
        ),
    ];
    for (what, answer) in answers {
        for close in [false, true] {
            let (address, error) = connect(close, &answer).await;
            assert!(format!("{error:?}").contains(&address), "{what}: {error:?}");
            let clear = [
                ErrorKind::Protocol,
                ErrorKind::Unsupported,
                ErrorKind::Disconnected,
            ];
            assert!(clear.contains(&error.kind()), "{what}: {error:?}");
        }
    }
}

#[tokio::test]
async fn what_a_peer_is_instead_is_said_where_it_shows() {
    let (_, error) = connect(false, |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    assert!(format!("{error:?}").contains("HTTP"), "{error:?}");
    let (_, error) = connect(false, |_| vec![0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28]).await;
    assert!(format!("{error:?}").contains("TLS"), "{error:?}");
}

#[tokio::test]
async fn silence_and_a_closed_door_are_errors_that_name_the_address() {
    let (address, error) = connect(false, |_| Vec::new()).await;
    assert!(format!("{error:?}").contains(&address), "{error:?}");
    let (address, error) = connect(true, |_| Vec::new()).await;
    assert!(format!("{error:?}").contains(&address), "{error:?}");
}

/// Half of an answer, then nothing more: the connection is open and never answers.
#[tokio::test]
async fn half_an_answer_is_given_up() {
    let (address, error) = connect(false, |id| frame(&[&id, &[0; 40]])[..20].to_vec()).await;
    assert!(format!("{error:?}").contains(&address), "{error:?}");
}

#[test]
fn random_answers_neither_panic_nor_take_memory() {
    let measured = allocation_counter::measure(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let random = std::cell::RefCell::new(fastrand::Rng::with_seed(7));
            for round in 0..30 {
                let answer = |id: [u8; 4]| {
                    let mut random = random.borrow_mut();
                    let length = random.usize(0..400);
                    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
                        .take(length)
                        .collect();
                    match round % 3 {
                        // Noise from the first byte on, in the body, and behind "no error".
                        0 => noise,
                        1 => frame(&[&id, &noise]),
                        _ => frame(&[&id, &[0, 0], &noise]),
                    }
                };
                let (address, error) = connect(round % 2 == 0, answer).await;
                assert!(format!("{error:?}").contains(&address), "{error:?}");
            }
        });
    });
    assert!(
        measured.bytes_max < 16 << 20,
        "{} bytes at most",
        measured.bytes_max
    );
}
