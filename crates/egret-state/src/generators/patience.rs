//! Asks services again for what may go well in a moment: too much at once, a service that is out of breath. A run is
//! one state, so what can be waited out is waited out within it.

use std::time::Duration;

use egret_http::CallError;
use tokio::sync::Semaphore;

/// The first pause. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause, and the longest that a service may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
pub(crate) const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How often something is asked, and for how long, all in all.
const TRIES: u32 = 8;
const LONGEST_IN_ALL: Duration = Duration::from_secs(180);

/// A failure that may pass.
pub(crate) trait Passing {
    /// Whether the same may go well in a moment, and when, if the service said so.
    fn passes(&self) -> Option<Option<Duration>>;
}

impl Passing for CallError {
    fn passes(&self) -> Option<Option<Duration>> {
        match self {
            Self::Retry { after, .. } => Some(*after),
            Self::Refused { .. } => None,
        }
    }
}

/// How much is asked at once, and for how long again.
#[derive(Debug)]
pub(crate) struct Patience {
    permits: Semaphore,
}

impl Patience {
    /// With so many requests at once.
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { permits: Semaphore::new(concurrency.clamp(1, 64)) }
    }

    /// Asks until there is an answer, or a failure that does not pass.
    pub(crate) async fn ask<T, E, F>(&self, mut request: impl FnMut() -> F) -> Result<T, E>
    where
        E: Passing,
        F: Future<Output = Result<T, E>>,
    {
        let begun = tokio::time::Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let answer = {
                // It is never closed; without a permit it would only be asked sooner.
                let _permit = self.permits.acquire().await;
                request().await
            };
            let Err(error) = answer else { return answer };
            let Some(asked) = error.passes().filter(|_| tries < TRIES) else { return Err(error) };
            let wait = asked.unwrap_or(pause);
            if wait > LONGEST_ASKED || begun.elapsed() + wait > LONGEST_IN_ALL {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            tries += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// How often was asked, and what came of it, if it goes well at the try `good`.
    async fn ask(error: CallError, good: u32) -> (u32, Result<u32, CallError>) {
        let tries = AtomicU32::new(0);
        let patience = Patience::new(1);
        let request = || {
            let tried = tries.fetch_add(1, Ordering::Relaxed) + 1;
            let answer = if tried >= good { Ok(tried) } else { Err(error.clone()) };
            async move { answer }
        };
        let answer = patience.ask(request).await;
        (tries.into_inner(), answer)
    }

    #[tokio::test]
    async fn what_passes_is_waited_out_and_nothing_else() {
        let soon = CallError::Retry { message: "busy".into(), after: Some(Duration::ZERO) };
        assert_eq!(ask(soon.clone(), 3).await, (3, Ok(3)));
        assert_eq!(ask(soon.clone(), 99).await, (TRIES, Err(soon)));
        let refused = CallError::refused("no");
        assert_eq!(ask(refused.clone(), 2).await, (1, Err(refused)));
        let much_later = CallError::Retry { message: "busy".into(), after: Some(Duration::from_secs(3600)) };
        assert_eq!(ask(much_later.clone(), 2).await, (1, Err(much_later)));
    }
}
