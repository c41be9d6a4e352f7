use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that the test's own thread logs, from the lowest level up, as text.
///
/// What other threads log is not in it. A test that asserts that something was logged runs on one thread:
/// `#[tokio::test]` does, `flavor = "multi_thread"` does not.
///
/// ```
/// let logs = longshore_testing::Logs::listen();
/// tracing::warn!(channel = "#port", "the channel is archived");
/// assert!(logs.text().contains("the channel is archived"));
/// ```
#[derive(Debug)]
pub struct Logs {
    written: Written,
    _listening: DefaultGuard,
    // A log statement that another thread meets first is registered there. With one subscriber in the process, tracing
    // asks only that thread's own subscriber, which is none, and the statement stays off for all threads. With two, it
    // asks both.
    _second: Dispatch,
}

impl Logs {
    /// Listens on this thread until the value is dropped.
    #[must_use]
    pub fn listen() -> Self {
        let second = Dispatch::new(NoSubscriber::default());
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(written.clone())
            .finish();
        Self {
            written,
            _listening: tracing::subscriber::set_default(subscriber),
            _second: second,
        }
    }

    /// What was logged so far, one line per event.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.written.0.lock();
        let bytes = bytes.unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.lock();
        let mut written = written.unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_anywhere() {
        tracing::info!("said anywhere");
    }

    #[test]
    fn a_statement_that_another_thread_met_first_is_heard() {
        let logs = Logs::listen();
        std::thread::spawn(said_anywhere).join().expect("no panic");
        assert_eq!(logs.text(), "", "another thread's");
        said_anywhere();
        assert!(logs.text().contains("said anywhere"));
    }
}
