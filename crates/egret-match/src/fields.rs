//! Where the fields that rules name are found in the rows of a table. All rule languages share this one map.

use std::collections::{BTreeSet, HashMap};

use arrow::datatypes::{DataType, Field};
use egret_model::schema::{EXTRA, spellings};

/// Where a field is found: in a column, else in `extra`, which has what no column took and what none can give back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The column and the way inside it.
    pub column: Option<ColumnPlace>,
    /// The paths in `extra` where the record may have it, the likeliest first.
    pub extra: Vec<Vec<String>>,
}

/// A column and the way inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ColumnPlace {
    /// The column's name.
    pub column: String,
    /// The names of fields inside structs.
    pub fields: Vec<String>,
    /// Whether it holds JSON as text.
    pub is_json: bool,
    /// The names of members inside that JSON.
    pub members: Vec<String>,
}

/// The fields of a table: vendor path → column → `extra`.
#[derive(Debug, Clone, Default)]
pub struct FieldMap {
    /// By vendor path, spaces stripped; and by column name where no vendor path is the same. With how much its column
    /// prefers the path: of several that take a field the one that prefers it most has it.
    places: HashMap<String, (usize, Place)>,
    /// As `places`, in lower case, where only one field has this name so.
    folded: HashMap<String, Option<String>>,
    /// Objects of the record whose members count as fields of the record, such as `winlog.event_data`.
    roots: Vec<Vec<String>>,
    /// The columns that hold JSON as text.
    documents: BTreeSet<String>,
}

impl FieldMap {
    /// Without columns: everything is in `extra`, below itself or one of `roots`, which are paths.
    pub fn new<R: AsRef<str>>(roots: impl IntoIterator<Item = R>) -> Self {
        let roots = roots.into_iter().map(|root| split(root.as_ref())).collect();
        Self { roots, documents: BTreeSet::from([EXTRA.to_owned()]), ..Self::default() }
    }

    /// Adds a column that takes the record's fields `sources`, paths, the preferred one first.
    #[must_use]
    pub fn with_column<S: AsRef<str>>(mut self, name: &str, sources: &[S], data_type: &DataType) -> Self {
        let column = ColumnPlace { column: name.to_owned(), ..ColumnPlace::default() };
        self.add_column(&column, sources, data_type);
        self
    }

    /// As [`FieldMap::with_column`], of a column that holds JSON as text.
    #[must_use]
    pub fn with_json_column<S: AsRef<str>>(mut self, name: &str, sources: &[S]) -> Self {
        self.documents.insert(name.to_owned());
        let column = ColumnPlace { column: name.to_owned(), is_json: true, ..ColumnPlace::default() };
        self.add_column(&column, sources, &DataType::Utf8View);
        self
    }

    /// The columns that hold JSON as text.
    pub(crate) fn documents(&self) -> &BTreeSet<String> {
        &self.documents
    }

    fn add_column<S: AsRef<str>>(&mut self, column: &ColumnPlace, sources: &[S], data_type: &DataType) {
        let name = &column.column;
        for (rank, source) in sources.iter().enumerate() {
            let source = source.as_ref();
            let place = Place { column: Some(column.clone()), extra: self.paths(source) };
            self.add_inside(rank + 1, &place, source, data_type);
            if rank == 0 && name != source {
                self.add(usize::MAX, name, place.clone());
            }
            // Nobody takes a field from the column that is called like it.
            self.add(if name == source { 0 } else { rank + 1 }, source, place);
        }
    }

    fn add_inside(&mut self, rank: usize, place: &Place, source: &str, data_type: &DataType) {
        let DataType::Struct(fields) = data_type else { return };
        for field in fields {
            self.add_struct_field(rank, place, source, field);
        }
    }

    fn add_struct_field(&mut self, rank: usize, outer: &Place, source: &str, field: &Field) {
        for spelling in spellings(field.name()) {
            let path = format!("{source}.{spelling}");
            let mut place = Place { column: outer.column.clone(), extra: self.paths(&path) };
            if let Some(column) = &mut place.column {
                column.fields.push(field.name().clone());
            }
            self.add_inside(rank, &place, &path, field.data_type());
            self.add(rank, &path, place);
        }
    }

    fn add(&mut self, rank: usize, path: &str, place: Place) {
        let name = without_spaces(path);
        self.note_folded(&name);
        match self.places.get(&name) {
            Some((known, _)) if *known <= rank => {}
            _ => {
                self.places.insert(name, (rank, place));
            }
        }
    }

