//! What is read from, a table or a query, and what its types mean: each column comes as exact text, and is taken for
//! what it is there, so that no amount is rounded and no id looks other than in the firm's own program.

use super::super::SourceError;
use super::super::row::{Cell, Columns, MAX_TEXT};
use super::connections::Lease;
use sqlx::postgres::{PgColumn, PgRow, PgTypeInfo, PgTypeKind};
use sqlx::{AssertSqlSafe, Column as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _, ValueRef as _};

/// A table or a query, with the kinds of the columns that are read.
#[derive(Debug)]
pub(super) struct Relation {
    /// What stands behind FROM, under the name `r`.
    from: String,
    list: String,
    kinds: Vec<Kind>,
    /// What invoice_id is.
    pub(super) ids: Ids,
}

impl Relation {
    /// Looks at what the user's query yields.
    pub(super) async fn of_query(lease: &mut Lease, from: String) -> Result<(Columns, Relation), SourceError> {
        let found = described(lease, "query", &from).await?;
        let columns = Columns::new(found.iter().map(|c| c.name().to_owned()).collect())?;
        let relation = Relation::new(from, &columns, &found)?;
        Ok((columns, relation))
    }

    /// Looks at what the user's re-read yields; it must have the columns of the query.
    pub(super) async fn of_reread(lease: &mut Lease, from: String, columns: &Columns) -> Result<Relation, SourceError> {
        let found = described(lease, "re-read", &from).await?;
        Relation::new(from, columns, &found)
    }

    fn new(from: String, columns: &Columns, found: &[PgColumn]) -> Result<Relation, SourceError> {
        let type_of = |name: &str| found.iter().find(|c| c.name() == name).map(|c| c.type_info());
        let missing = |name: &str| SourceError::Query {
            what: "re-read",
            why: format!("it yields no column {name}; wanted the same columns as those of the query"),
        };
        let (mut list, mut kinds) = (Vec::new(), Vec::new());
        for name in columns.names() {
            let kind = Kind::new(name, type_of(name).ok_or_else(|| missing(name))?);
            list.push(kind.selected(name));
            kinds.push(kind);
        }
        let ids = type_of("invoice_id").map_or(Ids::Other, |info| Ids::new(info.name()));
        Ok(Relation { from, list: list.join(", "), kinds, ids })
    }

    /// The statement that reads all of it.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.list, self.from)
    }

    /// The cells of a row of that statement.
    pub(super) fn cells(&self, row: &PgRow) -> Vec<Cell> {
        self.kinds.iter().enumerate().map(|(i, kind)| kind.cell(row, i)).collect()
    }
}

/// The columns of what stands behind FROM.
async fn described(lease: &mut Lease, what: &'static str, from: &str) -> Result<Vec<PgColumn>, SourceError> {
    let sql = AssertSqlSafe(format!("SELECT * FROM {from}")).into_sql_str();
    let statement = lease.run(what, async |c| c.prepare(sql).await).await?;
    Ok(statement.columns().to_vec())
}

/// What a column's type means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    Decimal,
    /// `money`, whose text has the signs of a country.
    Money,
    /// An array of tags.
    List,
    Text,
    /// What cannot be meant: bytes, JSON (whose texts stand in quotation marks), arrays, rows.
    Other,
}

impl Kind {
    fn new(column: &str, info: &PgTypeInfo) -> Kind {
        if matches!(info.kind(), PgTypeKind::Composite(_)) {
            return Kind::Other;
        }
        match info.name() {
            "INT2" | "INT4" | "INT8" | "OID" => Kind::Integer,
            "FLOAT4" | "FLOAT8" => Kind::Real,
            "NUMERIC" => Kind::Decimal,
            "MONEY" => Kind::Money,
            "TEXT[]" | "VARCHAR[]" | "CHAR[]" if column == "tags" => Kind::List,
            "BYTEA" | "JSON" | "JSONB" | "RECORD" | "VOID" => Kind::Other,
            name if name.ends_with("[]") => Kind::Other,
            _ => Kind::Text,
        }
    }

    /// The column as it stands in a SELECT.
    fn selected(self, name: &str) -> String {
        match self {
            Kind::Money => format!("CAST(CAST(r.\"{name}\" AS numeric) AS text)"),
            Kind::List => format!("left(array_to_string(r.\"{name}\", ','), {})", MAX_TEXT + 1),
            Kind::Other => format!("CASE WHEN r.\"{name}\" IS NULL THEN NULL ELSE '' END"),
            // Of a text no more than shows that it is too long, and left out.
            Kind::Text => format!("left(CAST(r.\"{name}\" AS text), {})", MAX_TEXT + 1),
            Kind::Integer | Kind::Real | Kind::Decimal => format!("CAST(r.\"{name}\" AS text)"),
        }
    }

    /// A cell of a row whose columns come as text.
    pub(super) fn cell(self, row: &PgRow, i: usize) -> Cell {
        let Ok(value) = row.try_get_raw(i) else { return Cell::Other };
        if value.is_null() {
            return Cell::Null;
        }
        // A database without an encoding may hold bytes that are no text.
        let Ok(text) = value.as_str() else { return Cell::Other };
        let as_text = || Cell::Text(text.to_owned());
        match self {
            Kind::Integer => text.parse().map_or_else(|_| as_text(), Cell::Integer),
            Kind::Real => text.parse().map_or_else(|_| as_text(), Cell::Real),
            Kind::Decimal | Kind::Money => Cell::Decimal(text.to_owned()),
            Kind::List | Kind::Text => as_text(),
            Kind::Other => Cell::Other,
        }
    }
}

