//! Sets of headers: which names belong to which field is known to the types alone.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::super::model::{Field, Record};

/// The headers that are not for `set`, as an expression of type `&[&[&str]]`.
pub(super) fn taken(record: &Record<'_>, set: &Field<'_>) -> TokenStream {
    let others = record.header_sets().filter(|other| other.name != set.name);
    taken_with(record, others)
}

/// What must hold: no header belongs to two fields, and one set at most takes all others.
pub(super) fn assertions(record: &Record<'_>) -> Vec<TokenStream> {
    let sets: Vec<_> = record.header_sets().collect();
    let mut assertions = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        let before = &sets[..index];
        if before.is_empty() && record.header_names().is_empty() {
            continue;
        }
        let (ty, span) = (set.ty, set.ty.span());
        let taken = taken_with(record, before.iter().copied());
        let twice = format!(
            "field `{}` takes a header that another field of `{}` takes already: a header belongs \
             to one field",
            set.name, record.name
        );
        assertions.push(quote_spanned! {span=>
            ::core::assert!(
                !__record::__private::is_taken(
                    <#ty as __record::KafkaHeaders>::NAMES,
                    #taken,
                ),
                #twice
            )
        });
        if before.is_empty() {
            continue;
        }
        let types = before.iter().map(|set| set.ty);
        let two_maps = format!(
            "field `{}` is the second one of `{}` that takes all other headers: keep one of them",
            set.name, record.name
        );
        assertions.push(quote_spanned! {span=>
            ::core::assert!(
                !(<#ty as __record::KafkaHeaders>::TAKES_OTHERS
                    && (#(<#types as __record::KafkaHeaders>::TAKES_OTHERS)||*)),
                #two_maps
            )
        });
    }
    assertions
}

fn taken_with<'r, 'a: 'r>(
    record: &Record<'_>,
    sets: impl Iterator<Item = &'r Field<'a>>,
) -> TokenStream {
    let own = record.header_names();
    let types = sets.map(|set| set.ty);
    quote!(&[&[#(#own),*], #(<#types as __record::KafkaHeaders>::NAMES),*])
}
