//! The fields of a JSON object that a message may have, whatever their types are, and nothing kept of the rest.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The fields of a message, not yet judged.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) kind: Scalar,
    pub(super) id: Scalar,
    pub(super) data: Scalar,
    pub(super) version: Scalar,
    pub(super) token: Scalar,
    pub(super) attempt: Scalar,
    pub(super) seq: Scalar,
    pub(super) prev: Scalar,
    pub(super) max: Scalar,
    pub(super) why: Scalar,
    pub(super) list: Scalar,
    pub(super) next: Scalar,
    pub(super) migrate: Scalar,
}

/// A field's value, as far as it matters.
#[derive(Default)]
pub(super) enum Scalar {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// A whole number, however it was written.
    Integer(i64),
    Text(String),
    /// Anything else; its contents are not kept.
    Other,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// By hand, because a derived struct would also take an array.
struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen = [false; 13];
        while let Some(name) = map.next_key::<String>()? {
            let (index, slot) = match name.as_str() {
                "type" => (0, &mut fields.kind),
                "id" => (1, &mut fields.id),
                "data" => (2, &mut fields.data),
                "v" => (3, &mut fields.version),
                "token" => (4, &mut fields.token),
                "seq" => (5, &mut fields.seq),
                "prev" => (6, &mut fields.prev),
                "try" => (7, &mut fields.attempt),
                "why" => (8, &mut fields.why),
                "max" => (9, &mut fields.max),
                "list" => (10, &mut fields.list),
                "next" => (11, &mut fields.next),
                "migrate" => (12, &mut fields.migrate),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // Two readers that took different ones of a pair would see two different messages.
            if std::mem::replace(&mut seen[index], true) {
                return Err(A::Error::custom("a field twice"));
            }
            *slot = map.next_value()?;
        }
        Ok(fields)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        // Up to 2^53 a whole f64 is exact; no id or type is anywhere near.
        let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        #[allow(clippy::cast_possible_truncation, reason = "checked on the line above")]
        Ok(if exact {
            Scalar::Integer(number as i64)
        } else {
            Scalar::Other
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
