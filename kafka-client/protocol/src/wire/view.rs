//! Messages read in place, without an allocation.

use std::fmt;
use std::marker::PhantomData;

use super::{Reader, Version};
use crate::error::{DecodeError, DecodeErrorKind};

/// A value read in place: strings and bytes are slices of the frame, arrays are decoded while they
/// are iterated.
///
/// `#[derive(Message)]` writes it for the structs with `#[message(view)]`, under the struct's name
/// with `View` behind it.
pub trait View<'a>: Sized {
    /// The bytes of every value in every version, for types that have such a number.
    const FIXED: Option<usize> = None;

    /// Takes the value from the front of `input`.
    ///
    /// # Errors
    /// When the bytes are not a valid value.
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError>;

    /// Passes over a value, checking it as much as reading it does: what is passed over here is
    /// read by [`View::view`] without an error, which arrays rely on.
    ///
    /// # Errors
    /// As [`View::view`].
    #[inline]
    fn skip(input: &mut Reader<'a>, version: Version) -> Result<(), DecodeError> {
        Self::view(input, version).map(|_| ())
    }
}

/// Takes a struct that may be null (KIP-893).
///
/// # Errors
/// When the bytes are neither the struct nor null.
#[doc(hidden)]
#[inline]
pub fn view_nullable<'a, T: View<'a>>(
    input: &mut Reader<'a>,
    version: Version,
) -> Result<Option<T>, DecodeError> {
    if i8::view(input, version)? < 0 {
        return Ok(None);
    }
    T::view(input, version).map(Some)
}

/// An array in place: it was checked when the struct around it was read, and is decoded again
/// while it is iterated.
#[derive(Clone)]
pub struct ArrayView<'a, T> {
    elements: &'a [u8],
    count: usize,
    version: Version,
    element: PhantomData<fn() -> T>,
}

impl<'a, T: View<'a>> ArrayView<'a, T> {
    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no elements.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The elements.
    #[must_use]
    #[inline]
    pub fn iter(&self) -> ArrayViewIter<'a, T> {
        ArrayViewIter {
            elements: Reader::in_place(self.elements),
            left: self.count,
            version: self.version,
            element: PhantomData,
        }
    }
}

impl<'a, T: View<'a> + fmt::Debug> fmt::Debug for ArrayView<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T> Default for ArrayView<'_, T> {
    /// No elements.
    fn default() -> Self {
        Self {
            elements: &[],
            count: 0,
            version: Version::PLAIN,
            element: PhantomData,
        }
    }
}

impl<'a, T: View<'a>> IntoIterator for &ArrayView<'a, T> {
    type Item = T;
    type IntoIter = ArrayViewIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T: View<'a>> View<'a> for Option<ArrayView<'a, T>> {
    #[inline]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let Some(count) = input.array_length(version)? else {
            return Ok(None);
        };
        let before = input.clone();
        skip_elements::<T>(count, input, version)?;
        let elements = before.until(input);
        Ok(Some(ArrayView {
            elements,
            count,
            version,
            element: PhantomData,
        }))
    }

    #[inline]
    fn skip(input: &mut Reader<'a>, version: Version) -> Result<(), DecodeError> {
        match input.array_length(version)? {
            Some(count) => skip_elements::<T>(count, input, version),
            None => Ok(()),
        }
    }
}

impl<'a, T: View<'a>> View<'a> for ArrayView<'a, T> {
    #[inline]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        match <Option<Self>>::view(input, version)? {
            Some(array) => Ok(array),
            None => Err(input.error(DecodeErrorKind::UnexpectedNull)),
        }
    }

    #[inline]
    fn skip(input: &mut Reader<'a>, version: Version) -> Result<(), DecodeError> {
        match input.array_length(version)? {
            Some(count) => skip_elements::<T>(count, input, version),
            None => Err(input.error(DecodeErrorKind::UnexpectedNull)),
        }
    }
}

#[inline]
fn skip_elements<'a, T: View<'a>>(
    count: usize,
    input: &mut Reader<'a>,
    version: Version,
) -> Result<(), DecodeError> {
    input.afford(count, 0)?;
    if let Some(size) = T::FIXED {
        return input.slice(size.saturating_mul(count)).map(|_| ());
    }
    for _ in 0..count {
        T::skip(input, version)?;
    }
    Ok(())
}

/// The elements of an [`ArrayView`].
#[derive(Clone)]
pub struct ArrayViewIter<'a, T> {
    elements: Reader<'a>,
    left: usize,
    version: Version,
    element: PhantomData<fn() -> T>,
}

impl<'a, T: View<'a>> Iterator for ArrayViewIter<'a, T> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // The bytes were passed over before, so this does not fail.
        let element = T::view(&mut self.elements, self.version);
        debug_assert!(element.is_ok(), "what was passed over cannot be read");
        element.ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: View<'a>> ExactSizeIterator for ArrayViewIter<'a, T> {}
