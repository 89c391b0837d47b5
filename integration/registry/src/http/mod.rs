//! The REST API over HTTP/1.1.
//!
//! - `route`: which call a path is (pure)
//! - `answer`: a call's answer as JSON

mod answer;
mod route;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::route::Call;
use crate::error::ApiError;
use crate::service::Service;

/// Of a request.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For the head of a request, and between requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(60);
const CONNECTIONS_MAX: usize = 1000;
/// For requests that have begun when the server is told to end.
const END_TIME_MAX: Duration = Duration::from_secs(5);

/// Answers until it is told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = told(&mut stopped) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, place)) = accepted else {
            continue;
        };
        let (service, mut stopped) = (service.clone(), stopped.clone());
        connections.spawn(async move {
            let _place = place;
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX);
            let answers = service_fn(|request| answer(service.clone(), request));
            let connection = builder.serve_connection(TokioIo::new(stream), answers);
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = told(&mut stopped) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(END_TIME_MAX, all).await.is_err() {
        connections.shutdown().await;
    }
    service.close().await;
}

/// Waits until the server is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // Whoever could tell it is gone, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be accepted");
            // Such as too many open files: it takes time to pass.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn answer(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let call = Call::of(
        &head.method,
        head.uri.path(),
        head.uri.query().unwrap_or_default(),
    );
    let answered = match (call, Limited::new(body, BODY_BYTES_MAX).collect().await) {
        (Err(error), _) => Err(error),
        (_, Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large()),
        (_, Err(error)) => Err(ApiError::bad_body(error)),
        (Ok(call), Ok(body)) => answer::answer(&service, call, &body.to_bytes()).await,
    };
    let (status, body) = match answered {
        Ok(value) => (200, value),
        Err(error) => {
            let body = serde_json::json!({"error_code": error.code, "message": error.message});
            (error.status, body)
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content = "application/vnd.schemaregistry.v1+json";
    let content = hyper::header::HeaderValue::from_static(content);
    response.headers_mut().insert(CONTENT_TYPE, content);
    Ok(response)
}
