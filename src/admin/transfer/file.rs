//! The file's lines, written and read.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::TransferFault;
use crate::store::{Cell, Table};

/// What this version writes, and the newest it understands.
pub const VERSION: u32 = 1;

/// Bytes of the longest line that is read. A logo of the largest size that is taken is far shorter.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

type Result<T> = std::result::Result<T, TransferFault>;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub locum_export: u32,
    /// The program that wrote it.
    pub locum: String,
    /// The newest step of the tables that the rows are of.
    pub tables: i64,
    pub created_at: String,
    /// By which it is known whether two servers have the same secret key.
    pub key: String,
    pub issuers: Vec<Whose>,
    /// Chains of events that are no issuer's: the server's, and those of issuers that are gone.
    pub chains: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    pub id: Uuid,
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct RowLine {
    table: String,
    of: Uuid,
    row: Map<String, Json>,
}

#[derive(Serialize, Deserialize)]
struct CountsLine {
    rows: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
struct MacLine {
    mac: String,
}

/// Says nothing of the key, and is the same only for the same key.
pub fn fingerprint(key: &hmac::Key) -> String {
    let tag = hmac::sign(key, b"locum export: which key");
    hex(tag.as_ref().get(..8).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub struct Writer<W> {
    out: W,
    mac: hmac::Context,
    rows: BTreeMap<String, u64>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, key: &hmac::Key, header: &Header) -> Result<Self> {
        let mut writer = Self {
            out,
            mac: hmac::Context::with_key(key),
            rows: BTreeMap::new(),
        };
        writer.line(header)?;
        Ok(writer)
    }

    pub fn row(&mut self, table: &Table, of: Uuid, cells: &[Cell]) -> Result<()> {
        let names = table.columns.iter().map(|column| column.name.to_owned());
        let line = RowLine {
            table: table.name.to_owned(),
            of,
            row: names.zip(cells.iter().map(Cell::to_json)).collect(),
        };
        *self.rows.entry(line.table.clone()).or_insert(0) += 1;
        self.line(&line)
    }

    /// Writes the end. Returns how many rows there are.
    pub fn finish(mut self) -> Result<u64> {
        let rows = std::mem::take(&mut self.rows);
        let count = rows.values().sum();
        self.line(&CountsLine { rows })?;
        let mac = hex(self.mac.clone().sign().as_ref());
        self.line(&MacLine { mac })?;
        self.out.flush()?;
        Ok(count)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<()> {
        // Made of strings, numbers and lists: there is always a JSON.
        let mut bytes = serde_json::to_vec(line).map_err(std::io::Error::from)?;
        bytes.push(b'\n');
        self.mac.update(&bytes);
        self.out.write_all(&bytes)?;
        Ok(())
    }
}

/// A row as it was read.
pub struct ReadRow {
    pub table: &'static Table,
    pub of: Uuid,
    pub cells: Vec<Cell>,
}

/// Reads a file to its end, and knows at the end whether it is as it was written.
pub struct Reader<R> {
    input: R,
    mac: hmac::Context,
    line: usize,
    rows: BTreeMap<String, u64>,
    pub header: Header,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// `NotAnExport`, `Newer`, `OtherSecretKey`.
    pub fn new(mut input: R, key: &hmac::Key) -> Result<Self> {
        let first = read_line(&mut input, 1)?.ok_or(TransferFault::NotAnExport)?;
        // A newer version may say more, or less, but says that.
        let json: Json = serde_json::from_slice(&first).map_err(|_| TransferFault::NotAnExport)?;
        let version = json.get("locum_export").and_then(Json::as_u64);
        let version = version.ok_or(TransferFault::NotAnExport)?;
        if version > u64::from(VERSION) {
            let by = json.get("locum").and_then(Json::as_str).unwrap_or("?");
            return Err(TransferFault::Newer { by: by.to_owned() });
        }
        let header: Header =
            serde_json::from_value(json).map_err(|_| TransferFault::NotAnExport)?;
        if header.key != fingerprint(key) {
            return Err(TransferFault::OtherSecretKey);
        }
        let mut mac = hmac::Context::with_key(key);
        mac.update(&first);
        Ok(Self {
            input,
            mac,
            line: 1,
            rows: BTreeMap::new(),
            header,
        })
    }

    /// The next row; `None` at the end, when everything before it is as it was written.
    ///
    /// # Errors
    /// `Truncated`, `Tampered`, `Malformed`.
    pub fn next_row(&mut self) -> Result<Option<ReadRow>> {
        let line = self.next_line()?;
        if let Ok(counts) = serde_json::from_slice::<CountsLine>(&line) {
            self.mac.update(&line);
            self.check_end()?;
            return if counts.rows == self.rows {
                Ok(None)
            } else {
                Err(TransferFault::Tampered)
            };
        }
        self.mac.update(&line);
        let malformed = TransferFault::Malformed { line: self.line };
        match read_row(&line) {
            Some(row) => {
                let count = self.rows.entry(row.table.name.to_owned()).or_insert(0);
                *count += 1;
                Ok(Some(row))
            }
            None => Err(self.why(malformed)),
        }
    }

    fn next_line(&mut self) -> Result<Vec<u8>> {
        let line = read_line(&mut self.input, self.line + 1)?;
        let line = line.ok_or(TransferFault::Truncated { line: self.line })?;
        self.line += 1;
        Ok(line)
    }

    /// The last line: a MAC over all the others, and nothing after it.
    fn check_end(&mut self) -> Result<()> {
        let line = self.next_line()?;
        let written: MacLine =
            serde_json::from_slice(&line).map_err(|_| TransferFault::Tampered)?;
        let expected = hex(self.mac.clone().sign().as_ref());
        let is_right: bool = written.mac.as_bytes().ct_eq(expected.as_bytes()).into();
        let is_last = read_line(&mut self.input, self.line + 1)?.is_none();
        if is_right && is_last {
            Ok(())
        } else {
            Err(TransferFault::Tampered)
        }
    }

    /// A line that is not understood: because somebody has been at the file, or because it was
    /// written like that. Only the end can tell.
    fn why(&mut self, malformed: TransferFault) -> TransferFault {
        loop {
            let line = match self.next_line() {
                Ok(line) => line,
                Err(fault) => return fault,
            };
            self.mac.update(&line);
            if serde_json::from_slice::<CountsLine>(&line).is_ok() {
                return match self.check_end() {
                    Ok(()) => malformed,
                    Err(fault) => fault,
                };
            }
        }
    }
}

/// A line with its end; `None` at the end of the file. One that breaks off is none.
fn read_line(input: &mut impl BufRead, number: usize) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)?;
    match line.last() {
        _ if read == 0 => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        _ => Err(TransferFault::Truncated { line: number - 1 }),
    }
}

/// `None` when it is no row of a table of this version.
fn read_row(line: &[u8]) -> Option<ReadRow> {
    let RowLine { table, of, row } = serde_json::from_slice(line).ok()?;
    let table = Table::find(&table)?;
    let cells = table.columns.iter();
    let cells = cells.map(|column| Cell::from_json(column, row.get(column.name)?));
    let cells = cells.collect::<Option<Vec<Cell>>>()?;
    (row.len() == cells.len()).then_some(ReadRow { table, of, cells })
}
