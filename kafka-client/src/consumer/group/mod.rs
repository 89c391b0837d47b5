#[expect(unused_imports, reason = "the membership that calls it is to come")]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the membership that calls it is to come")
)]
mod assignor;

pub use assignor::Assignor;
