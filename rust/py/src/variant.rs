//! The name that serde writes for a variant, without writing it: for columns of words.

use std::fmt;

use serde::ser::{Error, Impossible, Serialize, Serializer};

/// The name of a variant in the words of the configuration and the ledger; empty for what is no enum.
pub(crate) fn name_of<T: Serialize>(variant: &T) -> &'static str {
    match variant.serialize(Name) {
        Ok(never) => match never {},
        Err(Found(name)) => name,
    }
}

struct Name;

/// Serialising ends at the name: it leaves as the error.
#[derive(Debug)]
struct Found(&'static str);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Found {}

impl Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("")
    }
}

enum Never {}

macro_rules! nothing {
    ($($method:ident: $kind:ty,)*) => {
        $(fn $method(self, _: $kind) -> Result<Never, Found> {
            Err(Found(""))
        })*
    };
}

impl Serializer for Name {
    type Ok = Never;
    type Error = Found;
    type SerializeSeq = Impossible<Never, Found>;
    type SerializeTuple = Impossible<Never, Found>;
    type SerializeTupleStruct = Impossible<Never, Found>;
    type SerializeTupleVariant = Impossible<Never, Found>;
    type SerializeMap = Impossible<Never, Found>;
    type SerializeStruct = Impossible<Never, Found>;
    type SerializeStructVariant = Impossible<Never, Found>;

    nothing! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8],
        serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<Never, Found> {
        Err(Found(""))
    }
    fn serialize_unit(self) -> Result<Never, Found> {
        Err(Found(""))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Never, Found> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Never, Found> {
        Err(Found(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<Never, Found> {
        Err(Found(""))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<Never, Found> {
        Err(Found(variant))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Found> {
        Err(Found(""))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Found> {
        Err(Found(""))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Found> {
        Err(Found(""))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Found> {
        Err(Found(variant))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Found> {
        Err(Found(""))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Found> {
        Err(Found(""))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Found> {
        Err(Found(variant))
    }
}

#[cfg(test)]
mod tests {
    use mirrorfast_core::order::{BrokerEventKind, OrderKind, Side};

    use super::name_of;

    #[test]
    fn names_are_those_of_serde() {
        assert_eq!(name_of(&Side::Buy), "buy");
        assert_eq!(name_of(&OrderKind::TrailingStop { distance: 1.0, trigger: 2.0 }), "trailing_stop");
        assert_eq!(name_of(&Some(BrokerEventKind::Accepted)), "accepted");
        assert_eq!(name_of(&1.0), "");
    }
}
