//! Members of a group by our client, in a process of their own: see `integration::member`.

use std::io::{BufRead, Write};
use std::sync::Arc;

use integration::member::{Settings, host};
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    integration::logs::keep("group-member");
    let settings = Settings::from_arguments(std::env::args().skip(1));
    let (commands, received) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            // Fails only at the end.
            let _ = commands.send(line);
        }
        // Who started it has ended: it dies without leaving.
        std::process::exit(0);
    });
    let tell = Arc::new(|line: String| {
        let mut out = std::io::stdout().lock();
        // Nobody to tell is the same end.
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    });
    host(settings, received, tell).await;
}