/// The type of invoice_id: how it is compared so that an index of the firm's can serve, and what it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    Int2,
    Int4,
    Int8,
    Numeric,
    Uuid,
    /// Texts, which compare with texts.
    Text,
    /// `character(n)`, filled up with blanks that mean nothing.
    Padded,
    /// Any other, by its text.
    Other,
}

impl Ids {
    fn new(name: &str) -> Ids {
        match name {
            "INT2" => Ids::Int2,
            "INT4" => Ids::Int4,
            "INT8" => Ids::Int8,
            "NUMERIC" => Ids::Numeric,
            "UUID" => Ids::Uuid,
            "TEXT" | "VARCHAR" => Ids::Text,
            "CHAR" => Ids::Padded,
            _ => Ids::Other,
        }
    }

    /// The condition that invoice_id is one of those in the first parameter.
    pub(super) fn among_parameter(self) -> String {
        let own = match self {
            Ids::Int2 => "int2[]",
            Ids::Int4 => "int4[]",
            Ids::Int8 => "int8[]",
            Ids::Numeric => "numeric[]",
            Ids::Uuid => "uuid[]",
            Ids::Padded => "bpchar[]",
            Ids::Text => return "r.invoice_id = ANY($1::text[])".to_owned(),
            Ids::Other => return "CAST(r.invoice_id AS text) = ANY($1::text[])".to_owned(),
        };
        format!("r.invoice_id = ANY(CAST($1::text[] AS {own}))")
    }

    /// An order in which the same ids stand together. Texts are ordered by their bytes: in a firm's own order two that
    /// differ may count as equal, and a third could stand between the two that are the same.
    pub(super) fn in_order(self) -> &'static str {
        match self {
            Ids::Int2 | Ids::Int4 | Ids::Int8 | Ids::Numeric | Ids::Uuid => "r.invoice_id",
            Ids::Text | Ids::Padded | Ids::Other => "CAST(r.invoice_id AS text) COLLATE \"C\"",
        }
    }

    /// Whether a column of this type can hold an id, written as its rows have it.
    pub(super) fn can_hold(self, id: &str) -> bool {
        let within = |least: i64, most: i64| id.parse().is_ok_and(|n: i64| (least..=most).contains(&n) && n.to_string() == id);
        match self {
            Ids::Int2 => within(i16::MIN.into(), i16::MAX.into()),
            Ids::Int4 => within(i32::MIN.into(), i32::MAX.into()),
            Ids::Int8 => within(i64::MIN, i64::MAX),
            Ids::Numeric => {
                let digits = id.strip_prefix('-').unwrap_or(id);
                let one_way = id == "0" || !digits.starts_with('0');
                one_way && (1..=1000).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Ids::Uuid => {
                let dash = |i: usize| matches!(i, 8 | 13 | 18 | 23);
                let fits = |(i, b): (usize, u8)| if dash(i) { b == b'-' } else { matches!(b, b'0'..=b'9' | b'a'..=b'f') };
                id.len() == 36 && id.bytes().enumerate().all(fits)
            }
            Ids::Text | Ids::Padded | Ids::Other => !id.contains('\0'),
        }
    }
}

/// A user's re-read with its `:ids` as the first parameter, an array of texts. `x::ids` is a type's name, and `:ids_of`
/// is another word.
pub(super) fn with_ids(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(":ids") {
        let (before, after) = (&rest[..at], &rest[at + 4..]);
        out.push_str(before);
        let in_word = after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
        out.push_str(if in_word || before.ends_with(':') { ":ids" } else { "($1::text[])" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_re_read_become_the_parameter() {
        assert_eq!(with_ids("i.id::text = ANY(:ids)"), "i.id::text = ANY(($1::text[]))");
        assert_eq!(with_ids("id = ANY(:ids::bigint[])"), "id = ANY(($1::text[])::bigint[])");
        assert_eq!(with_ids("a IN (:ids) OR b IN (:ids)"), "a IN (($1::text[])) OR b IN (($1::text[]))");
        assert_eq!(with_ids("x::ids, :idsx, :ids_2, :ids"), "x::ids, :idsx, :ids_2, ($1::text[])");
        assert_eq!(with_ids(":ids"), "($1::text[])");
    }

    #[test]
    fn an_id_that_a_type_cannot_hold_is_known() {
        for (ids, yes, no) in [
            (Ids::Int2, &["0", "-5", "32767"][..], &["32768", "05", "+5", "-0", "5.0", "x", ""][..]),
            (Ids::Int4, &["2147483647"], &["2147483648"]),
            (Ids::Int8, &["9223372036854775807"], &["9223372036854775808", " 1"]),
            (Ids::Numeric, &["0", "123456789012345678901234567890", "-7"], &["", "-", "-0", "07", "1.0", "NaN", "1e5"]),
            (
                Ids::Uuid,
                &["123e4567-e89b-12d3-a456-426614174000"],
                &["123E4567-E89B-12D3-A456-426614174000", "123e4567e89b12d3a456426614174000", "5", "é"],
            ),
            (Ids::Text, &["", "x", "é"], &["a\0b"]),
        ] {
            assert!(yes.iter().all(|id| ids.can_hold(id)), "{ids:?}");
            assert!(no.iter().all(|id| !ids.can_hold(id)), "{ids:?}: {no:?}");
        }
    }
}
