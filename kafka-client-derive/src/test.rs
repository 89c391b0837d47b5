//! `#[kafka_client::test]`: an async function becomes a test that runs with a broker.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, ItemFn, LitInt, LitStr, Path, Token, parenthesized, parse_quote};

use crate::record::{Errors, suggestion, topic_named};

const ARGUMENTS: &[&str] = &["topics", "properties", "time_limit_secs", "crate"];

/// The most partitions of a topic in a test's broker.
const PARTITIONS_MAX: i32 = 10_000;

#[derive(Default)]
struct Arguments {
    topics: Vec<LitStr>,
    properties: Vec<LitStr>,
    time_limit_secs: Option<LitInt>,
    krate: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Self::default();
        while !input.is_empty() {
            // `crate` is a keyword.
            let name: Ident = input.call(Ident::parse_any)?;
            match name.to_string().as_str() {
                "topics" => all.topics.extend(literals(input)?),
                "properties" => all.properties.extend(literals(input)?),
                "time_limit_secs" => {
                    input.parse::<Token![=]>()?;
                    all.time_limit_secs = Some(input.parse()?);
                }
                "crate" => {
                    input.parse::<Token![=]>()?;
                    all.krate = Some(input.parse()?);
                }
                other => {
                    let hint = suggestion(other, ARGUMENTS);
                    let message = format!("unknown argument `{other}`: {hint}");
                    return Err(syn::Error::new(name.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(all)
    }
}

fn literals(input: ParseStream<'_>) -> syn::Result<Punctuated<LitStr, Token![,]>> {
    let inside;
    parenthesized!(inside in input);
    Punctuated::parse_terminated(&inside)
}

pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments: Arguments = syn::parse2(arguments).unwrap_or_else(|error| {
        errors.push(error);
        Arguments::default()
    });
    let function: ItemFn = match syn::parse2(function) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    check(&function, &mut errors);
    let krate = arguments.krate.clone();
    let krate: Path = krate.unwrap_or_else(|| parse_quote!(::kafka_client));
    let topics = arguments.topics.iter().map(|topic| {
        let (name, partitions) = split_topic(topic, &mut errors);
        quote!(.topic(#name, #partitions))
    });
    let topics: TokenStream = topics.collect();
    let properties = arguments.properties.iter().map(|property| {
        let text = property.value();
        let Some((name, value)) = text.split_once('=') else {
            errors.at(property, "a property is written as `\"name=value\"`");
            return TokenStream::new();
        };
        quote!(.property(#name, #value))
    });
    let properties: TokenStream = properties.collect();
    let limit = arguments
        .time_limit_secs
        .as_ref()
        .map(|seconds| quote!(.time_limit(::core::time::Duration::from_secs(#seconds))));
    if let Some(errors) = errors.into_compile_errors() {
        // Without the function: what is wrong with it is said.
        return errors;
    }
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = &function;
    let (name, inputs, output) = (&sig.ident, &sig.inputs, &sig.output);
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() #output {
            async fn test(#inputs) #output #block
            #krate::testing::run(
                #krate::testing::Setup::new() #topics #properties #limit,
                test,
            )
        }
    }
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    let wanted = format!("write `async fn {}(kafka: TestKafka)`", signature.ident);
    if signature.asyncness.is_none() {
        let message = format!("a test with a broker is an async function: {wanted}");
        errors.at(signature.fn_token, message);
    }
    if signature.inputs.len() != 1 {
        let found = signature.inputs.len();
        let message = format!("a test with a broker has one argument, not {found}: {wanted}");
        errors.at(&signature.ident, message);
    }
    if !signature.generics.params.is_empty() {
        errors.at(&signature.generics, "a test has no generic parameters");
    }
    let is_test = |path: &Path| {
        path.segments
            .last()
            .is_some_and(|last| last.ident == "test")
    };
    if let Some(test) = function
        .attrs
        .iter()
        .find(|attribute| is_test(attribute.path()))
    {
        errors.at(test, "this makes it a test twice: leave it out");
    }
}

/// The name and the number of partitions of `"orders:3"`.
fn split_topic(topic: &LitStr, errors: &mut Errors) -> (String, i32) {
    let text = topic.value();
    let (name, partitions) = match text.split_once(':') {
        None => (&*text, Some(1)),
        Some((name, partitions)) => (name, partitions.parse().ok()),
    };
    topic_named(topic, name, errors);
    let partitions = partitions.filter(|count| (1..=PARTITIONS_MAX).contains(count));
    if partitions.is_none() {
        let range = format!("a number of partitions from 1 to {PARTITIONS_MAX}");
        errors.at(
            topic,
            format!("behind the colon is {range}, as in `\"orders:3\"`"),
        );
    }
    (name.to_owned(), partitions.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a test that is written so.
    fn told(arguments: TokenStream, function: TokenStream) -> String {
        expand(arguments, function).to_string()
    }

    fn right() -> TokenStream {
        quote!(
            async fn right(kafka: TestKafka) {}
        )
    }

    #[test]
    fn a_function_becomes_a_test_with_what_it_is_to_have() {
        let arguments = quote!(
            topics("orders:3", "users"),
            properties("a=b=c"),
            time_limit_secs = 60
        );
        let expanded = told(arguments, right());
        let setup = quote!(
            ::kafka_client::testing::Setup::new()
                .topic("orders", 3i32)
                .topic("users", 1i32)
                .property("a", "b=c")
                .time_limit(::core::time::Duration::from_secs(60))
        );
        assert!(expanded.contains(&setup.to_string()), "{expanded}");
        assert!(!expanded.contains("compile_error"));
        let renamed = told(quote!(crate = my::kafka), right());
        assert!(
            renamed.contains("my :: kafka :: testing :: run"),
            "{renamed}"
        );
    }

    #[test]
    fn a_function_that_is_no_test_is_told_what_to_write() {
        for (function, message) in [
            (
                quote!(
                    fn billed(kafka: TestKafka) {}
                ),
                "is an async function: write `async fn billed(kafka: TestKafka)`",
            ),
            (
                quote!(
                    async fn billed() {}
                ),
                "one argument, not 0: write `async fn billed(kafka: TestKafka)`",
            ),
            (
                quote!(
                    async fn billed(a: TestKafka, b: TestKafka) {}
                ),
                "one argument, not 2",
            ),
            (
                quote!(
                    async fn billed<T>(kafka: TestKafka) {}
                ),
                "no generic parameters",
            ),
            (
                quote!(
                    #[tokio::test]
                    async fn billed(kafka: TestKafka) {}
                ),
                "a test twice: leave it out",
            ),
        ] {
            let told = told(TokenStream::new(), function);
            assert!(
                told.contains("compile_error") && told.contains(message),
                "{told}"
            );
        }
    }

    #[test]
    fn arguments_that_mean_nothing_are_told() {
        for (arguments, message) in [
            (
                quote!(topic("a")),
                "unknown argument `topic`: did you mean `topics`?",
            ),
            (quote!(time_limit_secs = "60"), "expected integer literal"),
            (quote!(topics = "a"), "expected parentheses"),
            (quote!(topics("a b")), "only the characters"),
            (quote!(topics("")), "a topic needs a name"),
            (quote!(topics("a:0")), "from 1 to 10000"),
            (quote!(topics("a:many")), "from 1 to 10000"),
            (quote!(topics("a:10001")), "from 1 to 10000"),
            (
                quote!(properties("a: b")),
                "written as `\\\"name=value\\\"`",
            ),
        ] {
            let told = told(arguments, right());
            assert!(
                told.contains("compile_error") && told.contains(message),
                "{told}"
            );
        }
    }
}
