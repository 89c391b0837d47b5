//! What is seen while the program runs: lines, and on a terminal two bars below them.

use std::io::Write as _;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Lines go to stdout, the bars to stderr, if that is a terminal.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    published: ProgressBar,
    read: ProgressBar,
}

impl Progress {
    /// Nothing done yet, of so many earthquakes.
    #[must_use]
    pub fn of(quakes: usize) -> Self {
        let style = ProgressStyle::with_template("{prefix:>9} {bar:40} {human_pos}/{human_len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bars = MultiProgress::new();
        let bar = |prefix| {
            let bar = ProgressBar::new(quakes as u64).with_style(style.clone());
            bars.add(bar.with_prefix(prefix))
        };
        Self {
            published: bar("published"),
            read: bar("read"),
            bars,
        }
    }

    /// Prints a line above the bars.
    pub fn say(&self, line: impl std::fmt::Display) {
        // Who reads it may have gone (`| head`); the exit status still tells how it ended.
        self.bars
            .suspend(|| _ = writeln!(std::io::stdout(), "{line}"));
    }

    /// One more was written.
    pub fn published(&self) {
        self.published.inc(1);
    }

    /// One more was read.
    pub fn read(&self) {
        self.read.inc(1);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.published.finish_and_clear();
        self.read.finish_and_clear();
    }
}
