//! What is read with every request, is changed seldom, and outlives the broker.

use std::sync::{Arc, Mutex, PoisonError};

/// A state and its changes: readers get the state as it is and hold no lock, changes come one after
/// the other, and a change holds once it is stored. However slow the disk is, nobody waits for it but
/// those who change something.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    now: Mutex<Arc<T>>,
    /// Held from a change's beginning until it is stored.
    change: Mutex<()>,
}

impl<T: Clone> Kept<T> {
    pub(crate) fn new(state: T) -> Self {
        Self {
            now: Mutex::new(Arc::new(state)),
            change: Mutex::new(()),
        }
    }

    /// The state as it is now.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, if the change and its storing succeed. May wait for the disk: requests do
    /// it [apart](crate::node::Node::apart).
    pub(crate) fn change<R, E>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
        store: impl FnOnce(&T, &T) -> Result<(), E>,
    ) -> Result<R, E> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.get();
        let mut changed = T::clone(&before);
        let result = change(&mut changed)?;
        store(&before, &changed)?;
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_the_old_state_until_the_new_one_is_stored() {
        let kept = Kept::new(1);
        let changed: Result<i32, ()> = kept.change(
            |state| {
                *state += 1;
                Ok(7)
            },
            |before, after| {
                assert_eq!((*before, *after, *kept.get()), (1, 2, 1));
                Ok(())
            },
        );
        assert_eq!((changed, *kept.get()), (Ok(7), 2));
    }

    #[test]
    fn what_is_not_stored_does_not_hold() {
        let kept = Kept::new(1);
        let changed = kept.change(
            |state| {
                *state += 1;
                Ok(())
            },
            |_, _| Err("full"),
        );
        assert_eq!((changed, *kept.get()), (Err("full"), 1));
    }
}
