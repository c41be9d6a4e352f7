//! Signals: to the commands that run until they are told to stop, and to those that do many things one after the other.
//!
//! TERM, INT, HUP and QUIT start a drain. A later TERM or INT cuts off what still runs, but not within two seconds of the
//! first: a supervisor and its process group, or an impatient key press, often bring the same signal twice. USR1 and
//! USR2 are ignored.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::failure::Failure;

/// How long after the first signal another one means the same.
const SAME_WITHIN: Duration = Duration::from_secs(2);

/// Listens from now on. The first word asks for a drain, the second for an end at once.
pub fn listen() -> Result<mpsc::Receiver<()>, Failure> {
    let on = |kind| signal(kind).map_err(Failure::failed);
    let mut term = on(SignalKind::terminate())?;
    let mut int = on(SignalKind::interrupt())?;
    let mut hup = on(SignalKind::hangup())?;
    let mut quit = on(SignalKind::quit())?;
    // Being listened for takes their default effect away, which is to end the process.
    let _ = on(SignalKind::user_defined1())?;
    let _ = on(SignalKind::user_defined2())?;
    let (word, words) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut asked = Asked::default();
        loop {
            let (name, may_cut_off) = tokio::select! {
                _ = term.recv() => ("TERM", true),
                _ = int.recv() => ("INT", true),
                _ = hup.recv() => ("HUP", false),
                _ = quit.recv() => ("QUIT", false),
            };
            if !asked.is_news(may_cut_off, Instant::now()) {
                tracing::info!(signal = name, "ignored: the process is stopping already");
            } else if word.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(words)
}

/// When a role is to stop.
pub(crate) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a role says where a signal ends it in the middle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndedBySignal {
    /// Nothing was bound yet: "before anybody was served".
    pub(crate) early: &'static str,
    /// Something was still under way.
    pub(crate) cut_off: &'static str,
}

/// Binds a role, and has it serve until the first signal. What is under way then ends by itself, unless a second signal comes.
pub(crate) async fn serve<L, S: Future<Output = ()>>(
    bind: impl Future<Output = Result<L, Failure>>,
    serve: impl FnOnce(L, Stop) -> S,
    ended: EndedBySignal,
) -> Result<(), Failure> {
    let mut words = listen()?;
    let bound = tokio::select! {
        bound = bind => bound?,
        _ = words.recv() => {
            tracing::info!("stopped {}", ended.early);
            return Ok(());
        }
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let stop_word = Box::pin(async move {
        let _ = stopped.await;
    });
    let serving = serve(bound, stop_word);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = words.recv() => {
            let _ = stop.send(());
            tokio::select! {
                () = serving => {}
                Some(()) = words.recv() => return Err(Failure::failed(ended.cut_off)),
            }
        }
    }
    tracing::info!("drained");
    Ok(())
}

/// Carries something out, unless a signal ends it first: then it is `None`, and what it has done until then stays done.
pub(crate) async fn unless_stopped<T>(deed: impl Future<Output = T>) -> Result<Option<T>, Failure> {
    let mut stop = listen()?;
    tokio::select! {
        done = deed => Ok(Some(done)),
        _ = stop.recv() => Ok(None),
    }
}

/// When the drain was asked for.
#[derive(Debug, Default)]
struct Asked(Option<Instant>);

impl Asked {
    /// Whether a signal asks for something that those before it have not asked for.
    fn is_news(&mut self, may_cut_off: bool, now: Instant) -> bool {
        match self.0 {
            None => {
                self.0 = Some(now);
                true
            }
            Some(first) => may_cut_off && now.duration_since(first) >= SAME_WITHIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these signals are news: whether each may cut off, and when it comes, in milliseconds.
    fn news<const N: usize>(signals: [(bool, u64); N]) -> [bool; N] {
        let (mut asked, start) = (Asked::default(), Instant::now());
        signals
            .map(|(may_cut_off, ms)| asked.is_news(may_cut_off, start + Duration::from_millis(ms)))
    }

    #[test]
    fn the_same_signal_twice_at_once_is_one_and_a_later_one_cuts_off() {
        assert_eq!(
            news([(true, 0), (true, 50), (true, 1_999), (true, 2_000)]),
            [true, false, false, true]
        );
    }

    #[test]
    fn a_hangup_starts_a_drain_and_never_cuts_off() {
        assert_eq!(
            news([(false, 0), (false, 9_000), (true, 10_000)]),
            [true, false, true]
        );
        assert_eq!(news([(true, 0), (false, 9_000)]), [true, false]);
    }
}
