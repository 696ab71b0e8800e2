//! All that is encrypted, wherever it is: for whoever changes the key.
//!
//! It is read in bounded pieces by primary key, table after table, and written back one by one.

use rusqlite::params;

use super::Identity;
use crate::StoreError;

/// A table with encrypted secrets, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealedTable {
    /// Credentials, EC2 keys among them, by id.
    Credentials,
    /// Consumers, by id.
    Consumers,
    /// Options of domains, by domain, group and name.
    DomainOptions,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPlace {
    /// In which table.
    pub table: SealedTable,
    /// In which row; parts that the table's key does not have are empty.
    pub key: [String; 3],
}

/// An encrypted secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Where it is.
    pub place: SealedPlace,
    /// What the column holds: the ciphertext; for an option of a domain, the text that spells it.
    pub stored: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SealedTable {
    const ALL: [Self; 3] = [Self::Credentials, Self::Consumers, Self::DomainOptions];

    fn select(self) -> &'static str {
        match self {
            Self::Credentials => "SELECT id, '', '', sealed FROM credentials WHERE id > ?1 ORDER BY id LIMIT ?4",
            Self::Consumers => "SELECT id, '', '', sealed FROM consumers WHERE id > ?1 ORDER BY id LIMIT ?4",
            Self::DomainOptions => {
                "SELECT domain_id, group_name, name, CAST(value AS BLOB) FROM domain_configuration
                 WHERE sealed = 1 AND (domain_id, group_name, name) > (?1, ?2, ?3)
                 ORDER BY domain_id, group_name, name LIMIT ?4"
            }
        }
    }

    fn update(self) -> &'static str {
        match self {
            Self::Credentials => "UPDATE credentials SET sealed = ?4 WHERE id = ?1",
            Self::Consumers => "UPDATE consumers SET sealed = ?4 WHERE id = ?1",
            Self::DomainOptions => {
                "UPDATE domain_configuration SET value = CAST(?4 AS TEXT)
                 WHERE domain_id = ?1 AND group_name = ?2 AND name = ?3"
            }
        }
    }
}

impl Identity<'_> {
    /// The secrets after a place, or from the first on, at most so many.
    pub fn sealed_after(&self, after: Option<&SealedPlace>, most: usize) -> Result<Vec<Sealed>, StoreError> {
        let mut found = Vec::new();
        for table in SealedTable::ALL.into_iter().filter(|table| after.is_none_or(|after| *table >= after.table)) {
            let [first, second, third] = match after.filter(|after| after.table == table) {
                Some(after) => after.key.clone(),
                None => Default::default(),
            };
            let left = i64::try_from(most - found.len()).unwrap_or(i64::MAX);
            let mut statement = self.connection.prepare_cached(table.select())?;
            let rows = statement.query_map(params![first, second, third, left], |row| {
                let key = [row.get(0)?, row.get(1)?, row.get(2)?];
                Ok(Sealed { place: SealedPlace { table, key }, stored: row.get(3)? })
            })?;
            for row in rows {
                found.push(row?);
            }
        }
        Ok(found)
    }

    /// Puts another ciphertext in the place of one.
    pub fn put_sealed(&self, sealed: &Sealed) -> Result<(), StoreError> {
        let Sealed { place: SealedPlace { table, key: [first, second, third] }, stored } = sealed;
        self.connection.prepare_cached(table.update())?.execute(params![first, second, third, stored])?;
        Ok(())
    }
}
