//! How the fields of a struct become the values of properties, and back.

use crate::hash::{BlobHash, HASH_LEN, IdHash, InstanceId, ObjectHash, PersonId, Reference, decode};
use crate::value::Value;

/// 32 bytes of a key. In objects they are 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; HASH_LEN]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", hex::encode(self.0))
    }
}

/// One value.
pub(super) trait Scalar: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: &Value) -> Option<Self>;
}

impl Scalar for String {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }

    fn from_value(value: &Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text.clone()) } else { None }
    }
}

/// Whole numbers that JavaScript counts exactly: times in milliseconds, sizes, depths.
impl Scalar for u64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "what is too large for a number is refused when it is read, by everybody"
    )]
    fn to_value(&self) -> Value {
        Value::Number(*self as f64)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only whole numbers from 0 to 2^53 - 1 get there"
    )]
    fn from_value(value: &Value) -> Option<Self> {
        const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
        match value {
            Value::Number(number) if number.fract() == 0.0 && (0.0..=MAX_SAFE).contains(number) => Some(*number as u64),
            _ => None,
        }
    }
}

impl Scalar for bool {
    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Boolean(is_so) = value { Some(*is_so) } else { None }
    }
}

impl Scalar for f64 {
    fn to_value(&self) -> Value {
        Value::Number(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Number(number) = value { Some(*number) } else { None }
    }
}

/// Bytes of a fixed length as lower-case hex.
macro_rules! hex_scalar {
    ($type:ty, $bytes:ident => $take:expr, $give:expr) => {
        impl Scalar for $type {
            fn to_value(&self) -> Value {
                let $bytes = self;
                Value::String(hex::encode($give))
            }

            fn from_value(value: &Value) -> Option<Self> {
                let Value::String(text) = value else { return None };
                let $bytes = text;
                $take
            }
        }
    };
}

hex_scalar!(Key, it => decode(it).ok().map(Key), it.0);
hex_scalar!([u8; 64], it => {
    let (first, second) = it.split_at_checked(64)?;
    let mut bytes = [0; 64];
    bytes[..HASH_LEN].copy_from_slice(&decode(first).ok()?);
    bytes[HASH_LEN..].copy_from_slice(&decode(second).ok()?);
    Some(bytes)
}, it);

/// Hashes of one kind.
macro_rules! reference_scalar {
    ($($type:ty: $kind:ident),*) => {$(
        impl Scalar for $type {
            fn to_value(&self) -> Value {
                Value::Reference(Reference::$kind((*self).into()))
            }

            fn from_value(value: &Value) -> Option<Self> {
                if let Value::Reference(Reference::$kind(hash)) = value { Some((*hash).into()) } else { None }
            }
        }
    )*};
}

reference_scalar!(ObjectHash: Object, IdHash: Id, PersonId: Id, InstanceId: Id, BlobHash: Blob);

/// In which kind of property a field lies.
pub(super) struct One;
pub(super) struct Array;
pub(super) struct Bag;
pub(super) struct Set;
pub(super) struct MapOfSets;

/// A field that lies in a property of kind `K`. `None` is a missing property.
pub(super) trait Field<K>: Sized {
    fn put(&self) -> Option<Value>;
    fn take(value: Option<&Value>) -> Option<Self>;
}

impl<T: Scalar> Field<One> for T {
    fn put(&self) -> Option<Value> {
        Some(self.to_value())
    }

    fn take(value: Option<&Value>) -> Option<Self> {
        T::from_value(value?)
    }
}

impl<T: Scalar> Field<One> for Option<T> {
    fn put(&self) -> Option<Value> {
        self.as_ref().map(T::to_value)
    }

    fn take(value: Option<&Value>) -> Option<Self> {
        match value {
            None => Some(None),
            Some(value) => T::from_value(value).map(Some),
        }
    }
}

/// Lists of one kind, which may also be optional.
macro_rules! list_fields {
    ($($kind:ident),*) => {$(
        impl<T: Scalar> Field<$kind> for Vec<T> {
            fn put(&self) -> Option<Value> {
                Some(Value::$kind(self.iter().map(T::to_value).collect()))
            }

            fn take(value: Option<&Value>) -> Option<Self> {
                let Value::$kind(items) = value? else { return None };
                items.iter().map(T::from_value).collect()
            }
        }

        impl<T: Scalar> Field<$kind> for Option<Vec<T>> {
            fn put(&self) -> Option<Value> {
                self.as_ref().and_then(Field::<$kind>::put)
            }

            fn take(value: Option<&Value>) -> Option<Self> {
                match value {
                    None => Some(None),
                    some => <Vec<T> as Field<$kind>>::take(some).map(Some),
                }
            }
        }
    )*};
}

list_fields!(Array, Bag, Set);

impl<K: Scalar, V: Scalar> Field<MapOfSets> for Vec<(K, Vec<V>)> {
    fn put(&self) -> Option<Value> {
        let set = |values: &Vec<V>| Value::Set(values.iter().map(V::to_value).collect());
        Some(Value::Map(self.iter().map(|(key, values)| (key.to_value(), set(values))).collect()))
    }

    fn take(value: Option<&Value>) -> Option<Self> {
        let Value::Map(entries) = value? else { return None };
        entries.iter().map(|(key, set)| Some((K::from_value(key)?, <Vec<V> as Field<Set>>::take(Some(set))?))).collect()
    }
}

/// Defines a struct and how it becomes an object.
macro_rules! typed {
    ($(#[$doc:meta])* $name:ident $([$versioned:ident])? { $($fields:tt)* }) => {
        crate::typed::field::typed! { @ $(#[$doc])* $name, stringify!($name), $([$versioned])? { $($fields)* } }
    };
    // Where the type has a name that no struct has.
    ($(#[$doc:meta])* $name:ident as $one_type:literal $([$versioned:ident])? { $($fields:tt)* }) => {
        crate::typed::field::typed! { @ $(#[$doc])* $name, $one_type, $([$versioned])? { $($fields)* } }
    };
    (@ $(#[$doc:meta])* $name:ident, $one_type:expr, $([$versioned:ident])? {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $kind:ident $property:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl crate::typed::Typed for $name {
            const TYPE: &'static str = $one_type;

            fn to_object(&self) -> crate::value::Object {
                let mut object = crate::value::Object::new(Self::TYPE);
                $(
                    if let Some(value) = crate::typed::field::Field::<crate::typed::field::$kind>::put(&self.$field) {
                        object.fields.insert($property.to_owned(), value);
                    }
                )*
                object
            }

            fn from_object(object: &crate::value::Object) -> Result<Self, crate::error::ReadError> {
                if object.type_name != Self::TYPE {
                    let found = object.type_name.clone();
                    return Err(crate::error::ReadError::OtherType { expected: Self::TYPE, found });
                }
                Ok(Self {
                    $($field: crate::typed::field::Field::<crate::typed::field::$kind>::take(object.get($property))
                        .ok_or(crate::error::ReadError::Field($property))?,)*
                })
            }
        }

        $(impl crate::typed::$versioned for $name {})?
    };
}

pub(super) use typed;
