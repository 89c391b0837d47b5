//! `rename_all`: serde's rules, by serde's names.

use proc_macro2::Ident;
use syn::LitStr;
use syn::ext::IdentExt as _;

#[derive(Clone, Copy)]
pub(super) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

/// The rules' names.
pub(super) fn names() -> [&'static str; 8] {
    CASES.map(|(name, _)| name)
}

impl Case {
    pub(super) fn of(rule: &LitStr) -> Option<Self> {
        let rule = rule.value();
        let found = CASES.iter().find(|(name, _)| *name == rule)?;
        Some(found.1)
    }
}

/// The name of a variant, which is in `PascalCase`.
pub(super) fn apply(case: Option<Case>, name: &Ident) -> String {
    let name = name.unraw().to_string();
    match case {
        None | Some(Case::Pascal) => name,
        Some(Case::Lower) => name.to_lowercase(),
        Some(Case::Upper) => name.to_uppercase(),
        Some(Case::Camel) => {
            let mut letters = name.chars();
            let first = letters.next().into_iter().flat_map(char::to_lowercase);
            first.chain(letters).collect()
        }
        Some(Case::Snake) => separated(&name, '_'),
        Some(Case::ScreamingSnake) => separated(&name, '_').to_uppercase(),
        Some(Case::Kebab) => separated(&name, '-'),
        Some(Case::ScreamingKebab) => separated(&name, '-').to_uppercase(),
    }
}

fn separated(name: &str, separator: char) -> String {
    let mut separated = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            separated.push(separator);
        }
        separated.extend(letter.to_lowercase());
    }
    separated
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn names_in_each_case() {
        let name = Ident::new("OrderPlaced", Span::call_site());
        let all = CASES.map(|(_, case)| apply(Some(case), &name));
        let wanted = [
            "orderplaced",
            "ORDERPLACED",
            "OrderPlaced",
            "orderPlaced",
            "order_placed",
            "ORDER_PLACED",
            "order-placed",
            "ORDER-PLACED",
        ];
        assert_eq!(all, wanted);
        assert_eq!(apply(None, &name), "OrderPlaced");
    }
}
