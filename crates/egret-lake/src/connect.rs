//! A script with which DuckDB opens the lake.

use std::fs;
use std::path::PathBuf;

use crate::catalog::quote;
use crate::error::LakeError;
use crate::lake::Lake;

impl Lake {
    /// Writes a script for `duckdb -init` that attaches the lake, read-only, and makes a view for each
    /// table. Returns its path.
    ///
    /// # Errors
    /// If the catalog fails or the file cannot be written.
    pub async fn connect(&self) -> Result<PathBuf, LakeError> {
        let catalog = literal(&format!("ducklake:sqlite:{}", self.catalog().path().display()));
        let mut script = format!(
            "-- Opens the lake in DuckDB: duckdb -init <this file>\n\
             INSTALL sqlite;\nLOAD sqlite;\nINSTALL ducklake;\nLOAD ducklake;\n\
             ATTACH {catalog} AS lake (READ_ONLY);\n"
        );
        for table in self.tables().await? {
            let name = quote(table.name());
            script.push_str(&format!("CREATE OR REPLACE VIEW {name} AS SELECT * FROM lake.main.{name};\n"));
        }
        let path = self.folder().join("connect.sql");
        // Another process may be reading it: replace it as a whole.
        let temporary = path.with_extension(format!("sql.{}", std::process::id()));
        fs::write(&temporary, script).map_err(LakeError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(LakeError::io("write", &path))?;
        Ok(path)
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
