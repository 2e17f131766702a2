//! Small values with names and types.
//!
//! ```
//! # use ratatosk_store::SettingKey;
//! const NAME: SettingKey<String> = SettingKey::new("instance name");
//! ```

use std::borrow::Cow;
use std::marker::PhantomData;

use rusqlite::types::FromSqlError;

use crate::error::Error;
use crate::row;
use crate::transaction::Transaction;
use crate::view::View;

/// The most bytes of a setting.
const MAX: usize = 64 << 10;

/// The name of a setting, and the type of its value.
#[derive(Clone, Debug)]
pub struct SettingKey<T> {
    name: Cow<'static, str>,
    value: PhantomData<fn() -> T>,
}

impl<T: Setting> SettingKey<T> {
    /// Names a setting.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), value: PhantomData }
    }

    /// Names the setting that one of many things has: `purpose`, and which thing.
    #[must_use]
    pub fn of(purpose: &str, which: impl std::fmt::Display) -> Self {
        Self { name: Cow::Owned(format!("{purpose} {which}")), value: PhantomData }
    }
}

/// What can be a setting: `bool`, `i64`, `String`, `Vec<u8>`.
pub trait Setting: sealed::Setting {}

impl<T: sealed::Setting> Setting for T {}

mod sealed {
    use rusqlite::ToSql;
    use rusqlite::types::FromSql;

    pub trait Setting: ToSql + FromSql {
        /// How many bytes it takes.
        fn size(&self) -> usize;
    }

    impl Setting for bool {
        fn size(&self) -> usize {
            1
        }
    }

    impl Setting for i64 {
        fn size(&self) -> usize {
            8
        }
    }

    impl Setting for String {
        fn size(&self) -> usize {
            self.len()
        }
    }

    impl Setting for Vec<u8> {
        fn size(&self) -> usize {
            self.len()
        }
    }
}

impl View<'_> {
    /// The value of a setting, if it was ever set.
    ///
    /// # Errors
    ///
    /// [`Error::SettingType`] if what was set has another type, or the database's.
    pub fn setting<T: Setting>(&self, key: &SettingKey<T>) -> Result<Option<T>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
        let value = row::only(statement.query_row([&key.name], |row| row.get_ref(0).map(T::column_result)))?;
        value.transpose().map_err(|_: FromSqlError| Error::SettingType(key.name.to_string()))
    }
}

impl Transaction<'_> {
    /// Sets a setting, to a value of at most 64 KiB.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], or the database's.
    pub fn set_setting<T: Setting>(&mut self, key: &SettingKey<T>, value: &T) -> Result<(), Error> {
        if value.size() > MAX {
            return Err(Error::TooLarge(MAX as u64));
        }
        let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection.prepare_cached(sql)?.execute((&key.name, value))?;
        Ok(())
    }

    /// Takes a setting away.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn clear_setting<T>(&mut self, key: &SettingKey<T>) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM settings WHERE name = ?1")?.execute([&key.name])?;
        Ok(())
    }
}
