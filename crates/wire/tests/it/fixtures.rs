/// The text of a file of the reference.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/twilio/", $name)).trim_end()
    };
}
pub(crate) use fixture;