    fn note_folded(&mut self, name: &str) {
        let same = self.folded.entry(name.to_lowercase()).or_insert_with(|| Some(name.to_owned()));
        if same.as_deref() != Some(name) {
            *same = None;
        }
    }

    /// Where the field that a rule calls `name` is found. Spaces in names do not count, and case does not where it
    /// makes no difference. The longest known beginning of a path is a column that holds the rest as JSON.
    pub fn resolve(&self, name: &str) -> Place {
        let name = without_spaces(name);
        let mut known = name.as_str();
        loop {
            if let Some(place) = self.find(known) {
                let rest = split(name[known.len()..].trim_start_matches('.'));
                let mut place = place.clone();
                place.extra.iter_mut().for_each(|path| path.extend_from_slice(&rest));
                if let Some(column) = &mut place.column {
                    column.members.extend(rest);
                }
                return place;
            }
            match known.rfind('.') {
                Some(dot) => known = &known[..dot],
                None => return Place { column: None, extra: self.paths(&name) },
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Place> {
        let found = self.places.get(name).or_else(|| {
            let known = self.folded.get(&name.to_lowercase())?.as_ref()?;
            self.places.get(known)
        });
        found.map(|(_, place)| place)
    }

    /// Where `extra` may have the field at this path of the record.
    fn paths(&self, path: &str) -> Vec<Vec<String>> {
        let own = split(path);
        let below = self.roots.iter().filter(|root| !own.starts_with(root));
        let mut paths: Vec<Vec<String>> =
            below.map(|root| root.iter().chain(&own).cloned().collect()).collect();
        paths.insert(0, own);
        paths
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn without_spaces(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Fields;

    use super::*;

    fn map() -> FieldMap {
        let identity = DataType::Struct(Fields::from(vec![
            Field::new("type", DataType::Utf8View, true),
            Field::new("user_name", DataType::Utf8View, true),
        ]));
        FieldMap::new(["winlog.event_data"])
            .with_column("event_name", &["eventName"], &DataType::Utf8View)
            .with_column("user_identity", &["userIdentity"], &identity)
            .with_json_column("request_parameters", &["requestParameters"])
            .with_column("ThreatName", &["Threat Name"], &DataType::Utf8View)
            .with_column("path", &["path"], &DataType::Utf8View)
            .with_column("Path_", &["Path"], &DataType::Utf8View)
    }

    #[track_caller]
    fn check(name: &str, column: &str, fields: &[&str], members: &[&str]) {
        let place = map().resolve(name).column.unwrap();
        assert_eq!((place.column.as_str(), place.fields.as_slice()), (column, &own(fields)[..]), "{name}");
        assert_eq!(place.members, own(members), "{name}");
    }

    fn own(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn fields_are_found_by_vendor_path_then_column() {
        check("eventName", "event_name", &[], &[]);
        check("event_name", "event_name", &[], &[]);
        check("EventName", "event_name", &[], &[]);
        check("userIdentity.type", "user_identity", &["type"], &[]);
        check("userIdentity.userName", "user_identity", &["user_name"], &[]);
        check("requestParameters.bucketName", "request_parameters", &[], &["bucketName"]);
        check("requestParameters.a.b", "request_parameters", &[], &["a", "b"]);
        check("ThreatName", "ThreatName", &[], &[]);
        check("Threat Name", "ThreatName", &[], &[]);
    }

    #[test]
    fn of_several_columns_the_one_that_prefers_a_field_has_it() {
        let map = FieldMap::new::<&str>([])
            .with_column("provider", &["Provider_Name", "SourceName"], &DataType::Utf8View)
            .with_column("SourceName", &["SourceName"], &DataType::Utf8View)
            .with_column("other", &["x", "y", "Provider_Name"], &DataType::Utf8View);
        let column = |name: &str| map.resolve(name).column.unwrap().column;
        assert_eq!((column("SourceName"), column("Provider_Name")), ("SourceName".into(), "provider".into()));
        assert_eq!((column("y"), column("provider")), ("other".into(), "provider".into()));
    }

    #[test]
    fn names_that_differ_only_by_case_are_kept_apart() {
        check("path", "path", &[], &[]);
        check("Path", "Path_", &[], &[]);
        assert_eq!(map().resolve("PATH").column, None);
    }

    #[test]
    fn what_no_column_has_is_in_extra() {
        let place = map().resolve("CommandLine");
        assert_eq!(place.column, None);
        assert_eq!(place.extra, [own(&["CommandLine"]), own(&["winlog", "event_data", "CommandLine"])]);
        assert_eq!(map().resolve("winlog.event_data.x").extra, [own(&["winlog", "event_data", "x"])]);
    }
}
